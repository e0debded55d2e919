"""Makes `.venv` with exactly what is locked: `python scripts/install.py [dev]`. Needs Python 3.11 and nothing else.

What was installed is noted in the environment, so that a second call returns at once.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / os.environ.get("VENV", ".venv")
PYTHON = VENV / "bin" / "python"
OLDEST = (3, 11)


def ensure(*, dev: bool = False) -> Path:
    """The environment's Python, after installing what is missing."""
    lock = ROOT / ("requirements-dev.txt" if dev else "requirements.txt")
    with (ROOT / f"{VENV.name}.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)  # another copy may be at it
        if _is_installed(lock):
            return PYTHON
        if not PYTHON.exists():
            print(f"Making {VENV.name} with Python {sys.version.split()[0]} …", flush=True)
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True)
        print(f"Installing {lock.name} (a minute the first time) …", flush=True)
        install = [*(str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"), "--require-hashes"]
        # The lock names all that is needed, and of what is installed a third at most is ever imported and compiled.
        install += ["--no-deps", "--no-compile"]
        done = subprocess.run([*install, "-r", str(lock)], check=False, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            sys.exit(f"pip could not install {lock.name}:\n{done.stderr}")
        _note(lock)
    return PYTHON


def _note_of(lock: Path) -> Path:
    return VENV / f"{lock.stem}.installed"


def _digest(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()


def _is_installed(lock: Path) -> bool:
    note = _note_of(lock)
    return PYTHON.exists() and note.exists() and note.read_text() == _digest(lock)


def _note(lock: Path) -> None:
    _note_of(lock).write_text(_digest(lock))
    if lock.stem == "requirements-dev":  # it holds the other
        _note(ROOT / "requirements.txt")


def with_new_enough_python() -> None:
    """Begin again with a newer Python of this machine when this one is too old."""
    if sys.version_info >= OLDEST:
        return
    for minor in (13, 12, 11):
        result = shutil.which(f"python3.{minor}")
        if result and subprocess.run([result, "-c", ""], check=False, capture_output=True).returncode == 0:
            os.execv(result, [result, *sys.argv])
    sys.exit("Parley needs Python 3.11 or later. Say where it is: make run PYTHON=/path/to/python3.11")


if __name__ == "__main__":
    with_new_enough_python()
    ensure(dev="dev" in sys.argv[1:])
