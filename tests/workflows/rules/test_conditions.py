"""The two spellings of conditions, and what is refused in them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activity.payloads import Kind
from workflows.rules.conditions import (
    MAX_COMPARISONS,
    MAX_DEPTH,
    AskedField,
    Group,
    InvalidConditions,
    check,
    comparisons,
    evaluate,
    parse,
)

KINDS = {"body": Kind.TEXT, "is_new": Kind.BOOLEAN, "amount": Kind.NUMBER, "tags": Kind.LIST, "stage": Kind.KEY}
FIELDS = {
    name: AskedField(name, name, kind, {"new": "New", "won": "Won"} if name == "stage" else None)
    for name, kind in KINDS.items()
}
FACTS = {"body": "The price?", "is_new": True, "amount": 12, "tags": ["vip"], "stage": "new"}


def ask(data: Any, facts: dict[str, Any] = FACTS) -> bool:
    return evaluate(parse(data), facts.get, KINDS).holds


@pytest.mark.parametrize(
    ("data", "result"),
    [
        ({}, True),
        ({"is_new": True, "body__icontains": "PRICE"}, True),
        ({"is_new": True, "body__icontains": "date"}, False),
        ({"all": [{"field": "is_new", "value": True}, {"field": "amount", "op": "gt", "value": 20}]}, False),
        ({"any": [{"field": "is_new", "value": False}, {"field": "amount", "op": "lt", "value": 20}]}, True),
        ({"not": {"field": "tags", "op": "contains", "value": "vip"}}, False),
        ({"not": {"any": [{"tags": "new"}, {"stage__in": ["won"]}]}}, True),
        ({"all": [{"is_new": True}, {"any": [{"amount__gt": 100}, {"stage": "new"}]}]}, True),
        ({"field": "stage", "op": "eq", "value": "new"}, True),
    ],
)
def test_what_holds(data, result):
    assert ask(data) is result


PLAIN = st.dictionaries(st.sampled_from(["is_new", "is_new__neq"]), st.booleans()) | st.dictionaries(
    st.sampled_from(["amount__gt", "amount__lt", "amount", "amount__neq"]), st.integers(0, 20)
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=PLAIN, amount=st.integers(0, 20) | st.none(), is_new=st.booleans() | st.none())
def test_both_spellings_mean_the_same(data, amount, is_new):
    facts = {"amount": amount, "is_new": is_new}
    tree = [
        {"field": name.partition("__")[0], "op": name.partition("__")[2] or "eq", "value": value}
        for name, value in data.items()
    ]
    assert ask(data, facts) is (ask({"all": tree}, facts) if tree else True)


def test_a_verdict_says_what_each_comparison_saw():
    verdict = evaluate(parse({"is_new": True, "amount__gt": 20, "tags": "new"}), FACTS.get, KINDS)
    assert not verdict.holds
    assert [(seen.comparison.field, seen.value, seen.holds) for seen in verdict.seen] == [
        ("is_new", True, True), ("amount", 12, False)
    ], "what comes after the answer is not asked"  # fmt: skip
    assert [seen.comparison.field for seen in verdict.reasons] == ["amount"]
    refused = evaluate(parse({"not": {"is_new": True}}), FACTS.get, KINDS)
    assert [seen.comparison.field for seen in refused.reasons] == ["is_new"], "of a not what held is the reason"


def test_a_field_that_is_known_no_more_has_no_value():
    assert not evaluate(parse({"custom.gone": "x"}), FACTS.get, KINDS).holds
    assert evaluate(parse({"custom.gone__isnull": True}), FACTS.get, KINDS).holds


def nested(depth: int) -> Any:
    return {"is_new": True} if depth == 1 else {"not": nested(depth - 1)}


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ([], "conditions"),
        ("x", "conditions"),
        ({"all": []}, "conditions.all"),
        ({"all": "x"}, "conditions.all"),
        ({"all": [{"is_new": True}], "stage": "new"}, "conditions"),
        ({"all": [1]}, "conditions.all[0]"),
        ({"field": "stage"}, "conditions.value"),
        ({"field": "stage", "value": "new", "other": 1}, "conditions.other"),
        ({"field": 1, "value": "new"}, "conditions"),
        (nested(MAX_DEPTH + 1), "conditions.not.not.not.not.not"),
        ({f"f{number}": 1 for number in range(MAX_COMPARISONS + 1)}, "conditions"),
        ({"any": [{"all": [{"is_new": True}] * 30}, {"all": [{"is_new": True}] * 30}]}, "conditions"),
        ({"colour": "red"}, "conditions.colour"),
        ({"body__startswith": "x"}, "conditions.body__startswith"),
        ({"field": "body", "op": "regex", "value": "x"}, "conditions.body"),
        ({"amount__gt": "many"}, "conditions.amount"),
        ({"stage": "nowhere"}, "conditions.stage"),
        ({"stage__in": ["new", "nowhere"]}, "conditions.stage"),
    ],
)
def test_what_can_not_be_asked_is_refused_at_its_place(data, place):
    with pytest.raises(InvalidConditions) as refused:
        check(parse(data), FIELDS)
    assert refused.value.field == place
    assert str(refused.value)


def test_as_deep_as_it_may_be():
    check(parse(nested(MAX_DEPTH)), FIELDS)


def test_an_operator_that_is_none_is_named():
    with pytest.raises(InvalidConditions, match="“startswith” is not an operator"):
        check(parse({"body__startswith": "x"}), FIELDS)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["all", "any", "not", "field", "op", "value", "is_new", "x"]), inner, max_size=3
        )
    ),
    max_leaves=20,
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=ANYTHING)
def test_whatever_is_sent_is_a_tree_or_refused(data):
    place = ""
    try:
        condition = parse(data)
        check(condition, FIELDS)
        assert isinstance(condition, Group) or list(comparisons(condition))
        evaluate(condition, FACTS.get, KINDS)
    except InvalidConditions as refused:
        place = refused.field
    assert place == "" or place.startswith("conditions")
