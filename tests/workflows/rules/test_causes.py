"""What a rule causes by detours, who is looked at twice, and what of erased persons is not written down again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from activity import jobs
from activity.ledger import record
from activity.models import Event
from core.tenancy import every_organization
from customers import events as customer_events
from customers.data.personal_data import erasure
from customers.data.personal_data import registry as personal_data
from customers.models import Customer, Task
from customers.people.tags import services as tags
from customers.work.tasks import services as tasks
from messaging.delivery import statuses
from messaging.models import Message
from tests.workflows.conftest import work
from workflows.models import Evaluation, Workflow, WorkflowRun
from workflows.rules import log, queries, running, runs, services
from workflows.rules.dry_run import dry_run
from workflows.rules.reading import InvalidWorkflow

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
    with pytest.raises(runs.ActedMeanwhile):
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


def test_once_is_once_also_when_the_log_was_purged(make_rule, receive):
    rule = make_rule("message.received", {}, SEND, is_once=True)
    receive()
    work()
    with every_organization("housekeeping"):
        WorkflowRun.objects.update(created_at="2020-01-01T00:00Z")
        log.purge_log()
    assert (rule.runs.get().steps, rule.runs.get().conditions) == ([], [])
    receive("Hello again")
    work()
    assert rule.runs.count() == 1


def test_what_is_to_go_out_is_found_also_when_the_log_was_purged(make_rule, receive, alice):
    make_rule("message.received", {}, [{**SEND[0], "delay_minutes": 600}])
    receive()
    work()
    with every_organization("housekeeping"):
        WorkflowRun.objects.update(created_at="2020-01-01T00:00Z")
        log.purge_log()
    assert queries.outgoing(alice.member).count() == 1
    Message.objects.filter(origin="workflow").update(status="cancelled")
    with every_organization("housekeeping"):
        assert log.purge_log() == 1


def test_a_task_of_nobody_is_reported_to_who_reaches_everything_alone(make_rule, alice, mona, inside):
    rule = make_rule("task.created", {"title__icontains": "mona"}, [{"action": "create_task", "title": "More"}])
    tasks.create(organization=alice.organization, actor=alice.actor, title="Talk about Mona", assigned_to=alice.user)
    work()
    assert queries.visible_runs(alice.member).get(workflow=rule).conditions[0]["seen"] == "Talk about Mona"
    assert not queries.visible_runs(mona.member).exists()
    assert not dry_run(workflow=rule, member=mona.member).trials


def test_conditions_that_would_fill_the_disk_are_refused(make_rule):
    with pytest.raises(InvalidWorkflow, match="altogether"):
        make_rule("message.received", {"message_body__in": [f"{n}" * 200 for n in range(100)]}, SEND)


def test_the_person_is_shown_what_rules_decided_and_it_is_erased(make_rule, receive, alice):
    make_rule("message.received", {"message_body": "never"}, SEND)
    ada = receive("What is the price?")
    work()
    parts = {part.name: part for part in personal_data.parts()}
    assert "What is the price?" in str(parts["workflow_decisions"].export(ada).rows)
    erasure.erase(customer=ada, actor=alice.actor)
    assert not Evaluation.objects.filter(event__customer_id=ada.pk).exists()


def test_of_whom_the_undoing_of_an_import_removes_nothing_is_left(make_rule, make_customer, alice):
    make_rule("customer.created", {"customer_phone": "+447700900999"}, SEND)
    there = make_customer()
    file = SimpleUploadedFile("people.csv", b"Name,Phone\nAda,+447700900777\n", "text/csv")
    mapping = json.dumps({"Name": "name", "Phone": "phone"})
    answer = alice.api.post("/api/v1/customers/import", {"file": file, "mapping": mapping}, format="multipart")
    jobs.run_due()
    work()
    ada = Customer.objects.get(phone="+447700900777")
    assert Evaluation.objects.filter(event__customer_id=ada.pk).exists()
    assert alice.api.post(f"/api/v1/customers/imports/{answer.json()['import_id']}/undo").status_code == 202
    jobs.run_due()
    work()
    assert not Customer.objects.filter(pk=ada.pk).exists()
    assert list(Evaluation.objects.values_list("event__customer_id", flat=True)) == [there.pk]
