"""The job: it writes nothing but itself, counts nothing twice after a kill, keeps no more than so many, and reaches no
further than people do."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from activity.models import Event, Job
from customers.data.personal_data import erasure
from customers.models import Customer
from tests.workflows.rehearsals.conftest import at, run_jobs
from workflows.models import Rehearsal, RehearsedEvent
from workflows.rehearsals import jobs, services

pytestmark = pytest.mark.django_db

SEND: Any = {"action": "send_text", "body": "Hello {{ customer.first_name }}"}
TAG: Any = {"action": "add_tag", "tag": "chased"}


def digest() -> dict[str, str]:
    """Of every table, column by column as the database has it, but for those of rehearsals and of the job that makes
    one."""
    own = {model._meta.db_table for model in (Rehearsal, RehearsedEvent, Job)}
    result = {}
    with connection.cursor() as cursor:
        for table in sorted({*connection.introspection.table_names()} - own):
            # That the job has ended is no doing of the rule's.
            where = "WHERE type <> 'job.finished'" if table == Event._meta.db_table else ""
            cursor.execute(f'SELECT * FROM "{table}" {where}')
            rows = sorted(repr([str(value) for value in row]) for row in cursor.fetchall())
            result[table] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return result


EVERYTHING: Any = [
    SEND,
    TAG,
    {"action": "remove_tag", "tag": "old"},
    {"action": "set_stage", "stage": "engaged"},
    {"action": "set_status", "status": "active"},
    {"action": "set_follow_up", "days": 2},
    {"action": "create_task", "title": "Call {{ customer.first_name }}"},
    {"action": "add_note", "body": "Asked"},
    {"action": "notify", "text": "Look"},
    {"action": "wait", "minutes": 30},
    {"action": "wait", "until": "open"},
    {"action": "wait", "quiet_minutes": 10, "timeout_minutes": 600, "then": "continue"},
    {"action": "wait", "conditions": {"customer_stage": "lost"}, "timeout_minutes": 60, "then": "continue"},
    {
        "action": "branch",
        "branches": [{"conditions": {"customer_stage": "engaged"}, "actions": [{"action": "resolve_conversation"}]}],
        "otherwise": [SEND],
    },
    {"action": "split", "branches": [{"share": 50, "actions": [SEND]}, {"share": 50, "actions": [TAG]}]},
]


def test_nothing_but_the_rehearsal_is_written(make_rule, past, rehearse, alice):
    ada, bob = past(name="Ada Lovelace"), past(owner=alice, name="Bob")
    for one, hours in ((ada, (0, 1, 30)), (bob, (2, 50))):
        for hour in hours:
            one.writes(at(hour))
        one.answers(at(3))
    people = [{"action": "assign", "to": str(alice.user.pk)}]
    rule = make_rule("message.received", {}, [*EVERYTHING, *people], cancel_on=["outcome", "opt_out"])
    before = digest()
    rehearsal = rehearse(rule)
    assert digest() == before
    taken = {step["action"] for row in rehearsal.events.all() for step in row.steps if step["status"] == "done"}
    assert taken >= {
        "send_text", "add_tag", "set_stage", "set_status", "set_follow_up", "create_task", "add_note", "notify", "wait",
        "branch", "split", "assign", "resolve_conversation",
    }  # fmt: skip
    # The digest sees what is written.
    Customer.objects.filter(pk=ada.customer.pk).update(name="Grace")
    assert digest() != before


class Killed(BaseException):
    """The worker is gone."""


def test_killed_on_the_way_it_goes_on_and_counts_nothing_twice(make_rule, past, alice, monkeypatch):
    for number in range(6):
        one = past()
        one.writes(at(number)), one.writes(at(number + 0.5))
    rule = make_rule("message.received", {}, [TAG])
    monkeypatch.setattr(jobs, "MAX_EVENTS", 2)
    rehearsal = services.start(workflow=rule, member=alice.member, actor=alice.actor)
    taken, keep = 0, jobs._keep

    def kill(*args: Any) -> None:
        nonlocal taken
        keep(*args)
        taken += 1
        if taken == 3:
            raise Killed

    monkeypatch.setattr(jobs, "_keep", kill)
    with pytest.raises(Killed):
        run_jobs()
    rehearsal.refresh_from_db()
    assert (rehearsal.status, rehearsal.totals["events"]) == ("running", 4)
    Job.objects.filter(pk=rehearsal.job_id).update(due_at=at(0))
    run_jobs()
    rehearsal.refresh_from_db()
    assert (rehearsal.status, rehearsal.is_complete) == ("done", True)
    assert rehearsal.totals["reasons"] == {"matched": 12}
    assert rehearsal.events.count() == 12
    assert rehearsal.totals["customers"] == 6
    assert rehearsal.job.done == rehearsal.job.total == 12


def test_of_many_the_newest_are_kept_and_all_are_counted(make_rule, past, rehearse, monkeypatch):
    monkeypatch.setattr(jobs, "LIMITS", {"matched": 3, "nothing": 2})
    monkeypatch.setattr(jobs, "KEPT", 3)
    monkeypatch.setattr(jobs, "MAX_EVENTS", 4)
    for number in range(5):
        one = past()
        for hour in range(4):
            one.writes(at(number + 10 * hour), "price" if hour % 2 else "Hello")
    rehearsal = rehearse(make_rule("message.received", {"message_body": "price"}, [TAG]))
    assert rehearsal.totals["reasons"] == {"matched": 10, "conditions": 10}
    assert not rehearsal.is_complete
    kept = rehearsal.events.order_by("-occurred_at").values_list("outcome", "occurred_at")
    assert sorted(kept) == sorted(
        [*(("acted", at(30 + number)) for number in (2, 3, 4)), *(("nothing", at(20 + number)) for number in (3, 4))]
    )
    assert sum(day["matched"] for day in rehearsal.totals["by_day"].values()) == 10


def test_events_about_nobody_are_rehearsed_too(make_rule, rehearse, alice):
    from activity.ledger import record
    from customers.models import Task

    task = Task.objects.create(organization=alice.organization, title="Sweep")
    with time_machine.travel(at(0)):
        record("task.overdue", subject=task, payload={"title": "Sweep"}, actor=alice.actor)
    rehearsal = rehearse(make_rule("task.overdue", {}, [{"action": "create_task", "title": "Look"}, TAG]))
    row = rehearsal.events.get()
    assert [step["status"] for step in row.steps] == ["done", "skipped"]


def test_it_reaches_no_further_than_who_asked_and_who_reads(make_rule, past, rehearse, alice, mona):
    from workflows.rehearsals import queries

    own, other = past(owner=mona), past(owner=alice)
    for one in (own, other):
        one.writes(at(0))
    rule = make_rule("message.received", {}, [TAG])
    of_all = rehearse(rule)
    assert of_all.totals["events"] == 2
    rows = queries.rehearsed_events(mona.member, of_all)
    assert [row.event.customer_id for row in rows] == [own.customer.pk]
    assert not queries.rehearsals(mona.member).exists()


def test_erasing_a_person_takes_them_out_of_rehearsals(make_rule, past, rehearse, alice):
    ada, bob = past(), past()
    for one in (ada, bob):
        one.writes(at(0))
    rehearsal = rehearse(make_rule("message.received", {}, [TAG]))
    erasure.erase(customer=ada.customer, actor=alice.actor)
    assert [row.event.customer_id for row in rehearsal.events.select_related("event")] == [bob.customer.pk]


def test_old_ones_go(make_rule, past, rehearse, settings):
    past().writes(at(0))
    rule = make_rule("message.received", {}, [TAG])
    old, new = rehearse(rule), rehearse(rule)
    Rehearsal.objects.filter(pk=old.pk).update(created_at=at(-24 * settings.WORKFLOW_LOG_DAYS))
    assert services.purge_old() == 1
    assert list(Rehearsal.objects.all()) == [new]
    assert {row.rehearsal_id for row in RehearsedEvent.objects.all()} == {new.pk}


def test_a_batch_takes_the_same_number_of_queries_whatever_its_size(make_rule, past, alice, monkeypatch):
    rule = make_rule("message.received", {"customer_tags__isnull": True}, [{"action": "wait", "minutes": 5}, SEND])

    def count() -> int:
        services.start(workflow=rule, member=alice.member, actor=alice.actor)
        with CaptureQueriesContext(connection) as queries:
            run_jobs()
        return len(queries)

    for _number in range(2):
        past().writes(at(0))
    few = count()
    for number in range(10):
        one = past()
        one.writes(at(number)), one.answers(at(number + 3))
    assert count() == few


def test_a_second_one_of_the_same_rule_waits_for_the_first(make_rule, alice):
    rule = make_rule("message.received", {}, [TAG])
    services.start(workflow=rule, member=alice.member, actor=alice.actor)
    with pytest.raises(services.RehearsalRunning):
        services.start(workflow=rule, member=alice.member, actor=alice.actor)
    run_jobs()
    assert services.start(workflow=rule, member=alice.member, actor=alice.actor).status == "running"


def test_it_says_what_was_judged_by_today(make_rule, past, rehearse, alice):
    from activity.ledger import record
    from customers.models import Tag

    tag = Tag.objects.create(organization=alice.organization, name="vip")
    past().writes(at(0))
    rule = make_rule("message.received", {"customer_tags__contains": "vip", "business_hours": True}, [SEND])
    assert rehearse(rule).judged_by_today == ["texts"]
    record("tag.changed", subject=tag, payload={"tag": "vip"}, actor=alice.actor)
    record("calendar.reopened", subject=alice.organization, payload={"name": "Hours"}, organization=alice.organization)
    assert rehearse(rule).judged_by_today == ["business_hours", "customer_tags", "texts"]
