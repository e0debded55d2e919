"""What a rule causes by detours, who is looked at twice, and what of erased persons is not written down again."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from activity.ledger import record
from activity.models import Event
from core.tenancy import every_organization
from customers import events as customer_events
from customers.data.personal_data import erasure
from customers.models import Customer, Task
from customers.people.tags import services as tags
from messaging.delivery import statuses
from messaging.models import Message
from tests.workflows.conftest import work
from workflows.models import Evaluation, Workflow, WorkflowRun
from workflows.rules import running, services
from workflows.rules.dry_run import dry_run

pytestmark = pytest.mark.django_db

SEND: Any = [{"action": "send_text", "body": "Thank you"}]


def send_all() -> int:
    """Have what is queued be sent, as the provider reports it; how many."""
    rows = list(Message.objects.filter(status="queued", direction="outbound"))
    for message in rows:
        statuses.advance(message_id=message.pk, status="sent", provider_message_id=f"p{message.pk}")
    return len(rows)


def test_a_rule_does_not_answer_its_own_message(make_rule, receive):
    rule = make_rule("message.sent", {}, SEND)
    make_rule("message.received", {}, SEND)
    receive()
    for _round in range(4):
        work()
        send_all()
    work()
    assert rule.runs.count() == 1
    assert Message.objects.filter(direction="outbound").count() == 2
    assert Evaluation.objects.order_by("-created_at").first().decisions[0]["reason"] == "own_event"
    result = dry_run(workflow=rule, member=_member(rule))
    assert [one["reason"] for one in result.trials] == ["own_event", "matched"]


def test_two_rules_that_answer_one_another_end(make_rule, receive):
    make_rule("message.sent", {}, SEND)
    make_rule("message.sent", {}, SEND)
    make_rule("message.received", {}, SEND)
    receive()
    for _round in range(10):
        work()
        if not send_all():
            break
    else:
        pytest.fail("they go on without end")
    # One, answered by both, each of which is answered by the other, five deep.
    assert Message.objects.filter(direction="outbound").count() == 1 + 2 * 4


def test_a_rule_does_not_make_a_task_of_its_own_that_is_overdue(make_rule, make_customer, alice):
    rule = make_rule("task.overdue", {}, [{"action": "create_task", "title": "Look", "due_in_minutes": 0}])
    customer = make_customer()
    first = Task.objects.create(organization=alice.organization, customer=customer, title="First")
    _overdue(first)
    work()
    _overdue(Task.objects.get(title="Look"))
    work()
    assert (rule.runs.count(), Task.objects.filter(title="Look").count()) == (1, 1)


def test_a_run_done_again_does_not_act_a_second_time(make_rule, make_customer, alice):
    rule = make_rule("customer.tag_added", {}, [{"action": "create_task", "title": "Welcome"}], is_once=True)
    good = rule.actions
    Workflow.objects.filter(pk=rule.pk).update(actions=[{"action": "set_stage", "stage": "nowhere"}])
    customer = make_customer(tags=["x"])
    work()
    Workflow.objects.filter(pk=rule.pk).update(actions=good)
    tags.add(customer=customer, names=["y"], actor=alice.actor)
    work()
    assert Task.objects.filter(title="Welcome").count() == 1
    with pytest.raises(running.ActedMeanwhile):
        services.retry(run=rule.runs.get(status="failed"), actor=alice.actor)
    assert Task.objects.filter(title="Welcome").count() == 1


def test_a_trial_counts_once_for_a_customer(make_rule, receive, alice):
    receive()
    receive("And again")
    receive("Somebody else", sender="+447700900778")
    rule = make_rule("message.received", {}, SEND, is_once=True)
    result = dry_run(workflow=rule, member=alice.member)
    assert [one["reason"] for one in result.trials] == ["matched", "once", "matched"]


def test_nothing_is_written_down_of_who_was_erased_before_the_rules_looked(make_rule, receive, alice):
    make_rule("message.received", {"message_body__icontains": "price", "customer_phone__isnull": False}, SEND)
    ada = receive("What is the price?")
    with every_organization("dispatched late"):
        event = Event.objects.select_related("organization").get(type="message.received")
    erasure.erase(customer=Customer.objects.get(pk=ada.pk), actor=alice.actor)
    running.run_rules(event)
    assert not Evaluation.objects.filter(event=event).exists()
    assert not WorkflowRun.objects.exists()


def _overdue(task: Task) -> None:
    payload = {"title": task.title, "due_at": timezone.now().isoformat(), "assigned_to": None}
    record(customer_events.TASK_OVERDUE, subject=task, payload=payload)


def _member(rule: Workflow) -> Any:
    from accounts.models import Member

    return Member.objects.with_access().get(organization=rule.organization, role__key="admin")
