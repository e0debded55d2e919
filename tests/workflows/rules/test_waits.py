"""Runs that wait: they go on when they should, once, by what holds then; and end by what their rule says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.utils import timezone

from accounts.calendars import services as calendars
from activity.models import Event
from core.tenancy import every_organization
from customers.models import Customer
from customers.people.consent import services as consent
from customers.people.customers import services as customers
from customers.people.tags import services as tags
from customers.pipeline.outcomes import services as outcomes
from messaging.delivery import queue as outbound
from messaging.models import Conversation, Message
from tests.workflows.conftest import work
from tests.workflows.rules.conftest import DONE, WAIT, chased, go_on, last, later
from workflows.models import RunWait, WorkflowRun
from workflows.rules import going_on, waits

pytestmark = pytest.mark.django_db


@pytest.fixture
def weekdays(alice, inside):
    """The organization is open from Monday to Friday, 9 to 17."""
    days = ("monday", "tuesday", "wednesday", "thursday", "friday")
    weekly: Any = {day: [{"start": "09:00", "end": "17:00"}] for day in days}
    calendars.create(organization=inside, actor=alice.actor, values={"name": "Practice", "weekly": weekly})


class TestLengths:
    def test_a_run_goes_on_after_the_time_and_once(self, waiting):
        _rule, ada, run = waiting({"action": "add_tag", "tag": "first"}, WAIT, DONE)
        assert (run.status, [step["status"] for step in run.steps]) == ("waiting", ["done", "waiting"])
        assert timedelta(minutes=59) < run.wait.wakes_at - timezone.now() <= timedelta(minutes=60)
        go_on()
        assert not chased(ada)
        with later(minutes=61):
            go_on()
            go_on()
        run.refresh_from_db()
        assert (run.status, [step["status"] for step in run.steps]) == ("done", ["done", "done", "done"])
        assert Event.objects.filter(type="customer.tag_added", payload={"tag": "chased"}).count() == 1
        assert not RunWait.objects.exists()

    def test_an_event_that_is_dispatched_again_waits_once(self, waiting):
        from workflows.rules import running

        _rule, _ada, run = waiting()
        running.run_rules(Event.objects.select_related("organization").get(pk=run.event_id))
        assert RunWait.objects.count() == 1

    def test_until_business_opens(self, waiting, alice, weekdays):
        # A Saturday; the organization's calendar opens on Monday.
        with time_machine.travel(datetime(2026, 6, 6, 12, 0, tzinfo=UTC), tick=True):
            _rule, _ada, run = waiting({"action": "wait", "until": "open"}, DONE)
            opens = run.wait.wakes_at.astimezone(alice.organization.zone)
            assert (opens.weekday(), opens.hour) == (0, 9)
        with time_machine.travel(opens + timedelta(minutes=1), tick=True):
            go_on()
            assert last(run)[0] == "done"

    def test_open_already(self, waiting, weekdays):
        with time_machine.travel(datetime(2026, 6, 3, 12, 0, tzinfo=UTC), tick=True):
            _rule, ada, run = waiting({"action": "wait", "until": "open"}, DONE)
            assert (run.status, chased(ada)) == ("done", True)

    def test_clocks_change_between(self, waiting, alice, weekdays):
        # In the night to 29 March 2026 they go forward in London.
        with time_machine.travel(datetime(2026, 3, 28, 20, 0, tzinfo=UTC), tick=True):
            _rule, _ada, run = waiting({"action": "wait", "until": "open"}, DONE)
            opens = run.wait.wakes_at
        assert opens.astimezone(alice.organization.zone).strftime("%a %H:%M") == "Mon 09:00"
        assert opens == datetime(2026, 3, 30, 8, 0, tzinfo=UTC)


class TestQuiet:
    QUIET = {"action": "wait", "quiet_minutes": 60, "timeout_minutes": 150, "then": "stop"}

    def test_what_happens_meanwhile_makes_it_wait_longer(self, waiting, alice):
        _rule, ada, run = waiting(self.QUIET, DONE)
        with later(minutes=40):
            customers.update(customer=ada, actor=alice.actor, changes={"company": "Analytical Engines"})
        with later(minutes=61):
            go_on()
            assert not chased(ada)
            assert last(run)[0] == "waiting"
        with later(minutes=101):
            go_on()
        assert chased(ada)

    def test_it_ends_where_there_was_no_quiet_in_time(self, waiting, alice):
        _rule, ada, run = waiting(self.QUIET, DONE)
        for minutes in (40, 90, 140):
            with later(minutes=minutes):
                customers.update(customer=ada, actor=alice.actor, changes={"company": f"Engines {minutes}"})
                go_on()
        with later(minutes=151):
            go_on()
        assert not chased(ada)
        assert last(run) == ("done", "cancelled", "What it waited for did not come in time.")


class TestConditions:
    def step(self, then="stop"):
        return {"action": "wait", "conditions": {"customer_stage": "deposit_paid"}, "timeout_minutes": 90, "then": then}

    def test_it_goes_on_as_soon_as_it_holds(self, waiting, alice):
        from customers.people.customers import stage_moves

        _rule, ada, run = waiting(self.step(), DONE)
        won = stage_moves.find_stage(organization=alice.organization, key="deposit_paid")
        stage_moves.move(customer=Customer.objects.get(pk=ada.pk), stage=won, actor=alice.actor)
        work()
        go_on()
        assert (last(run)[0], chased(ada)) == ("done", True)

    @pytest.mark.parametrize(("then", "result"), [("stop", False), ("continue", True)])
    def test_what_then_where_it_never_holds(self, waiting, then, result):
        _rule, ada, run = waiting(self.step(then), DONE)
        with later(minutes=65):
            go_on()
            assert last(run)[0] == "waiting"
        with later(minutes=91):
            go_on()
        assert (last(run)[0], chased(ada)) == ("done", result)

    def test_the_rules_own_conditions_are_asked_again(self, waiting, alice):
        _rule, ada, run = waiting(conditions={"customer_tags__neq": "spam"})
        tags.add(customer=ada, names=["spam"], actor=alice.actor)
        with later(minutes=61):
            go_on()
        assert last(run) == ("cancelled", "cancelled", "The rule’s conditions do not hold any more: customer_tags.")
        assert not chased(ada)


class TestBranches:
    def test_the_first_branch_that_holds_is_taken(self, waiting):
        def then(name):
            return [{"action": "add_tag", "tag": name}]

        step = {
            "action": "branch",
            "branches": [
                {"conditions": {"message_body__icontains": "price"}, "actions": then("price")},
                {"conditions": {"message_body__icontains": "morning"}, "actions": then("greeting")},
                {"conditions": {}, "actions": then("any")},
            ],
            "otherwise": then("else"),
        }
        _rule, ada, run = waiting(step, DONE)
        names = set(ada.tags.values_list("name", flat=True))
        assert names & {"price", "greeting", "any", "else", "chased"} == {"greeting", "chased"}
        assert [(one["action"], one["path"]) for one in run.steps] == [
            ("branch", "0"), ("add_tag", "0.1.0"), ("add_tag", "1")
        ]  # fmt: skip

    def test_a_wait_inside_of_one_goes_on_behind_it(self, waiting):
        step = {
            "action": "branch",
            "branches": [{"conditions": {"message_body": "x"}, "actions": []}],
            "otherwise": [WAIT],
        }
        _rule, ada, run = waiting(step, DONE)
        assert run.wait.path == "0.1.0"
        with later(minutes=61):
            go_on()
        assert chased(ada)

    def test_a_split_takes_one(self, waiting):
        shares = [{"share": 50, "actions": [{"action": "add_tag", "tag": name}]} for name in ("a", "b")]
        _rule, ada, run = waiting({"action": "split", "branches": shares}, DONE)
        assert len(set(ada.tags.values_list("name", flat=True)) & {"a", "b"}) == 1
        assert run.steps[0]["detail"] in ("Took branch 1.", "Took branch 2.")


class TestCancelling:
    def test_a_reply(self, waiting, receive):
        _rule, ada, run = waiting(cancel_on=["reply"])
        receive("Me again")
        assert last(run) == ("cancelled", "cancelled", "The customer wrote."), "before any event is dispatched"
        with later(minutes=61):
            go_on()
        assert not chased(ada)

    def test_somebody_else_s_reply_ends_nothing(self, waiting, receive):
        _rule, _ada, run = waiting(cancel_on=["reply"])
        receive("I am Ben", sender="+447700900778")
        assert last(run)[0] == "waiting"

    def test_what_the_rule_does_not_name_ends_nothing(self, waiting, receive):
        _rule, _ada, run = waiting(cancel_on=["outcome"])
        receive("Me again")
        assert last(run)[0] == "waiting"

    def test_an_answer_of_ours(self, waiting, alice):
        _rule, ada, run = waiting(cancel_on=["answer"])
        thread = Conversation.objects.select_related("customer", "channel", "organization").get(customer=ada)
        outbound.queue_message(conversation=thread, body="Hello Ada", actor=alice.actor, author=alice.user)
        assert last(run)[2] == "Somebody answered."

    def test_an_answer_of_another_rule_ends_nothing(self, waiting, make_rule):
        _rule, ada, run = waiting(cancel_on=["answer"])
        make_rule("customer.tag_added", {}, [{"action": "send_text", "body": "Noted"}])
        tags.add(customer=ada, names=["vip"], actor=rule_actor())
        work()
        assert Message.objects.filter(origin="workflow").exists()
        assert last(run)[0] == "waiting"

    def test_owner_stage_outcome_and_consent(self, waiting, alice, bob):
        from customers.people.customers import stage_moves

        def assign(ada):
            customers.assign(customer=ada, owner=bob.user, actor=alice.actor)

        def move(ada):
            won = stage_moves.find_stage(organization=alice.organization, key="treatment_done")
            stage_moves.move(customer=ada, stage=won, actor=alice.actor)

        def opt_out(ada):
            consent.change(
                customer=ada, channel="whatsapp", purpose="messages", is_granted=False, how="Said so", actor=alice.actor
            )

        def pay(ada):
            kind = outcomes.find_type(organization=alice.organization, key="deposit_paid")
            outcomes.record_outcome(customer=ada, type=kind, actor=alice.actor)

        rule, ada, first = waiting(cancel_on=["assignment", "stage", "outcome", "opt_out"])
        for act, why in (
            (pay, "A result was recorded."),
            (assign, "The customer got another owner."),
            (move, "The customer moved in the pipeline."),
            (opt_out, "The customer opted out."),
        ):
            act(Customer.objects.get(pk=ada.pk))
            assert last(first)[2] == why
            WorkflowRun.objects.filter(pk=first.pk).update(status="waiting")
            RunWait.objects.create(
                organization=alice.organization, run=first, customer=ada, path="0", began_at=timezone.now(),
                wakes_at=timezone.now(), due_at=timezone.now(), cancel_on=rule.cancel_on,
            )  # fmt: skip

    def test_its_own_doing_ends_nothing(self, make_rule, receive):
        rule = make_rule(
            "message.received", {}, [{"action": "set_stage", "stage": "contacted"}, WAIT, DONE], cancel_on=["stage"]
        )
        receive()
        work()
        assert last(rule.runs.get())[0] == "waiting"

    def test_a_bulk_change_costs_the_same_for_many(self, waiting, django_assert_max_num_queries, alice):
        from activity.ledger import Entry, record_many
        from customers.events import STAGE_CHANGED

        _rule, ada, run = waiting(cancel_on=["stage"])
        entries = [Entry(ada, {"from": "new", "to": "lost", "reason": ""}, ada.pk)] * 50
        with django_assert_max_num_queries(8):
            waits.cancel_by(
                [
                    Event(type=STAGE_CHANGED, customer_id=ada.pk, payload=one.payload, actor_kind="user")
                    for one in entries
                ]
            )
        assert last(run)[0] == "cancelled"
        assert record_many(STAGE_CHANGED, entries, organization=alice.organization) == 50


def rule_actor():
    from activity.actor import SYSTEM

    return SYSTEM


def test_sends_of_a_run_that_waited_are_in_time_and_silent_beside_a_person(waiting, alice):
    text = {"action": "send_text", "body": "Are you still there?"}
    _rule, ada, run = waiting({"action": "wait", "minutes": 3 * 24 * 60}, text)
    with later(days=3, minutes=1):
        thread = Conversation.objects.select_related("customer", "channel", "organization").get(customer=ada)
        Conversation.objects.filter(pk=thread.pk).update(last_inbound_at=timezone.now())
        go_on()
        assert last(run)[:2] == ("done", "done"), "three days after the event is not late"
        assert Message.objects.filter(body="Are you still there?").count() == 1


def test_a_worker_that_lost_its_claim_does_nothing(waiting):
    _rule, ada, _run = waiting()
    with later(minutes=61), every_organization("two workers at once"):
        (mine,) = list(going_on.QUEUE.rows())
        late = RunWait(pk=mine.pk, run=mine.run, organization=mine.organization, claim_token=uuid4())
        going_on._work(late)
        assert not chased(ada), "another worker has it by now"
        assert mine.claim_token is None
        going_on._work(mine)  # claimed by nobody: as the token fits, it goes on
        assert chased(ada)
        going_on._work(mine)
    assert Event.objects.filter(type="customer.tag_added", payload={"tag": "chased"}).count() == 1
