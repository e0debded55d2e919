"""The style sheets: one declaration a line, components apart from pages, every file linked and there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CSS = ROOT / "static" / "css"
FILES = sorted(CSS.rglob("*.css"))
LAYERS = {"components": {"components", "blocks"}, "pages": {"pages"}}
MAX_LINES = 400
# Django's own admin has some too.
_LINK = re.compile(r"(?<!admin/)css/[\w/]+\.css")


def name(path: Path) -> str:
    return str(path.relative_to(CSS))


def without_comments(path: Path) -> list[str]:
    return re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL).splitlines()


def test_a_line_has_one_declaration(subtests):
    for path in FILES:
        with subtests.test(name(path)):
            for line in without_comments(path):
                # A picture in the address of a `url()` may hold either sign.
                plain = re.sub(r"\"[^\"]*\"|\([^()]*\)", "", line)
                assert plain.count(";") <= 1, line
                assert not ("{" in plain and (";" in plain or "}" in plain)), line
            assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


def test_a_component_and_a_page_keep_to_their_layers(subtests):
    for path in (one for one in FILES if one.parent != CSS):
        with subtests.test(name(path)):
            layers = set(re.findall(r"@layer ([\w-]+)", "\n".join(without_comments(path))))
            assert layers <= LAYERS[path.parent.name]
            assert layers


def test_every_file_is_linked_and_every_linked_file_is_there():
    linked = {
        found for page in (ROOT / "templates").rglob("*.html") for found in _LINK.findall(page.read_text("utf-8"))
    }
    assert linked == {f"css/{name(path)}" for path in FILES}
