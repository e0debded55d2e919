"""Of an erased customer's events stays what their declarations keep."""

from __future__ import annotations

from typing import Any

import pytest

from activity.registry import kept_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("event", "payload", "left"),
    [
        (
            "customer.stage_changed",
            {"from": "new", "to": "lost", "reason": "moved to Hull"},
            {"from": "new", "to": "lost"},
        ),
        ("customer.updated", {"changes": {"name": {"from": "a", "to": "b"}}}, {}),
        ("customer.created", {"code": "C001", "source": "web site of Ann"}, {"code": "C001"}),
        (
            "deal.won",
            {"title": "Braces", "amount": "12.50", "currency": "GBP", "reason": ""},
            {"amount": "12.50", "currency": "GBP"},
        ),
        (
            "customer.follow_up_set",
            {"from": None, "to": "2026-11-21T10:00:00Z"},
            {"from": None, "to": "2026-11-21T10:00:00Z"},
        ),
        ("customer.stage_changed", {"to": {"name": "Ann"}, "from": "ann@example.com"}, {}),
        ("customer.identity_added", {"kind": "phone", "value": "+447700900123"}, {"kind": "phone"}),
        ("customer.tag_added", {"tag": "ann", "code": "C001"}, {}),
        ("file.added", {"name": "x.pdf", "status": "new"}, {}),
        ("customer.exploded", {"code": "C001"}, {}),
    ],
)
def test_of_an_event_stays_what_its_declaration_keeps(event: str, payload: dict[str, Any], left: dict[str, Any]):
    assert kept_of(event, payload) == left
