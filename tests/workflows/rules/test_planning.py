"""The engine, as a function: what each rule decides about an event."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID, uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activity.payloads import Kind
from workflows.rules.conditions import parse
from workflows.rules.planning import MAX_DEPTH, Cause, Hours, Reason, Rule, decide
from workflows.rules.steps import PlannedAction

KINDS = {"n": Kind.NUMBER}
TAG = PlannedAction("add_tag", {"tag": "vip"})

rules = st.builds(
    Rule,
    id=st.builds(uuid4),
    name=st.just("A rule"),
    condition=st.sampled_from([parse({}), parse({"n": 1}), parse({"n__gt": 3}), parse({"not": {"n": 1}})]),
    steps=st.just((TAG,)),
    is_once=st.booleans(),
    hours=st.sampled_from(Hours),
    stops_after=st.booleans(),
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    chosen=st.lists(rules, max_size=8),
    n=st.none() | st.integers(0, 5),
    is_open=st.booleans(),
    depth=st.integers(0, MAX_DEPTH + 1),
    data=st.data(),
)
def test_what_the_engine_promises(chosen, n, is_open, depth, data):
    acted = set(data.draw(st.lists(st.sampled_from([rule.id for rule in chosen]))) if chosen else [])
    own = data.draw(st.none() | st.sampled_from([rule.id for rule in chosen])) if chosen else None
    facts = {"n": n, "business_hours": is_open}
    decisions = decide(chosen, Cause(depth, own), facts.get, KINDS, acted_before=acted)
    assert [decision.rule for decision in decisions] == chosen, "each decides once, in order"
    assert decisions == decide(chosen, Cause(depth, own), facts.get, KINDS, acted_before=acted), "and the same again"
    stopped = False
    for decision in decisions:
        rule = decision.rule
        assert bool(decision.steps) is decision.is_match
        if decision.is_match:
            assert not stopped
            assert rule.id != own
            assert depth < MAX_DEPTH
            assert not (rule.is_once and rule.id in acted)
            assert rule.hours == Hours.ANY or is_open is (rule.hours == Hours.OPEN)
            stopped = rule.stops_after
        else:
            assert decision.reason != Reason.MATCHED
        assert stopped or decision.reason != Reason.STOPPED


def rule(name: str, **more: object) -> Rule:
    fields: dict[str, object] = {"condition": parse({}), "steps": (TAG,), "id": UUID(int=sum(name.encode())), **more}
    return Rule(name=name, **fields)  # type: ignore[arg-type]


BY_A_PERSON = Cause()
NO_FACTS: Mapping[str, object] = {}


def reasons(
    *chosen: Rule, cause: Cause = BY_A_PERSON, facts: dict[str, object] | None = None, **more: object
) -> list[str]:
    return [one.reason.value for one in decide(chosen, cause, (facts or {}).get, KINDS, **more)]  # type: ignore[arg-type]


def test_each_reason():
    own = rule("own")
    assert reasons(own, rule("b"), cause=Cause(1, own.id)) == ["own_event", "matched"]
    assert reasons(rule("a"), cause=Cause(MAX_DEPTH)) == ["depth"]
    assert reasons(rule("a"), cause=Cause(MAX_DEPTH - 1)) == ["matched"]
    assert reasons(rule("a", condition=parse({"n": 1})), facts={"n": 2}) == ["conditions"]
    assert reasons(rule("a", hours=Hours.CLOSED), facts={"business_hours": True}) == ["hours"]
    assert reasons(rule("a", is_once=True), acted_before={rule("a").id}) == ["once"]
    assert reasons(rule("a", stops_after=True), rule("b")) == ["matched", "stopped"]
    unmatched = rule("a", stops_after=True, condition=parse({"n": 1}))
    assert reasons(unmatched, rule("b")) == ["conditions", "matched"]
