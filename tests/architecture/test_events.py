"""Every event that code records is declared, in an events.py, once."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from activity import registry

ROOT = Path(__file__).resolve().parents[2]
APPS = ("activity", "accounts", "customers", "messaging", "workflows", "analytics")
FILES = [path for app in APPS for path in sorted((ROOT / app).rglob("*.py")) if "migrations" not in path.parts]


def calls(path: Path, *names: str) -> Iterator[ast.Call]:
    """Calls of these functions, by bare or dotted name."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            called = node.func
            name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
            if name in names:
                yield node


def events_named_in(path: Path) -> Iterator[str]:
    """The event types in the first argument of each `record`: texts, and constants of an events module."""
    for call in calls(path, "record", "_record"):
        if not call.args:
            continue
        for node in ast.walk(call.args[0]):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "events":
                app = path.relative_to(ROOT).parts[0]
                yield getattr(importlib.import_module(f"{app}.events"), node.attr)


RECORDING = [path for path in FILES if list(events_named_in(path))]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_the_scan_finds_what_services_record():
    assert len(RECORDING) >= 5


@pytest.mark.parametrize("path", RECORDING, ids=name)
def test_a_recorded_event_is_declared(path):
    assert set(events_named_in(path)) <= set(registry.declared())


def test_events_are_declared_in_events_modules_only():
    elsewhere = [name(path) for path in FILES if path.name != "events.py" and list(calls(path, "declare"))]
    assert elsewhere == []


def test_an_undeclared_event_is_refused():
    with pytest.raises(registry.UndeclaredEvent):
        registry.require_declared("nobody.declared_this")


def test_event_names_are_a_subject_and_what_happened():
    for event_type, description in registry.declared().items():
        subject, _, happened = event_type.partition(".")
        assert subject.isidentifier(), event_type
        assert happened.isidentifier(), event_type
        assert description, event_type
