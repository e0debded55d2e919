"""The environment of a test run, loaded before Django reads its settings.

Only DATABASE_URL and REDIS_URL are taken over from outside: without them the suite runs on SQLite and the local broker.
Everything that is written goes into a folder of the run's own.
"""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

KEPT = {"DATABASE_URL", "REDIS_URL"}


def prepare() -> None:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    # Of the browsers all processes stand before one installation (tests/browser/installation.py).
    shares_installation = bool(worker and os.environ.get("BROWSER_INSTALLATION"))
    if not worker:
        data = tempfile.mkdtemp(prefix="parley-test-")
        atexit.register(shutil.rmtree, data, ignore_errors=True)
        os.environ["DATA_DIR"] = data
    elif not shares_installation:
        # Each process of a parallel run has a broker and files of its own, as it has a database.
        own = Path(os.environ["DATA_DIR"]) / worker
        own.mkdir(exist_ok=True)
        os.environ["DATA_DIR"] = str(own)
    os.environ.update(
        DEBUG="true",
        ENV_FILE=os.devnull,
        EXTRA_APPS="zeal",
        LOG_LEVEL="INFO",
        PUBLIC_BASE_URL="http://testserver",
        SECRET_KEY="only-for-tests-" + "x1" * 30,
        ENCRYPTION_KEYS="b25seS1mb3ItdGVzdHMtMDAwMDAwMDAwMDAwMDAwMDA=",
        TWILIO_VALIDATE_SIGNATURE="true",
    )
    if worker and not shares_installation and os.environ.get("REDIS_URL"):
        os.environ["REDIS_URL"] = _database_of_ones_own(os.environ["REDIS_URL"], worker)


def _database_of_ones_own(url: str, worker: str) -> str:
    """The parallel processes of a run must not empty each other's cache."""
    parts = urlsplit(url)
    number = int(parts.path.strip("/") or 0) + int(worker.removeprefix("gw"))
    return parts._replace(path=f"/{number}").geturl()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What hostile texts left in a captured log has to travel as UTF-8 between the processes of a parallel run."""
    report = yield
    report.sections = [(name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections]
    return report


prepare()
# Importing and collecting make very many objects that stay. Looking through them again and again took a quarter of the
# time of collecting.
gc.set_threshold(50_000, 20, 100)
