"""Steps in the editor: waits, branches and splits."""

from __future__ import annotations

from typing import Any

import pytest

from tests.pages import save
from tests.workflows.conftest import work
from tests.workflows.rules.editor.conftest import TAGGED, edit, editor, opened, page_of, press
from workflows.models import RunWait, Workflow

pytestmark = pytest.mark.django_db


def stored(rule: Workflow) -> dict[str, Any]:
    names = ("name", "trigger_event", "conditions", "actions", "hours", "is_once", "version")
    return dict(Workflow.objects.values(*names).get(pk=rule.pk))


class TestSteps:
    """Waits, branches and what ends a run that waits."""

    def test_a_wait_is_written(self, alice, make_rule):
        rule = make_rule("message.received", {}, TAGGED)
        data = opened(alice, edit(rule))
        data = editor(press(alice, edit(rule), "add:actions", data)).data() | {"actions.1.action": ["wait"]}
        data = editor(press(alice, edit(rule), "show", data)).data()
        assert data["actions.1.params.way"] == ["minutes"]
        answer = alice.client.post(alice.url(edit(rule)), data)
        assert "A whole number from 0" in page_of(answer)
        typed = {"actions.1.params.minutes": ["3", "60"], "cancel_on": ["reply", "opt_out"]}
        assert alice.client.post(alice.url(edit(rule)), data | typed).status_code == 302
        assert stored(rule)["actions"] == [*TAGGED, {"action": "wait", "minutes": 180}]
        rule.refresh_from_db()
        assert rule.cancel_on == ["reply", "opt_out"]
        data = opened(alice, edit(rule)) | {"actions.1.params.way": ["conditions"]}
        data = editor(press(alice, edit(rule), "show", data)).data() | {
            "actions.1.conditions.rows.0.field": ["customer_tags"], "actions.1.params.timeout_minutes": ["1", "1440"],
            "actions.1.params.then": ["continue"],
        }  # fmt: skip
        data = editor(press(alice, edit(rule), "show", data)).data() | {"actions.1.conditions.rows.0.value": ["vip"]}
        assert alice.client.post(alice.url(edit(rule)), data).status_code == 302
        expected = {
            "action": "wait",
            "conditions": {"customer_tags": "vip"},
            "timeout_minutes": 1440,
            "then": "continue",
        }
        assert stored(rule)["actions"][1] == expected

    def test_branches_are_nested_lists(self, alice, make_rule):
        rule = make_rule("message.received", {}, TAGGED)
        data = opened(alice, edit(rule)) | {"actions.0.action": ["branch"]}
        data = editor(press(alice, edit(rule), "show", data)).data()
        first = "actions.0.branches.0"
        for do in (f"add:{first}.actions", "add:actions.0.branches", "add:actions.0.otherwise",
                   "add:actions.0.branches.1.conditions.rows", "remove:actions.0.branches.1"):  # fmt: skip
            data = editor(press(alice, edit(rule), do, data)).data()
        data |= {f"{first}.conditions.rows.0.field": ["message_body"], f"{first}.actions.0.action": ["split"],
                 "actions.0.otherwise.0.action": ["add_tag"]}  # fmt: skip
        data = editor(press(alice, edit(rule), "show", data)).data()
        for number in (0, 1):
            data = editor(press(alice, edit(rule), f"add:{first}.actions.0.branches.{number}.actions", data)).data()
            data[f"{first}.actions.0.branches.{number}.actions.0.action"] = ["add_tag"]
        data = editor(press(alice, edit(rule), "show", data)).data() | {
            f"{first}.conditions.rows.0.value": ["x"], "actions.0.otherwise.0.params.tag": ["c"],
            f"{first}.actions.0.branches.0.actions.0.params.tag": ["a"], f"{first}.actions.0.branches.0.share": ["60"],
        }  # fmt: skip
        answer = alice.client.post(alice.url(edit(rule)), data)
        assert answer.status_code == 422
        data[f"{first}.actions.0.branches.1.actions.0.params.tag"] = ["b"]
        assert "The shares have to be 100 together." in page_of(alice.client.post(alice.url(edit(rule)), data))
        data[f"{first}.actions.0.branches.1.share"] = ["40"]
        assert alice.client.post(alice.url(edit(rule)), data).status_code == 302
        shares = [
            {"share": share, "actions": [{"action": "add_tag", "tag": tag}]} for share, tag in ((60, "a"), (40, "b"))
        ]
        inner = [{"action": "split", "branches": shares}]
        assert stored(rule)["actions"] == [
            {"action": "branch", "branches": [{"conditions": {"message_body": "x"}, "actions": inner}],
             "otherwise": [{"action": "add_tag", "tag": "c"}]}
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("actions", "change", "place"),
        [
            ([{"action": "branch", "branches": [{"conditions": {}, "actions": TAGGED}]}],
             {"actions.0.branches.0.actions.0.params.tag": ""}, "actions.0.branches.0.actions.0.params.tag"),
            ([*TAGGED, {"action": "wait", "quiet_minutes": 5, "timeout_minutes": 9}],
             {"actions.1.params.timeout_minutes": ["0", "1"]}, "actions.1.params.timeout_minutes"),
            ([{"action": "split", "branches": [{"share": 100, "actions": []}]}], {"actions.0.branches.0.share": "x"},
             "actions.0.branches.0.share"),
        ],
    )  # fmt: skip
    def test_an_error_inside_stands_at_its_control(self, actions, change, place, alice, make_rule):
        rule = make_rule("message.received", {}, actions)
        answer = save(alice.client, alice.url(edit(rule)), **change)
        assert answer.status_code == 422
        assert f'id="rule-{place.replace(".", "-")}-error"' in page_of(answer)

    def test_an_edit_asks_what_becomes_of_runs_that_wait(self, alice, make_rule, receive):
        rule = make_rule("message.received", {}, [{"action": "wait", "minutes": 60}, *TAGGED])
        receive("Hello")
        work()
        assert RunWait.objects.count() == 1
        assert "1 run of this rule waits now." in page_of(alice.client.get(alice.url(edit(rule))))
        save(alice.client, alice.url(edit(rule)), name="Finish")
        assert RunWait.objects.count() == 1
        save(alice.client, alice.url(edit(rule)), name="End", waiting="leave")
        assert not RunWait.objects.exists()
