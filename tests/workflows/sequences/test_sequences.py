"""Sequences: customers put in, taken through their steps in time, moved, paused and taken out, never twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from activity.models import Event
from customers.data.merging import services as merging
from customers.models import Customer, Process
from customers.people.customers import services as customers
from customers.work.processes import services as processes
from messaging.models import Message
from tests.workflows.conftest import work
from tests.workflows.rules.test_waits import go_on, later, weekdays
from workflows.models import RunWait, Workflow, WorkflowRun
from workflows.rules import waits
from workflows.rules.reading import InvalidWorkflow
from workflows.sequences import services as sequences
from workflows.sequences.steps import in_pairs, step_at, to_actions, without_pairs

__all__ = ["weekdays"]
pytestmark = pytest.mark.django_db

A_DAY = 24 * 60
STEPS = [
    {"delay_minutes": 0, "action": {"action": "add_tag", "tag": "began"}},
    {"delay_minutes": A_DAY, "action": {"action": "add_tag", "tag": "second"}},
    {"delay_minutes": 60, "action": {"action": "add_tag", "tag": "third"}},
]


@pytest.fixture
def make_sequence(alice: Any, inside: Any) -> Any:
    def make(steps: Any = STEPS, **more: Any) -> Workflow:
        values: Any = {"name": "Chase", "steps": steps, "is_enabled": True, **more}
        return sequences.create(organization=inside, actor=alice.actor, values=values)

    return make


@pytest.fixture
def ada(receive: Any, without_rules: None) -> Customer:
    return receive("Hello")


def names(customer: Customer) -> set[str]:
    return set(customer.tags.values_list("name", flat=True)) & {"began", "second", "third"}


def run_of(process: Process) -> WorkflowRun:
    return WorkflowRun.objects.select_related("workflow", "process__customer").get(process=process)


class TestWay:
    def test_from_the_first_step_to_the_last(self, make_sequence, ada, alice):
        sequence = make_sequence()
        process = sequences.enrol(sequence=sequence, customer=ada, actor=alice.actor)
        assert (process.status, process.name, process.sequence) == ("active", "Chase", sequence.pk)
        assert timedelta(hours=23) < process.next_follow_up_at - timezone.now() <= timedelta(days=1)
        assert names(ada) == {"began"}
        with later(days=1, minutes=1):
            go_on()
            assert names(ada) == {"began", "second"}
        with later(days=1, minutes=63):
            go_on()
            go_on()
        process.refresh_from_db()
        assert (process.status, process.next_follow_up_at) == ("completed", None)
        assert names(ada) == {"began", "second", "third"}
        started = Event.objects.filter(type="process.started", customer_id=ada.pk).count()
        changed = Event.objects.filter(type="process.changed", customer_id=ada.pk)
        assert (started, [one.payload["changes"]["status"]["to"] for one in changed.order_by("occurred_at")]) == (
            1, ["active", "completed"]
        )  # fmt: skip

    def test_a_follow_up_is_not_touched(self, make_sequence, ada, alice):
        at = timezone.now() + timedelta(days=9)
        customers.set_follow_up(customer=ada, at=at, actor=alice.actor)
        process = sequences.enrol(sequence=make_sequence(), customer=ada, actor=alice.actor)
        processes.cancel(process=process, actor=alice.actor)
        ada.refresh_from_db()
        assert ada.next_follow_up_at == at

    def test_nobody_is_in_twice_and_may_come_again(self, make_sequence, ada, alice):
        sequence = make_sequence()
        process = sequences.enrol(sequence=sequence, customer=ada, actor=alice.actor)
        with pytest.raises(processes.AnotherOpen):
            sequences.enrol(sequence=sequence, customer=ada, actor=alice.actor)
        sequences.enrol(sequence=make_sequence(name="Another"), customer=ada, actor=alice.actor)
        processes.cancel(process=process, actor=alice.actor)
        again = sequences.enrol(sequence=sequence, customer=ada, actor=alice.actor)
        assert again.pk != process.pk
        with pytest.raises(processes.InSequence):
            processes.update(process=process, actor=alice.actor, changes={"status": "active"})

    def test_within_business_hours_only(self, make_sequence, ada, alice, weekdays):
        with time_machine.travel(datetime(2026, 6, 5, 16, 30, tzinfo=UTC), tick=True):
            # Friday, half past five in London: closed since five.
            process = sequences.enrol(sequence=make_sequence(business_hours_only=True), customer=ada, actor=alice.actor)
            opens = process.next_follow_up_at.astimezone(alice.organization.zone)
            assert (names(ada), opens.strftime("%a %H:%M")) == (set(), "Mon 09:00")
        with time_machine.travel(opens + timedelta(minutes=1), tick=True):
            go_on()
            assert names(ada) == {"began"}

    def test_off_puts_nobody_in(self, make_sequence, ada, alice):
        with pytest.raises(sequences.SequenceOff):
            sequences.enrol(sequence=make_sequence(is_enabled=False), customer=ada, actor=alice.actor)
        assert not Process.objects.exists()

    def test_a_step_may_choose_and_wait(self, make_sequence, ada, alice):
        tag = {"action": "add_tag", "tag": "second"}
        inner = [{"action": "wait", "minutes": 30}, {"action": "add_tag", "tag": "third"}]
        chosen = {"action": "branch", "branches": [{"conditions": {"customer_tags": "x"}, "actions": [tag]}]}
        sequence = make_sequence([STEPS[0], {"delay_minutes": 60, "action": {**chosen, "otherwise": inner}}])
        process = sequences.enrol(sequence=sequence, customer=ada, actor=alice.actor)
        with later(minutes=61):
            go_on()
            assert step_at(run_of(process).wait.path) == 1
        with later(minutes=92):
            go_on()
        process.refresh_from_db()
        assert (names(ada), process.status) == ({"began", "third"}, "completed")

    def test_what_somebody_writes_is_stored_in_pairs(self):
        five, seven = {"action": "wait", "minutes": 5}, {"action": "wait", "minutes": 7}
        written: Any = [STEPS[0]["action"], five, seven, STEPS[1]["action"]]
        pairs = to_actions(in_pairs(written))
        assert [entry.get("minutes") for entry in pairs] == [0, None, 12, None]
        assert without_pairs(pairs) == [written[0], {"action": "wait", "minutes": 12}, written[3]]


class TestStopping:
    def test_a_reply(self, make_sequence, ada, alice, receive):
        process = sequences.enrol(sequence=make_sequence(), customer=ada, actor=alice.actor)
        receive("I am here")
        process.refresh_from_db()
        assert process.status == "cancelled"
        assert run_of(process).steps[-1]["detail"] == "The customer wrote."

    def test_no_reply_where_the_sequence_goes_on(self, make_sequence, ada, alice, receive):
        process = sequences.enrol(sequence=make_sequence(stop_on_reply=False), customer=ada, actor=alice.actor)
        receive("I am here")
        process.refresh_from_db()
        assert process.status == "active"

    def test_paused_and_resumed_by_the_process(self, make_sequence, ada, alice):
        process = sequences.enrol(sequence=make_sequence(), customer=ada, actor=alice.actor)
        processes.pause(process=process, actor=alice.actor)
        with later(days=3):
            go_on()
            assert names(ada) == {"began"}
            processes.resume(process=Process.objects.get(pk=process.pk), actor=alice.actor)
            go_on()
            assert names(ada) == {"began", "second"}, "what rested is not late"

    def test_ended_by_the_process(self, make_sequence, ada, alice):
        process = sequences.enrol(sequence=make_sequence(), customer=ada, actor=alice.actor)
        processes.delete(process=process, actor=alice.actor)
        assert not RunWait.objects.exists()
        assert WorkflowRun.objects.get().status == "cancelled"

    def test_another_moment(self, make_sequence, ada, alice):
        process = sequences.enrol(sequence=make_sequence(), customer=ada, actor=alice.actor)
        soon = timezone.now() + timedelta(minutes=5)
        processes.update(process=process, actor=alice.actor, changes={"next_follow_up_at": soon})
        with later(minutes=6):
            go_on()
        assert names(ada) == {"began", "second"}

    def test_two_who_become_one_go_through_it_once(self, make_sequence, ada, alice, receive):
        sequence = make_sequence(stop_on_reply=False)
        ben = receive("I am Ben", sender="+447700900778")
        for one in (ada, ben):
            sequences.enrol(sequence=sequence, customer=one, actor=alice.actor)
        merging.merge(loser=ben, survivor=ada, actor=alice.actor)
        assert sorted(Process.objects.values_list("status", flat=True)) == ["active", "cancelled"]
        with later(days=1, minutes=1):
            go_on()
        assert Event.objects.filter(type="customer.tag_added", payload={"tag": "second"}).count() == 1
        assert sorted(WorkflowRun.objects.values_list("status", flat=True)) == ["cancelled", "waiting"]


class TestMoving:
    def test_skipping_and_moving(self, make_sequence, ada, alice):
        process = sequences.enrol(sequence=make_sequence(), customer=ada, actor=alice.actor)
        run = sequences.skip(run=run_of(process), actor=alice.actor)
        assert run.wait.path == "4"
        process.refresh_from_db()
        assert process.next_follow_up_at - timezone.now() <= timedelta(hours=1)
        sequences.move(run=run_of(process), step=2, actor=alice.actor)
        for wrong in (0, 4):
            with pytest.raises(sequences.NoSuchStep):
                sequences.move(run=run_of(process), step=wrong, actor=alice.actor)
        sequences.skip(run=run_of(process), actor=alice.actor)
        sequences.skip(run=run_of(process), actor=alice.actor)
        process.refresh_from_db()
        assert (process.status, names(ada)) == ("completed", {"began"})
        with pytest.raises(waits.NotWaiting):
            sequences.skip(run=run_of(process), actor=alice.actor)

    def test_an_edit_leaves_those_inside_their_steps_unless_they_are_moved(self, make_sequence, ada, alice, receive):
        sequence = make_sequence(stop_on_reply=False)
        ben = receive("I am Ben", sender="+447700900778")
        sequences.enrol(sequence=sequence, customer=ada, actor=alice.actor)
        changes: Any = {"steps": [STEPS[0], {"delay_minutes": A_DAY, "action": {"action": "add_tag", "tag": "third"}}]}
        sequences.update(sequence=sequence, actor=alice.actor, changes=changes)
        sequence.refresh_from_db()
        sequences.enrol(sequence=sequence, customer=ben, actor=alice.actor)
        with later(days=1, minutes=1):
            go_on()
        assert (names(ada), names(ben)) == ({"began", "second"}, {"began", "third"})


class TestActions:
    def test_rules_put_in_and_take_out(self, make_sequence, make_rule, receive):
        sequence = make_sequence(stop_on_reply=False)
        start = {"action": "start_sequence", "sequence": str(sequence.pk)}
        make_rule("message.received", {"is_new_customer": True}, [start, start])
        make_rule("customer.tag_added", {"tag": "stop"}, [{"action": "stop_sequence", "sequence": str(sequence.pk)}])
        ada = receive("Hello")
        work()
        run = WorkflowRun.objects.get(workflow__trigger_event="message.received")
        assert [step["status"] for step in run.steps] == ["done", "skipped"]
        assert Process.objects.get().status == "active"
        event = Event.objects.get(type="sequence.enrolled")
        assert (event.actor_kind, event.depth) == ("workflow", 1)
        from activity.actor import SYSTEM
        from customers.people.tags import services as tags

        tags.add(customer=ada, names=["stop"], actor=SYSTEM)
        work()
        assert Process.objects.get().status == "cancelled"

    def test_messages_say_that_a_sequence_sent_them_and_by_which_channel(self, make_sequence, ada, alice):
        sequence = make_sequence([{"delay_minutes": 0, "action": {"action": "send_text", "body": "Hi again"}}])
        sequences.enrol(sequence=sequence, customer=ada, actor=alice.actor, channel="whatsapp")
        message = Message.objects.get(body="Hi again")
        assert (message.origin, message.channel.kind) == ("sequence", "whatsapp")


@pytest.mark.parametrize(
    ("steps", "field"),
    [
        ([], "steps"),
        (["x"], "steps[0]"),
        ([{"delay_minutes": -1, "action": {"action": "add_tag", "tag": "x"}}], "steps[0].delay_minutes"),
        ([STEPS[0], {"delay_minutes": 5, "action": {"action": "add_tag"}}], "steps[1].action.tag"),
        ([{"action": {"action": "wait", "minutes": "x"}}], "steps[0].action.minutes"),
        ([{"delay_minutes": 5}], "steps[0].action"),
        ([{"delay_minutes": 5, "action": {}, "more": 1}], "steps[0].more"),
        ([{"delay_minutes": 5, "action": "dance"}], "steps[0].action.action"),
    ],
)
def test_what_can_not_be_is_refused_at_its_place(make_sequence, steps, field):
    with pytest.raises(InvalidWorkflow) as refused:
        make_sequence(steps)
    assert refused.value.field == field
