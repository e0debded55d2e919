"""Events a second that a rehearsal follows, and the memory it takes; `BENCH_EVENTS` makes it others.

Each customer has ten events of the trigger and ten others; the rule waits, asks again and sends. What a batch takes
does not grow with the span, so a million events take ten times what a hundred thousand do: half of them are measured
beside all.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from datetime import datetime, timedelta
from typing import Any, Final

import django

EVENTS: Final = 100_000
EACH: Final = 10
# A million in ten minutes.
GOAL_A_SECOND: Final = 1_700
GOAL_GROWTH_MB: Final = 100


def main() -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "crm_project.settings"
    django.setup()
    from bench.environment import own_database
    from bench.parts import an_organization
    from bench.people import fill
    from core.tenancy import organization_scope

    events = int(os.environ.get("BENCH_EVENTS", EVENTS))
    with own_database():
        member = an_organization()
        fill(member, events // EACH)
        with organization_scope(member.organization):
            write_history(member, events)
            return measure(member, events)


def write_history(member: Any, events: int) -> None:
    """Tags put on, and stages changed in between, over the last days."""
    from django.utils import timezone

    from activity.actor import Actor
    from activity.models import Event
    from core.ids import uuid7
    from customers.models import Customer

    now, actor = timezone.now(), Actor.for_user(member.user)
    rows: list[Event] = []
    for pk in Customer.objects.values_list("pk", flat=True)[: events // EACH]:
        for number in range(EACH):
            at = now - timedelta(days=25) + timedelta(hours=number * 40)
            happened = (
                ("customer.tag_added", {"tag": "bench"}),
                ("customer.stage_changed", {"from": "new", "to": "new"}),
            )
            for minutes, (type_, payload) in enumerate(happened):
                rows.append(
                    Event(
                        id=uuid7(), organization=member.organization, type=type_, payload=payload,
                        occurred_at=at + timedelta(minutes=minutes), actor_kind=actor.kind, actor_id=actor.id,
                        subject_type="customers.customer", subject_id=str(pk), customer_id=pk, dispatch_state="done",
                    )
                )  # fmt: skip
        if len(rows) >= 5_000:
            Event.objects.bulk_create(rows)
            rows.clear()
    Event.objects.bulk_create(rows)


def measure(member: Any, events: int) -> int:
    from django.utils import timezone

    from activity.actor import Actor
    from workflows.rules import services

    rule = services.create(
        organization=member.organization,
        actor=Actor.for_user(member.user),
        values={
            "name": "Bench", "trigger_event": "customer.tag_added", "conditions": {"customer_stage": "new"},
            "cancel_on": ["reply"],
            "actions": [
                {"action": "wait", "minutes": 60}, {"action": "create_task", "title": "Look"},
                {"action": "send_text", "body": "Hello {{ customer.first_name }}"},
            ],
        },
    )  # fmt: skip
    now = timezone.now()
    half, half_rate = rehearse(rule, member, now - timedelta(days=17))
    before = peak_mb()
    total, rate = rehearse(rule, member, now - timedelta(days=30))
    growth = peak_mb() - before
    print(f"  {half:,} events: {half_rate:,.0f} a second; {total:,}: {rate:,.0f} (goal: {GOAL_A_SECOND:,})")
    print(f"  memory: {peak_mb():,.0f} MB at most, {growth:,.1f} more for all than for half (goal: {GOAL_GROWTH_MB})")
    return 0 if rate >= GOAL_A_SECOND and growth <= GOAL_GROWTH_MB else 1


def rehearse(rule: Any, member: Any, since: datetime) -> tuple[int, float]:
    """How many events since then, and how many a second."""
    from activity import jobs
    from activity.actor import Actor
    from core.tenancy import every_organization
    from workflows.rehearsals import services as rehearsals

    rehearsal = rehearsals.start(workflow=rule, member=member, actor=Actor.for_user(member.user), since=since)
    began = time.perf_counter()
    with every_organization("the worker looks for all"):
        while jobs.run_due():
            pass
    length = time.perf_counter() - began
    rehearsal.refresh_from_db()
    if rehearsal.status != "done":
        raise SystemExit(f"The rehearsal did not end: {rehearsal.job.error}")
    count = rehearsal.totals["events"]
    return count, count / length


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
