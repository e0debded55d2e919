"""Every template compiles, and none holds what the Content-Security-Policy forbids."""

from __future__ import annotations

import re
from pathlib import Path

from django.template import engines

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html")) + sorted((ROOT / "templates").rglob("*.txt"))

FORBIDDEN = {
    "a script in the page": re.compile(r"<script(?![^>]*\b(?:src|type=\"application/json\"))", re.IGNORECASE),
    "a style element": re.compile(r"<style[\s>]", re.IGNORECASE),
    "a style attribute": re.compile(r"<[a-z][^>]*\sstyle\s*=", re.IGNORECASE),
    "an event handler in an attribute": re.compile(r"<[a-z][^>]*\son[a-z]+\s*=", re.IGNORECASE),
    "a javascript: address": re.compile(r"javascript:", re.IGNORECASE),
    "something from elsewhere": re.compile(
        r"<(?:script|link|img|iframe)[^>]*\s(?:src|href)=\"(?:https?:)?//", re.IGNORECASE
    ),
    "a hyperscript or eval attribute": re.compile(r"\shx-on|\shx-vars|js:", re.IGNORECASE),
}

# Files that are read without us, and bring their style along.
STANDALONE = {"customers/data/personal_data/personal_data.html": {"a style element"}}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT / "templates"))


def test_there_are_templates():
    assert TEMPLATES


def test_a_template_compiles(subtests):
    for path in TEMPLATES:
        with subtests.test(name(path)):
            assert engines["django"].get_template(name(path))


def test_a_template_holds_nothing_that_the_policy_forbids(subtests):
    for path in TEMPLATES:
        with subtests.test(name(path)):
            text = re.sub(r"\{#.*?#\}|\{% comment.*?endcomment %\}", "", path.read_text(), flags=re.DOTALL)
            found = {what for what, pattern in FORBIDDEN.items() if pattern.search(text)}
            assert found == STANDALONE.get(name(path), set())
