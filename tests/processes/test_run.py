"""`make run` as a user sees it: an open page, parts that come back, and an end that leaves nobody behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.stack import free_port

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(
        bool(os.environ.get("DATABASE_URL")), reason="a fresh machine has SQLite, whatever the suite runs on"
    ),
]


class Run:
    def __init__(self, data: Path, **environment: str) -> None:
        self.data = data
        self.port = free_port()
        self.log = data.with_suffix(".log")
        known = {"PATH": os.environ["PATH"], "HOME": str(data.parent), "ENV_FILE": os.devnull, "VENV": sys.prefix}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "scripts/run.py"],
                cwd=ROOT,
                env={**known, "DATA_DIR": str(data), "PORT": str(self.port), **environment},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def said(self) -> str:
        return self.log.read_text()

    def health(self) -> dict[str, Any]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health/ready", timeout=3) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            return json.load(error)
        except OSError:
            return {}

    def parts(self) -> dict[str, int]:
        """The children of the supervisor by what they are."""
        found: dict[str, int] = {}
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError):
                pid = int(entry.name)
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                words = (entry / "cmdline").read_text().split("\0")
                if parent == self.process.pid:
                    found.update({part: pid for part in ("uvicorn", "worker", "beat") if part in words})
        return found

    def those_with_our_folder(self) -> list[str]:
        """Every process that was told this DATA_DIR."""
        mark = f"DATA_DIR={self.data}"
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and mark in (entry / "environ").read_text(errors="replace").split("\0"):
                    found.append(entry.name)
        return found


def wait(condition: Callable[[], Any], seconds: float) -> Any:
    until = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < until:
        time.sleep(0.2)
    return value


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    if not (Path(sys.prefix) / "requirements.installed").exists():
        pytest.skip("this environment was not made by scripts/install.py, so starting would install packages")
    run = Run(tmp_path / "data")
    yield run
    with contextlib.suppress(ProcessLookupError):
        os.killpg(run.process.pid, signal.SIGTERM)
    run.process.wait(30)


def test_from_nothing_to_an_open_page_and_to_nothing_again(run: Run):
    assert wait(lambda: run.health().get("status") == "ok", 90), run.said()
    assert wait(lambda: f"Parley is at http://127.0.0.1:{run.port}" in run.said(), 10)
    assert "password" in run.said(), "it says how to sign in"

    keys = run.data / "local.env"
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    assert "SECRET_KEY=" in keys.read_text()

    second = subprocess.run(
        [sys.executable, "scripts/run.py"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, "VENV": sys.prefix, "DATA_DIR": str(run.data)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert "already runs" in second.stderr

    before = run.parts()
    assert set(before) == {"uvicorn", "worker", "beat"}
    os.kill(before["worker"], signal.SIGKILL)
    assert wait(lambda: run.parts().get("worker", before["worker"]) != before["worker"], 10), run.said()
    assert run.parts()["uvicorn"] == before["uvicorn"]

    begun = time.monotonic()
    run.process.send_signal(signal.SIGINT)
    assert run.process.wait(30) == 0
    assert time.monotonic() - begun < 30
    assert run.those_with_our_folder() == []


def test_a_killed_supervisor_leaves_nobody_behind(run: Run):
    assert wait(lambda: run.health().get("status") == "ok", 90), run.said()
    run.process.kill()
    run.process.wait()
    assert wait(lambda: run.those_with_our_folder() == [], 20)
