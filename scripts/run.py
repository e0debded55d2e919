"""`make run`: all there is to do between a fresh clone and an open page, then web, worker and beat in the foreground.

Needs Python 3.11 or later and nothing else. PORT, HOST and DATA_DIR are taken from the environment, else from `.env`.
Ctrl-C or SIGTERM ends all of it within 30 seconds; a part that dies is started again.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO

from install import ensure, with_new_enough_python
from make_keys import lines as random_keys
from parts import PARTS, ROOT, command

# After SIGTERM a part has so long to finish; then it is killed with all it started.
GRACE_SECONDS = 25.0
FIRST_PAUSE_SECONDS = 1.0
MAX_PAUSE_SECONDS = 30.0
# One that lived so long did not die of its start: the pause before the next start begins small again.
STEADY_AFTER_SECONDS = 60.0
PR_SET_PDEATHSIG = 1
TAKEN_FROM_FILE = ("PORT", "HOST", "DATA_DIR", "WEB_WORKERS")

_print_lock = threading.Lock()


def report(line: str, part: str = "run") -> None:
    with _print_lock:
        print(f"{part:<6} | {line}", flush=True)


class Part:
    """One process of the three: started, watched, started again, ended."""

    def __init__(self, name: str, line: list[str], environment: dict[str, str]) -> None:
        self.name = name
        self.line = line
        self.environment = environment
        self.process: subprocess.Popen[str] | None = None
        self.begun_at = 0.0
        self.pause = FIRST_PAUSE_SECONDS
        self.start_at = 0.0

    def start(self) -> None:
        # A session of its own: Ctrl-C reaches the supervisor alone, and a kill reaches all that the part started.
        self.process = subprocess.Popen(
            self.line,
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            bufsize=1,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
        self.begun_at = time.monotonic()
        threading.Thread(target=self._pass_on, args=(self.process.stdout,), daemon=True).start()

    def _pass_on(self, output: IO[str] | None) -> None:
        for line in output or ():
            if line.strip():
                report(line.rstrip(), self.name)

    def keep_up(self) -> None:
        """Start it again when it is gone, a little later each time."""
        now = time.monotonic()
        if self.process is not None and self.process.poll() is not None:
            if now - self.begun_at > STEADY_AFTER_SECONDS:
                self.pause = FIRST_PAUSE_SECONDS
            report(f"{self.name} ended with {self.process.returncode}; started again in {self.pause:.0f} s")
            self.signal(signal.SIGKILL)
            self.process = None
            self.start_at = now + self.pause
            self.pause = min(2 * self.pause, MAX_PAUSE_SECONDS)
        if self.process is None and now >= self.start_at:
            self.start()

    def signal(self, number: int) -> None:
        """To the process and all it started."""
        if self.process is not None:
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                return

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None


def die_with_parent() -> None:
    """Where the system can (Linux): a killed supervisor leaves nobody behind."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Supervisor:
    def __init__(self, python: Path, environment: dict[str, str]) -> None:
        self.parts = [Part(name, command(name, environment, str(python)), environment) for name in PARTS]
        self.stop_requested_at: float | None = None
        self.is_impatient = False
        signal.signal(signal.SIGINT, self._request_stop)
        signal.signal(signal.SIGTERM, self._request_stop)
        signal.signal(signal.SIGHUP, self._request_stop)

    def _request_stop(self, number: int, _: object) -> None:
        now = time.monotonic()
        if self.stop_requested_at is None:
            self.stop_requested_at = now
        elif number == signal.SIGINT and now - self.stop_requested_at > 1:
            # Ctrl-C once more; one signal may reach us twice, through the group and through make.
            self.is_impatient = True

    def run(self, address: str, welcome: list[str]) -> None:
        """Run until a stop is requested."""
        greeted = False
        while self.stop_requested_at is None:
            for part in self.parts:
                part.keep_up()
            if not greeted and answers(f"{address}/health"):
                greeted = True
                for line in welcome:
                    report(line)
            time.sleep(0.3)
        self.stop()

    def stop(self) -> None:
        report("stopping …")
        for part in self.parts:
            if part.process is not None and part.is_running:
                part.process.send_signal(signal.SIGTERM)
        until = time.monotonic() + GRACE_SECONDS
        while any(part.is_running for part in self.parts) and time.monotonic() < until and not self.is_impatient:
            time.sleep(0.1)
        for part in self.parts:
            part.signal(signal.SIGKILL)
        for part in self.parts:
            if part.process is not None:
                part.process.wait()
        report("stopped")


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1):  # noqa: S310 - our own address
            return True
    except urllib.error.HTTPError:
        return True  # it answers, if only that it does not know this host name
    except (OSError, ValueError):
        return False


def settings_from_file(environment: dict[str, str]) -> dict[str, str]:
    """What `.env` says of where things are; the rest of it Parley reads by itself."""
    path = Path(environment.get("ENV_FILE") or ROOT / ".env")
    values = {}
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            name, separator, value = line.removeprefix("export ").partition("=")
            if separator and name.strip() in TAKEN_FROM_FILE:
                values[name.strip()] = value.strip().strip("'\"")
    return values


def make_data_dir(data: Path) -> None:
    """The folder for all that is kept, with random keys in `local.env` that nobody else may read."""
    data.mkdir(parents=True, exist_ok=True)
    file = data / "local.env"
    if not file.exists():
        content = ["# Made by `make run`. Whoever loses ENCRYPTION_KEYS loses the stored credentials.", "DEBUG=true"]
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
            handle.write("\n".join([*content, *random_keys(), ""]))


def require_free(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            sys.exit(
                f"Port {port} on {host} can't be used ({error.strerror}). Choose another: make run PORT={port + 1}"
            )


def hold(data: Path) -> IO[str]:
    """Keep a second copy out of the same folder; the lock goes with the process."""
    guard = (data / "run.lock").open("w")
    try:
        fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        sys.exit(f"Parley already runs on {data}. For a second copy: make run PORT=8001 DATA_DIR=var2")
    return guard


def main() -> None:
    with_new_enough_python()
    environment = dict(os.environ)
    for name, value in settings_from_file(environment).items():
        environment.setdefault(name, value)
    host, port = environment.get("HOST") or "127.0.0.1", int(environment.get("PORT") or 8000)
    data = (ROOT / (environment.get("DATA_DIR") or "var")).resolve()
    environment |= {"HOST": host, "PORT": str(port), "DATA_DIR": str(data), "PYTHONUNBUFFERED": "1"}

    python = ensure()
    make_data_dir(data)
    guard = hold(data)
    require_free(host, port)
    report("preparing the database …")
    prepared = subprocess.run([str(python), "manage.py", "prepare", "--demo"], cwd=ROOT, env=environment, check=False)
    if prepared.returncode:
        sys.exit(prepared.returncode)
    everywhere = ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound to
    address = f"http://{'127.0.0.1' if host in everywhere else host}:{port}"
    welcome = [f"Parley is at {address}", *sign_in(data), "Ctrl-C stops it."]
    Supervisor(python, environment).run(address, welcome)
    guard.close()


def sign_in(data: Path) -> list[str]:
    """How to sign in to the demo, as `prepare --demo` noted it."""
    note = data / "demo.txt"
    return note.read_text(encoding="utf-8").splitlines() if note.exists() else []


if __name__ == "__main__":
    main()
