"""Waiting runs and people: what somebody does meanwhile, and who is no longer there."""

from __future__ import annotations

from typing import Any

import pytest

from activity.models import Event
from customers.data.merging import services as merging
from messaging.models import Message
from tests.workflows.rules.conftest import DONE, WAIT, chased, go_on, last, later
from workflows.models import RunWait, Workflow
from workflows.rules import services, waits

pytestmark = pytest.mark.django_db


class TestPeople:
    def test_late_asks_a_person(self, waiting, alice):
        _rule, ada, run = waiting()
        with later(minutes=60 + 25 * 60):
            go_on()
            assert not chased(ada)
            run.refresh_from_db()
            assert (run.status, run.wait.due_at) == ("held", None)
            assert Event.objects.get(type="workflow.run_held").payload["run"] == str(run.pk)
            waits.go_on(run=run, actor=alice.actor)
            go_on()
        assert (last(run)[0], chased(ada)) == ("done", True)

    def test_ended_by_hand(self, waiting, alice):
        _rule, _ada, run = waiting()
        waits.cancel(run=run, actor=alice.actor)
        assert last(run)[1] == "cancelled"
        with pytest.raises(waits.NotWaiting):
            waits.cancel(run=run, actor=alice.actor)
        with pytest.raises(waits.NotWaiting):
            waits.go_on(run=run, actor=alice.actor)

    def test_pages_and_calls(self, waiting, alice, bob, charlie):
        _rule, ada, run = waiting()
        url = alice.url(f"settings/rules/runs/{run.pk}/")
        assert b"Go on now" in alice.client.get(url).content
        assert bob.client.post(f"{url}continue/").status_code == 403
        assert charlie.client.post(f"{url}cancel/").status_code == 404
        answer = alice.api.get(f"/api/v1/workflow-runs/{run.pk}").json()
        assert (answer["status"], answer["wakes_at"] is not None) == ("waiting", True)
        assert bob.api.post(f"/api/v1/workflow-runs/{run.pk}/continue").status_code == 403
        assert charlie.api.post(f"/api/v1/workflow-runs/{run.pk}/cancel").status_code == 404
        assert alice.api.post(f"/api/v1/workflow-runs/{run.pk}/continue").json()["status"] == "waiting"
        go_on()
        assert chased(ada)
        assert alice.api.post(f"/api/v1/workflow-runs/{run.pk}/cancel").status_code == 409

    def test_a_rule_that_is_switched_off_rests(self, waiting, alice):
        rule, ada, run = waiting()
        services.update(workflow=rule, actor=alice.actor, changes={"is_enabled": False})
        with later(minutes=61):
            go_on()
            assert last(run)[0] == "waiting"
            services.update(workflow=rule, actor=alice.actor, changes={"is_enabled": True})
            go_on()
        assert chased(ada)

    @pytest.mark.parametrize(
        ("waiting_runs", "status", "tagged"),
        [("finish", "done", {"chased"}), ("move", "done", {"new"}), ("leave", "cancelled", set())],
    )
    def test_an_edit_says_what_happens_to_those_inside(self, waiting, alice, waiting_runs, status, tagged):
        rule, ada, run = waiting()
        body = {"actions": [WAIT, {"action": "add_tag", "tag": "new"}], "waiting": waiting_runs}
        assert alice.api.patch(f"/api/v1/workflows/{rule.pk}", body, format="json").status_code == 200
        with later(minutes=61):
            go_on()
        assert last(run)[0] == status
        assert set(ada.tags.values_list("name", flat=True)) & {"chased", "new"} == tagged

    def test_a_step_that_is_gone_ends_those_who_are_moved(self, waiting, alice):
        rule, _ada, run = waiting()
        changes: Any = {"actions": [DONE]}
        services.update(workflow=rule, actor=alice.actor, changes=changes, waiting=services.WaitingRuns.MOVE)
        assert last(run)[2] == "The rule does not have this step any more."

    def test_a_failure_behind_a_wait_is_done_again_from_there(self, waiting, alice):
        rule, _ada, run = waiting(
            {"action": "add_note", "body": "Began"}, WAIT, {"action": "set_stage", "stage": "contacted"}, DONE
        )
        good = rule.actions
        bad = [*good[:2], {"action": "set_stage", "stage": "nowhere"}, DONE]
        Workflow.objects.filter(pk=rule.pk).update(actions=bad)
        with later(minutes=61):
            go_on()
            assert last(run)[:2] == ("failed", "failed")
            Workflow.objects.filter(pk=rule.pk).update(actions=good)
            services.retry(run=run, actor=alice.actor)
        run.refresh_from_db()
        assert [(one["action"], one["status"]) for one in run.steps] == [
            ("add_note", "done"), ("wait", "done"), ("set_stage", "done"), ("add_tag", "done")
        ]  # fmt: skip
        assert Message.objects.filter(is_private=True, body="Began").count() == 1


class TestPersons:
    def test_a_merge_takes_what_waits_along(self, waiting, receive, alice):
        _rule, ada, run = waiting(cancel_on=["reply"])
        ben = receive("I am Ben", sender="+447700900778")
        RunWait.objects.exclude(run=run).delete()
        merging.merge(loser=ada, survivor=ben, actor=alice.actor)
        assert RunWait.objects.get().customer_id == ben.pk
        with later(minutes=61):
            go_on()
        assert chased(ben)

    def test_nothing_goes_on_about_who_was_erased(self, waiting, alice):
        from customers.data.personal_data import erasure

        _rule, ada, run = waiting()
        erasure.erase(customer=ada, actor=alice.actor)
        with later(minutes=61):
            go_on()
        run.refresh_from_db()
        assert run.status in ("cancelled", "waiting")
        assert not RunWait.objects.exists()
