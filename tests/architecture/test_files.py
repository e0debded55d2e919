"""What the tree itself has to keep to: sizes, settings that are explained, a lock in step, and words left out."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAX_LENGTH = 600  # of templates, styles and JavaScript
MAX_MODULE_LENGTH = 400  # of Python: ours, tests and scripts alike
# One typed file of all settings was found good.
LONGER_MODULES = {"crm_project/settings.py": 500}


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=False)
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def test_no_file_is_longer_than_a_reader_bears():
    files = [path for path in tracked("*.py", "*.html", "*.css", "*.js") if "migrations" not in path.parts]
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in files}
    assert {name: length for name, length in lengths.items() if length > limit_of(name)} == {}


def limit_of(name: str) -> int:
    return LONGER_MODULES.get(name, MAX_MODULE_LENGTH) if name.endswith(".py") else MAX_LENGTH


def settings_read() -> set[str]:
    """The names that settings.py asks the environment for."""
    names = set()
    for node in ast.walk(ast.parse((ROOT / "crm_project" / "settings.py").read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            asked = isinstance(node.func.value, ast.Name) and node.func.value.id == "env" and node.args[0]
            if isinstance(asked, ast.Constant) and isinstance(asked.value, str) and asked.value.isupper():
                names.add(asked.value)
    return names


# Read by scripts/run.py and scripts/parts.py, before there are settings.
READ_BY_SCRIPTS = {"HOST", "WEB_WORKERS"}
READ_BY_COMPOSE = {"POSTGRES_PASSWORD", "PUBLISH"}


def test_every_setting_is_explained_in_the_example():
    lines = (ROOT / ".env.example").read_text().splitlines()
    explained = {match[1]: number for number, line in enumerate(lines) if (match := re.match(r"#? ?([A-Z_]+)=", line))}
    assert set(explained) == settings_read() | READ_BY_SCRIPTS | READ_BY_COMPOSE
    for name, number in explained.items():
        assert lines[number - 1].startswith("# "), f"{name} has no sentence above it"


@pytest.mark.parametrize("stem", ["requirements", "requirements-dev"])
def test_the_lock_is_in_step_with_what_is_asked_for(stem):
    asked = set()
    for line in (ROOT / f"{stem}.in").read_text().splitlines():
        if match := re.match(r"([A-Za-z0-9._-]+)(\[[^\]]*\])?\s*(==|>=|<|$|~=)", line.split("#")[0].strip()):
            asked.add(re.sub(r"[-_.]+", "-", match[1]).lower())
    lock = (ROOT / f"{stem}.txt").read_text()
    locked = {match[1] for match in re.finditer(r"^([a-z0-9-]+)==", lock, re.MULTILINE)}
    assert asked
    assert asked <= locked
    assert "://" not in lock
    assert all("--hash=sha256:" in block for block in re.split(r"\n(?=[a-z0-9-]+==)", lock.strip()))


def test_both_locks_hold_the_same_versions():
    def versions(name: str) -> dict[str, str]:
        return dict(re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)", (ROOT / name).read_text(), re.MULTILINE))

    both = versions("requirements-dev.txt")
    assert {name: both.get(name) for name in versions("requirements.txt")} == versions("requirements.txt")


def test_nothing_is_left_for_later_in_a_comment():
    marks = re.compile(r"\b(?:TODO|FIXME|XXX)\b")
    files = tracked("*.py", "*.html", "*.css", "*.js", "Makefile", "*.sh")
    found = [path.name for path in files if path != Path(__file__) and marks.search(path.read_text())]
    assert found == []
