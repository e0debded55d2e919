"""Every event that code records is declared, in an events.py, once, with its payload; and what is declared is true."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from activity import registry
from activity.payloads import KEEPABLE, PERSONAL, Kind, PayloadField
from activity.registry import EVENTS, Declared
from activity.rules import ACTIONS, CONDITION_FIELDS, OPERATORS
from customers.events import ABOUT_CUSTOMER

ROOT = Path(__file__).resolve().parents[2]
APPS = ("activity", "accounts", "customers", "messaging", "workflows", "analytics")
FILES = [path for app in APPS for path in sorted((ROOT / app).rglob("*.py")) if "migrations" not in path.parts]
RECORDS = ("record", "record_of_user", "record_many", "record_range", "_record", "tell")
# What rules may begin with, as the contract promises, and nothing records yet.
NOT_RECORDED: dict[str, str] = {}
DOCUMENT = ROOT / "docs" / "events.md"
WANTED = ROOT / "test-results" / "events.md"


def calls(path: Path, *names: str) -> Iterator[ast.Call]:
    """Calls of these functions, by bare or dotted name."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            called = node.func
            name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
            if name in names:
                yield node


def constants_in(path: Path, node: ast.AST) -> Iterator[str]:
    """The event types that constants of an events module name within a piece of code."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name) and inner.value.id == "events":
            app = path.relative_to(ROOT).parts[0]
            yield getattr(importlib.import_module(f"{app}.events"), inner.attr)


def events_named_in(path: Path) -> Iterator[str]:
    """The event types in the arguments of each call that records: texts, and constants of an events module."""
    for call in calls(path, *RECORDS):
        if call.args and isinstance(call.args[0], ast.Constant):
            yield call.args[0].value
        for argument in call.args:
            yield from constants_in(path, argument)


def recorded_in(path: Path) -> set[str]:
    """The same, and those that a module that records chooses from in a name or a table of its own."""
    found = set(events_named_in(path))
    if found or list(calls(path, *RECORDS)):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                found |= set(constants_in(path, node.value))
            elif isinstance(node, ast.Call) and any(keyword.arg == "event" for keyword in node.keywords):
                found |= {one for keyword in node.keywords for one in constants_in(path, keyword.value)}
            elif isinstance(node, ast.FunctionDef):
                found |= {one for default in node.args.kw_defaults if default for one in constants_in(path, default)}
    return found


def payloads_in(path: Path) -> Iterator[tuple[str, set[str], bool]]:
    """Of each `record` whose event and payload are written out: the event, the payload's keys, and whether these are
    all. A payload may have a name, given in the lines before."""
    assigned: dict[str, list[tuple[int, ast.Dict]]] = {}
    for node in ast.walk(ast.parse(path.read_text())):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for target in targets:
            if isinstance(target, ast.Name) and isinstance(getattr(node, "value", None), ast.Dict):
                assigned.setdefault(target.id, []).append((node.lineno, node.value))
    for call in calls(path, "record", "record_of_user"):
        payload = next((keyword.value for keyword in call.keywords if keyword.arg == "payload"), ast.Dict([], []))
        if isinstance(payload, ast.Name):
            before = [pair for pair in assigned.get(payload.id, []) if pair[0] < call.lineno]
            payload = max(before, key=lambda pair: pair[0])[1] if before else payload
        if call.args and isinstance(payload, ast.Dict):
            keys = {key.value for key in payload.keys if isinstance(key, ast.Constant)}
            for event in constants_in(path, call.args[0]):
                yield event, keys, len(keys) == len(payload.keys)


@cache
def recording() -> list[Path]:
    return [path for path in FILES if list(events_named_in(path))]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_the_scan_finds_what_services_record():
    assert len(recording()) >= 5


def test_a_recorded_event_is_declared(subtests):
    for path in recording():
        with subtests.test(name(path)):
            assert set(events_named_in(path)) <= set(EVENTS.names())


def test_a_payload_that_is_written_out_has_the_declared_fields(subtests):
    """Also where no test comes by."""
    for path in recording():
        with subtests.test(name(path)):
            for event, keys, is_all in payloads_in(path):
                fields = EVENTS[event].payload
                assert keys <= {field.name for field in fields}, event
                assert not is_all or keys >= {field.name for field in fields if not field.is_optional}, event


def test_most_payloads_are_written_out():
    assert sum(len(list(payloads_in(path))) for path in recording()) >= 60


def test_what_is_declared_is_recorded_somewhere():
    recorded = {event for path in FILES if path.name != "events.py" for event in recorded_in(path)}
    assert set(EVENTS.names()) - recorded == set(NOT_RECORDED)


def test_events_are_declared_in_events_modules_only():
    elsewhere = [name(path) for path in FILES if path.name != "events.py" and list(calls(path, "declare"))]
    assert elsewhere == []


def test_an_undeclared_event_is_refused():
    with pytest.raises(registry.UndeclaredEvent):
        registry.require_declared("nobody.declared_this")


def test_event_names_are_a_subject_and_what_happened():
    for event in EVENTS:
        subject, _, happened = event.event_type.partition(".")
        assert subject.isidentifier(), event.event_type
        assert happened.isidentifier(), event.event_type
        assert event.description, event.event_type


def test_a_payload_names_each_field_once_and_keeps_no_words(subtests):
    for event in EVENTS:
        with subtests.test(event.event_type):
            names = [field.name for field in event.payload]
            assert len(set(names)) == len(names)
            assert {field.kind for field in event.payload if field.is_kept} <= KEEPABLE
            assert all(CONDITION_FIELDS[field.name] is field for field in event.conditions)


@pytest.mark.parametrize("kind", sorted(set(Kind) - KEEPABLE))
def test_a_kind_that_holds_words_cannot_be_kept(kind: Kind):
    with pytest.raises(ValueError, match=f"a {kind} can say who somebody is"):
        PayloadField("name", kind, is_kept=True)


def test_no_personal_kind_can_be_kept():
    assert not PERSONAL & KEEPABLE


# --- The words of rules, as packs accept them and the contract has them ---------------------------------------------

TRIGGERS = """
message.received message.sent message.delivered message.failed customer.created customer.updated
customer.stage_changed customer.tag_added customer.assigned conversation.opened conversation.resolved
conversation.unanswered deal.created deal.won deal.lost task.created task.completed task.overdue followup.due
lead.stalled outcome.recorded schedule.daily
"""
# What was declared beside the contract's.
MORE_TRIGGERS = ["customer.date_reached", "sequence.enrolled"]
FIELDS = """
channel is_new_customer message_body customer_phone customer_stage customer_tags customer_source customer_status
assigned_to business_hours language outcome_type
"""
# Each action: what it needs, and what it may have beside.
WORDS = {
    "send_template": ({"template"}, {"delay_minutes", "cancel_on_inbound", "channel"}),
    "send_text": ({"body"}, {"delay_minutes", "cancel_on_inbound", "channel"}),
    "add_tag": ({"tag"}, set()),
    "remove_tag": ({"tag"}, set()),
    "set_stage": ({"stage"}, set()),
    "set_follow_up": (set(), {"days", "minutes"}),
    "assign": (set(), {"to", "team", "how"}),
    "create_task": ({"title"}, {"due_in_minutes", "priority", "description"}),
    "add_note": ({"body"}, set()),
    "start_sequence": ({"sequence"}, set()),
    "stop_sequence": ({"sequence"}, set()),
    "notify": ({"text"}, {"to"}),
    "set_status": ({"status"}, set()),
    "resolve_conversation": (set(), set()),
}


def test_the_words_of_rules_are_those_of_the_contract():
    assert sorted(registry.triggers()) == sorted([*TRIGGERS.split(), *MORE_TRIGGERS])
    assert sorted(CONDITION_FIELDS.names()) == sorted(FIELDS.split())
    assert list(OPERATORS) == ["neq", "contains", "icontains", "in", "gt", "lt", "isnull"]
    assert {action.name: (set(action.needs), set(action.takes)) for action in ACTIONS} == WORDS


def test_each_field_is_offered_by_an_event_and_has_operators_that_there_are():
    assert {field.name for event in EVENTS for field in event.conditions} == set(CONDITION_FIELDS.names())
    for field in CONDITION_FIELDS:
        assert set(field.operators) <= set(OPERATORS)
        assert field.label
    assert {operator for field in CONDITION_FIELDS for operator in field.operators} <= set(OPERATORS)


# --- The document ---------------------------------------------------------------------------------------------------


def table(*rows: tuple[str, ...]) -> str:
    lines = [rows[0], ("---",) * len(rows[0]), *rows[1:]]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "–"


def field_in_words(field: PayloadField) -> str:
    note = f" ({field.description})" if field.description else ""
    return f"`{field.name}`{'?' * field.is_optional}{'*' * field.is_kept} {field.kind}{note}"


def conditions_in_words(event: Declared) -> Iterator[str]:
    if set(ABOUT_CUSTOMER) <= set(event.conditions):
        yield "the customer’s"
    yield from (f"`{field.name}`" for field in event.conditions if field not in ABOUT_CUSTOMER)


def rendered() -> str:
    """The tables of docs/events.md, from the declarations."""
    events = table(
        ("event", "when", "payload", "conditions"),
        *(
            (
                f"`{event.event_type}`",
                str(event.description),
                listed(map(field_in_words, event.payload)),
                listed(conditions_in_words(event)),
            )
            for event in EVENTS
        ),
    )
    fields = table(
        ("field", "asks for", "kind", "of the customer", "operators beside equality"),
        *(
            (
                f"`{field.name}`",
                str(field.label),
                field.kind,
                "yes" if field in ABOUT_CUSTOMER else "",
                listed(f"`{one}`" for one in field.operators),
            )
            for field in CONDITION_FIELDS
        ),
    )
    actions = table(
        ("action", "does", "needs", "may have"),
        *(
            (
                f"`{action.name}`",
                str(action.label),
                *(listed(f"`{name}` {kind}" for name, kind in some.items()) for some in (action.needs, action.takes)),
            )
            for action in ACTIONS
        ),
    )
    return f"## The events\n\n{events}\n## What conditions can ask\n\n{fields}\n## Actions\n\n{actions}"


def test_the_document_says_what_the_declarations_say():
    text = DOCUMENT.read_text()
    wanted = text[: text.index("## The events")] + rendered()
    if text != wanted:
        WANTED.parent.mkdir(exist_ok=True)
        WANTED.write_text(wanted)
    assert text == wanted, f"copy {WANTED.relative_to(ROOT)} to docs/events.md"
