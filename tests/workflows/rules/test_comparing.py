"""Every operator over every kind of value, and that no value makes it raise."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activity.payloads import Kind
from activity.rules import OPERATORS_OF
from workflows.rules.comparing import WrongValue, check_value, holds

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)

HOLDS: list[tuple[Kind, str, Any, Any, bool]] = [
    (Kind.TEXT, "", "price", "price", True),
    (Kind.TEXT, "", "Price", "price", False),
    (Kind.TEXT, "contains", "the price", "price", True),
    (Kind.TEXT, "contains", "the Price", "price", False),
    (Kind.TEXT, "icontains", "the PRICE?", "price", True),
    (Kind.TEXT, "icontains", "Straße", "STRASSE", True),
    (Kind.TEXT, "neq", "a", "b", True),
    (Kind.TEXT, "in", "a", ["b", "a"], True),
    (Kind.TEXT, "in", "a", ["ab"], False),
    (Kind.LIST, "", ["VIP", "new"], "vip", True),
    (Kind.LIST, "", ["VIP", "new"], ["new", "vip"], True),
    (Kind.LIST, "", ["VIP", "new"], ["vip"], False),
    (Kind.LIST, "contains", ["VIP"], "vip", True),
    (Kind.LIST, "contains", ["VIP"], "vi", False),
    (Kind.LIST, "icontains", ["VIP"], "vi", True),
    (Kind.LIST, "in", ["VIP", "new"], ["old", "NEW"], True),
    (Kind.LIST, "neq", ["VIP"], "vip", False),
    (Kind.NUMBER, "", 5, 5.0, True),
    (Kind.NUMBER, "gt", 5, 4, True),
    (Kind.NUMBER, "gt", 5, 5, False),
    (Kind.NUMBER, "lt", "4.5", 5, True),
    (Kind.AMOUNT, "gt", "120.00", "99.99", True),
    (Kind.AMOUNT, "", Decimal("120.00"), 120, True),
    (Kind.NUMBER, "", True, 1, False),
    (Kind.BOOLEAN, "", True, True, True),
    (Kind.BOOLEAN, "neq", False, True, True),
    (Kind.BOOLEAN, "", 1, True, False),
    (Kind.TIME, "gt", "2026-12-01T13:00:00+00:00", NOON.isoformat(), True),
    (Kind.TIME, "lt", "2026-11-30", "2026-12-01", True),
    (Kind.TIME, "", "2026-12-01T13:00:00+01:00", "2026-12-01T12:00:00Z", True),
    (Kind.ID, "", "7", "7", True),
    # Nothing there is no error, and equals nothing but nothing.
    (Kind.TEXT, "", None, "price", False),
    (Kind.TEXT, "", "", None, True),
    (Kind.TEXT, "neq", None, "price", True),
    (Kind.TEXT, "contains", None, "price", False),
    (Kind.NUMBER, "gt", None, 1, False),
    (Kind.NUMBER, "lt", None, 1, False),
    (Kind.LIST, "contains", [], "vip", False),
    (Kind.LIST, "isnull", [], True, True),
    (Kind.TEXT, "isnull", "", True, True),
    (Kind.TEXT, "isnull", "x", True, False),
    (Kind.TEXT, "isnull", "x", False, True),
    (Kind.NUMBER, "isnull", 0, True, False),
    (Kind.BOOLEAN, "isnull", False, True, False),
    # What is no number or moment compares with nothing.
    (Kind.NUMBER, "gt", "many", 1, False),
    (Kind.NUMBER, "", "1e999999", 1, False),
    (Kind.TIME, "lt", "soon", "2026-12-01", False),
]


@pytest.mark.parametrize(("kind", "operator", "seen", "expected", "result"), HOLDS)
def test_what_holds(kind, operator, seen, expected, result):
    assert holds(kind, operator, seen, expected) is result


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.decimals(),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)
KINDS = st.sampled_from(list(OPERATORS_OF))


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(kind=KINDS, data=st.data(), seen=ANYTHING, expected=ANYTHING)
def test_no_value_makes_it_raise(kind, data, seen, expected):
    operator = data.draw(st.sampled_from(["", *OPERATORS_OF[kind]]))
    assert holds(kind, operator, seen, expected) in (True, False)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(kind=KINDS, seen=ANYTHING, expected=ANYTHING)
def test_not_equal_is_the_opposite_of_equal(kind, seen, expected):
    assert holds(kind, "neq", seen, expected) is not holds(kind, "", seen, expected)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(kind=KINDS, data=st.data(), value=ANYTHING)
def test_a_value_is_refused_in_words_or_taken(kind, data, value):
    operator = data.draw(st.sampled_from(["", "startswith", *OPERATORS_OF[kind]]))
    text = "taken"
    try:
        check_value(kind, operator, value)
    except WrongValue as error:
        text = str(error)
    assert text
    assert text != "taken" or operator != "startswith"


@pytest.mark.parametrize(
    ("kind", "operator", "value"),
    [
        (Kind.NUMBER, "gt", "many"), (Kind.NUMBER, "contains", 1), (Kind.BOOLEAN, "", "true"), (Kind.TEXT, "in", "a"),
        (Kind.TEXT, "in", []), (Kind.TEXT, "contains", " "), (Kind.TEXT, "isnull", "yes"), (Kind.TIME, "gt", "soon"),
        (Kind.KEY, "icontains", "a"), (Kind.TEXT, "", "x" * 501), (Kind.TEXT, "in", ["a"] * 101),
        (Kind.LIST, "", [1]), (Kind.NUMBER, "", True),
    ],
)  # fmt: skip
def test_a_value_of_another_kind_is_refused(kind, operator, value):
    with pytest.raises(WrongValue):
        check_value(kind, operator, value)
