"""The steps of a rule: how they are read, checked and laid out as a way that only leads forward."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activity.payloads import Kind
from workflows.rules.conditions import AskedField, InvalidConditions, parse
from workflows.rules.reading import InvalidWorkflow, Known, actions, cancel_on
from workflows.rules.steps import Branch, PlannedAction, Program, Split, Wait, every_entry, read_steps

KNOWN = Known({"new": "New"}, {}, {"welcome": "Welcome"})
ASKED = {"n": AskedField("n", "Number", Kind.NUMBER)}
TAG = {"action": "add_tag", "tag": "vip"}

entry: st.SearchStrategy[Any] = st.deferred(
    lambda: st.one_of(st.just(TAG), st.just({"action": "wait", "minutes": 5}), branch, split)
)
some = st.lists(entry, max_size=3)
branch: st.SearchStrategy[Any] = st.builds(
    lambda first, second, otherwise: {
        "action": "branch",
        "branches": [{"conditions": {"n": 1}, "actions": first}, {"conditions": {"n": 2}, "actions": second}],
        "otherwise": otherwise,
    },
    some, some, some,
)  # fmt: skip
split: st.SearchStrategy[Any] = st.builds(
    lambda first, second: {
        "action": "split", "branches": [{"share": 30, "actions": first}, {"share": 70, "actions": second}]
    },
    some, some,
)  # fmt: skip


@given(some)
def test_every_way_through_ends_and_every_step_has_its_place(data):
    program = Program.of(read_steps(data))
    assert len(program.nodes) == sum(1 for _entry in every_entry(data))
    order = {path: [int(part) for part in path.split(".")] for path in program.nodes}
    for node in program.nodes.values():
        nexts = [node.following, *node.targets]
        assert all(order[target] > order[node.path] for target in nexts if target is not None), "only forward"
        if isinstance(node.step, Branch | Split):
            assert len(node.targets) == len(node.step.branches) + isinstance(node.step, Branch)
    # What stands after a branch is reached from the end of each of its branches.
    reached, ahead = set(), [program.first]
    while ahead:
        path = ahead.pop()
        if path is None or path in reached:
            continue
        reached.add(path)
        node = program.nodes[path]
        ahead += node.targets or [node.following]
    assert reached == set(program.nodes)


def test_what_is_stored_is_read_as_it_was_meant():
    wait, chosen, last = read_steps(
        [
            {"action": "wait", "conditions": {"n": 1}, "timeout_minutes": 60, "then": "continue"},
            {"action": "branch", "branches": [{"conditions": {"n": 1}, "actions": [TAG]}], "otherwise": []},
            TAG,
        ]
    )
    assert isinstance(wait, Wait)
    assert (wait.timeout, wait.then, wait.condition) == (timedelta(hours=1), "continue", parse({"n": 1}))
    program = Program.of((wait, chosen, last))
    assert (program.first, program.nodes["1"].targets, program.nodes["1.0.0"].following) == ("0", ("1.0.0", "2"), "2")
    assert program.nodes["2"].step == PlannedAction("add_tag", {"tag": "vip"})
    assert program.nodes["2"].following is None


def test_a_split_keeps_to_its_shares_and_to_itself():
    step = Split(((20, ()), (80, ())))
    runs = [uuid4() for _ in range(4000)]
    counted = Counter(step.choose(run, "0") for run in runs)
    assert 640 < counted[0] < 960, "a fifth"
    assert [step.choose(run, "0") for run in runs] == [step.choose(run, "0") for run in runs]
    assert Split(((1, ()), (99, ()))).choose(runs[0], "0") in (0, 1)


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ([], "actions"),
        ([{"action": "wait"}], "actions[0]"),
        ([{"action": "wait", "minutes": 5, "until": "open"}], "actions[0]"),
        ([{"action": "wait", "minutes": -1}], "actions[0].minutes"),
        ([{"action": "wait", "minutes": True}], "actions[0].minutes"),
        ([{"action": "wait", "minutes": 5, "then": "stop"}], "actions[0].then"),
        ([{"action": "wait", "until": "noon"}], "actions[0].until"),
        ([{"action": "wait", "quiet_minutes": 5}], "actions[0].timeout_minutes"),
        ([{"action": "wait", "quiet_minutes": 5, "timeout_minutes": 9, "then": "later"}], "actions[0].then"),
        ([{"action": "branch", "branches": []}], "actions[0].branches"),
        ([{"action": "branch", "branches": [{"conditions": {}, "actions": [{"action": "x"}]}]}],
         "actions[0].branches[0].actions[0].action"),
        ([{"action": "branch", "branches": [{"conditions": {}, "actions": [], "share": 3}]}],
         "actions[0].branches[0].share"),
        ([TAG, {"action": "split", "branches": [{"share": 30, "actions": [TAG]}]}], "actions[1].branches"),
        ([{"action": "split", "branches": [{"share": 0, "actions": [TAG]}]}], "actions[0].branches[0].share"),
        ([{"action": "split", "branches": ["x"]}], "actions[0].branches"),
        (["x"], "actions[0]"),
    ],
)  # fmt: skip
def test_what_can_not_be_is_refused_at_its_place(data, field):
    with pytest.raises(InvalidWorkflow) as refused:
        actions(data, KNOWN, ASKED)
    assert refused.value.field == field


@pytest.mark.parametrize("place", ["wait", "branch"])
def test_the_conditions_of_steps_are_checked_as_those_of_the_rule(place):
    wrong = {"m": 1}
    step = {"action": "wait", "conditions": wrong, "timeout_minutes": 5}
    if place == "branch":
        step = {"action": "branch", "branches": [{"conditions": wrong, "actions": [TAG]}]}
    with pytest.raises(InvalidConditions) as refused:
        actions([step], KNOWN, ASKED)
    assert refused.value.field == {
        "wait": "actions[0].conditions.m", "branch": "actions[0].branches[0].conditions.m"
    }[place]  # fmt: skip


def test_branches_go_three_deep_and_steps_are_fifty_at_most():
    def nested(depth):
        inner = [TAG] if depth == 0 else nested(depth - 1)
        return [{"action": "branch", "branches": [{"conditions": {}, "actions": inner}]}]

    assert actions(nested(2), KNOWN, ASKED)
    with pytest.raises(InvalidWorkflow, match="at most 3 deep"):
        actions(nested(3), KNOWN, ASKED)
    wide = [
        {"action": "split", "branches": [{"share": 50, "actions": [TAG] * 15}, {"share": 50, "actions": [TAG] * 15}]}
    ]
    assert actions(wide, KNOWN, ASKED)
    with pytest.raises(InvalidWorkflow, match="At most 50 steps"):
        actions(wide * 2, KNOWN, ASKED)


def test_what_ends_waits_is_named_once_and_in_one_order():
    assert cancel_on(["stage", "reply", "reply"]) == ["reply", "stage"]
    for wrong in ("reply", ["tomorrow"], [1], {"reply": True}):
        with pytest.raises(InvalidWorkflow, match="reply, answer") as refused:
            cancel_on(wrong)
        assert refused.value.field == "cancel_on"
