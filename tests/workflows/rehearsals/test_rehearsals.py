"""A rule followed through a past that was made by hand: what was known then, and what happened meanwhile."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from activity.actor import Actor, ActorKind
from customers.models import Stage, Tag
from tests.workflows.rehearsals.conftest import at

pytestmark = pytest.mark.django_db

SEND: Any = {"action": "send_text", "body": "Are you still there?"}
TAG: Any = {"action": "add_tag", "tag": "chased"}
AN_HOUR: Any = {"action": "wait", "minutes": 60}


def only(rehearsal: Any) -> Any:
    return rehearsal.events.get()


def steps(row: Any) -> list[tuple[str, str]]:
    return [(step["action"], step["status"]) for step in row.steps]


class TestWhatWasKnown:
    def test_the_stage_is_that_of_the_moment(self, make_rule, past, rehearse):
        ada = past()
        was = ada.customer.stage.key
        ada.writes(at(0))
        ada.moves(at(5), was, "engaged")
        ada.writes(at(6))
        ada.customer.stage = Stage.objects.get(key="engaged")
        ada.customer.save(update_fields=["stage"])
        rehearsal = rehearse(make_rule("message.received", {"customer_stage": was}, [TAG]))
        assert [(row.outcome, row.reason) for row in rehearsal.events.order_by("occurred_at")] == [
            ("acted", "matched"), ("nothing", "conditions"),
        ]  # fmt: skip
        assert rehearsal.events.get(outcome="nothing").conditions[0]["seen"] == "engaged"

    def test_so_are_tags_owner_status_and_own_fields(self, make_rule, past, rehearse, alice):
        ada = past()
        ada.writes(at(0))
        ada.event("customer.tag_added", at(1), {"tag": "vip"})
        ada.event("customer.assigned", at(1), {"from": None, "to": str(alice.user.pk)})
        changes = {
            "status": {"from": "lead", "to": "active"},
            "custom_fields": {"from": {}, "to": {"shade": "A2"}},
            "language": {"from": "de", "to": "en"},
        }
        ada.event("customer.updated", at(1), {"changes": changes})
        ada.writes(at(2))
        ada.customer.tags.add(Tag.objects.create(organization=alice.organization, name="vip"))
        type(ada.customer).objects.filter(pk=ada.customer.pk).update(
            assigned_to=alice.user, status="active", custom_fields={"shade": "A2"}, language="en"
        )
        before = {"customer_tags__isnull": True, "assigned_to": None, "customer_status": "lead", "language": "de"}
        after = {
            "customer_tags__contains": "vip", "assigned_to": str(alice.user.pk), "customer_status": "active",
            "language": "en",
        }  # fmt: skip
        for conditions, moment in ((before, at(0)), (after, at(2))):
            rehearsal = rehearse(make_rule("message.received", conditions, [TAG]))
            assert [row.occurred_at for row in rehearsal.events.filter(outcome="acted")] == [moment]

    def test_a_change_of_the_same_act_had_been_made_and_one_of_a_rule_had_not(self, make_rule, past, rehearse):
        ada, bob = past(), past()
        for one, depth in ((ada, 0), (bob, 1)):
            actor = Actor(ActorKind.WORKFLOW if depth else ActorKind.SYSTEM, "", "", request_id="r1", depth=depth)
            one.writes(at(0), actor=Actor(ActorKind.SYSTEM, "", "", request_id="r1"))
            one.event("customer.tag_added", at(0) + timedelta(seconds=1), {"tag": "vip"}, actor=actor)
            tag, _made = Tag.objects.get_or_create(organization=one.customer.organization, name="vip")
            one.customer.tags.add(tag)
        rehearsal = rehearse(make_rule("message.received", {"customer_tags__contains": "vip"}, [TAG]))
        assert rehearsal.events.get(outcome="acted").event.customer_id == ada.customer.pk

    def test_what_the_rule_would_have_changed_holds_from_then_on(self, make_rule, past, rehearse):
        ada = past()
        for hour in range(3):
            ada.writes(at(hour))
        rule = make_rule(
            "message.received", {"not": {"field": "customer_tags", "op": "contains", "value": "chased"}}, [TAG]
        )
        assert rehearse(rule).totals["reasons"] == {"matched": 1, "conditions": 2}

    def test_a_rule_that_acts_once_does_so_on_the_first(self, make_rule, past, rehearse):
        ada, bob = past(), past()
        ada.writes(at(0)), ada.writes(at(1)), bob.writes(at(2))
        rehearsal = rehearse(make_rule("message.received", {}, [TAG], is_once=True))
        assert rehearsal.totals["reasons"] == {"matched": 2, "once": 1}
        assert rehearsal.totals["customers"] == 2


class TestMeanwhile:
    def test_a_reply_ends_the_wait(self, make_rule, past, rehearse):
        ada = past()
        ada.writes(at(0))
        ada.writes(at(0.5))
        rehearsal = rehearse(make_rule("message.received", {}, [AN_HOUR, SEND], cancel_on=["reply"]))
        first = rehearsal.events.get(occurred_at=at(0))
        assert (first.outcome, steps(first)) == ("ended", [("wait", "cancelled")])
        assert "wrote" in first.steps[0]["detail"]
        assert "10:30" in first.steps[0]["detail"]
        second = rehearsal.events.get(occurred_at=at(0.5))
        assert steps(second) == [("wait", "done"), ("send_text", "done")]
        assert rehearsal.totals["ended_by"] == {"reply": 1}
        assert rehearsal.totals["sends"] == 1
        assert rehearsal.totals["sends_answered"] == 0

    def test_what_goes_out_to_who_had_been_answered_is_counted_apart(self, make_rule, past, rehearse):
        ada, bob = past(), past()
        ada.writes(at(0)), bob.writes(at(0))
        ada.answers(at(1))
        rule = make_rule("message.received", {}, [{"action": "wait", "minutes": 180}, SEND])
        rehearsal = rehearse(rule)
        assert rehearsal.events.get(is_answered=True).event.customer_id == ada.customer.pk
        assert (rehearsal.totals["sends"], rehearsal.totals["sends_answered"]) == (2, 1)
        assert rehearsal.totals["customers_answered"] == 1

    def test_nothing_goes_out_while_somebody_answers(self, make_rule, past, rehearse):
        ada = past()
        ada.writes(at(0))
        ada.answers(at(0.5))
        row = only(rehearse(make_rule("message.received", {}, [AN_HOUR, SEND])))
        assert steps(row) == [("wait", "done"), ("send_text", "skipped")]

    def test_a_condition_that_does_not_hold_any_more_ends_it(self, make_rule, past, rehearse):
        ada = past()
        was = ada.customer.stage.key
        ada.writes(at(0))
        ada.moves(at(0.5), was, "engaged")
        row = only(rehearse(make_rule("message.received", {"customer_stage": was}, [AN_HOUR, SEND])))
        assert (row.outcome, steps(row)) == ("ended", [("wait", "cancelled")])

    def test_it_waits_until_a_condition_holds_or_its_time_is_over(self, make_rule, past, rehearse):
        wait = {
            "action": "wait", "conditions": {"customer_stage": "engaged"}, "timeout_minutes": 240, "then": "continue",
        }  # fmt: skip
        ada, bob = past(), past()
        for one in (ada, bob):
            one.writes(at(0))
        ada.moves(at(2), ada.customer.stage.key, "engaged")
        rehearsal = rehearse(make_rule("message.received", {}, [wait, SEND]))
        moments = {row.event.customer_id: row.steps[1]["at"] for row in rehearsal.events.select_related("event")}
        assert moments[ada.customer.pk].startswith(f"{at(2):%Y-%m-%dT%H:%M}")
        assert moments[bob.customer.pk].startswith(f"{at(4):%Y-%m-%dT%H:%M}")

    def test_it_waits_for_quiet(self, make_rule, past, rehearse):
        wait = {"action": "wait", "quiet_minutes": 60, "timeout_minutes": 150, "then": "stop"}
        ada, bob = past(), past()
        for one, hours in ((ada, (0, 0.5)), (bob, (0, 0.9, 1.8, 2.4))):
            one.writes(at(0))
            for hour in hours[1:]:
                one.answers(at(hour))
        rehearsal = rehearse(make_rule("message.received", {}, [wait, TAG]))
        rows = {row.event.customer_id: row for row in rehearsal.events.select_related("event")}
        assert rows[ada.customer.pk].steps[1]["at"].startswith(f"{at(1.5):%Y-%m-%dT%H:%M}")
        assert rows[bob.customer.pk].outcome == "ended"
        assert rehearsal.totals["ended_by"] == {"timeout": 1}

    def test_one_that_is_not_over_by_now_would_still_wait(self, make_rule, past, rehearse):
        past().writes(at(0))
        assert only(
            rehearse(make_rule("message.received", {}, [{"action": "wait", "minutes": 20_000}, TAG]))
        ).outcome == ("waiting")

    def test_a_branch_is_chosen_by_what_holds_then(self, make_rule, past, rehearse):
        branch = {
            "action": "branch",
            "branches": [{"conditions": {"customer_stage": "engaged"}, "actions": [TAG]}],
            "otherwise": [SEND],
        }
        ada, bob = past(), past()
        for one in (ada, bob):
            one.writes(at(0))
        ada.moves(at(0.5), ada.customer.stage.key, "engaged")
        rehearsal = rehearse(make_rule("message.received", {}, [AN_HOUR, branch]))
        taken = {row.event.customer_id: row.steps[-1]["action"] for row in rehearsal.events.select_related("event")}
        assert taken == {ada.customer.pk: "add_tag", bob.customer.pk: "send_text"}


class TestWhatWouldNotHaveGoneOut:
    def test_more_than_the_most_of_a_day(self, make_rule, past, rehearse, settings):
        settings.AUTOMATIC_MESSAGES_A_DAY = 2
        ada = past()
        for hour in (0, 1, 2, 26.5):
            ada.writes(at(hour))
        rehearsal = rehearse(make_rule("message.received", {}, [SEND]))
        assert rehearsal.totals["actions"] == {"send_text": {"done": 3, "skipped": 1}}

    def test_to_who_had_opted_out_by_then(self, make_rule, past, rehearse):
        from customers.models import Consent

        ada = past()
        ada.writes(at(0)), ada.writes(at(2))
        row = Consent.objects.create(
            organization=ada.customer.organization, customer=ada.customer, channel="whatsapp", is_granted=False,
            how="STOP", purpose="messages",
        )  # fmt: skip
        Consent.objects.filter(pk=row.pk).update(created_at=at(1))
        rehearsal = rehearse(make_rule("message.received", {}, [SEND]))
        outcomes = {row.occurred_at: row.steps[0]["status"] for row in rehearsal.events.all()}
        assert outcomes == {at(0): "done", at(2): "skipped"}

    def test_free_text_after_the_window(self, make_rule, past, rehearse):
        past().writes(at(0))
        row = only(rehearse(make_rule("message.received", {}, [{"action": "wait", "minutes": 1500}, SEND])))
        assert steps(row) == [("wait", "done"), ("send_text", "skipped")]

    def test_what_a_reply_cancels_before_it_leaves(self, make_rule, past, rehearse):
        ada = past()
        ada.writes(at(0), is_new_customer=True)
        ada.writes(at(1))
        send = {**SEND, "delay_minutes": 120, "cancel_on_inbound": True}
        row = rehearse(make_rule("message.received", {"is_new_customer": True}, [send])).events.get(outcome="acted")
        assert steps(row) == [("send_text", "skipped")]
        assert "11:00" in row.steps[0]["detail"]
