"""Events a second with 0, 10 and 100 rules that are asked and do not match; `BENCH_EVENTS` makes it others.

100 rules may cost at most twice what none cost: what an event costs by itself is the same for all of them.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import django

EVENTS = 1_000
GOAL_RATIO = 2.0


def main() -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "crm_project.settings"
    django.setup()
    from bench.environment import own_database
    from bench.parts import an_organization
    from bench.people import fill
    from core.tenancy import organization_scope

    events = int(os.environ.get("BENCH_EVENTS", EVENTS))
    rates: dict[int, float] = {}
    with own_database():
        member = an_organization()
        fill(member, events)
        with organization_scope(member.organization):
            for count in (0, 10, 100):
                add_rules(member, count)
                rates[count] = measure(member, events)
                print(f"  {count:>3} rules: {rates[count]:,.0f} events a second", flush=True)
    ratio = rates[0] / rates[100]
    print(f"  100 rules cost {ratio:.2f} times what none cost (goal: {GOAL_RATIO:.0f} at most)")
    return 0 if ratio <= GOAL_RATIO else 1


def add_rules(member: Any, count: int) -> None:
    """So many enabled rules, each with three conditions of which the last does not hold."""
    from activity.actor import Actor
    from workflows.models import Workflow
    from workflows.rules import services

    Workflow.objects.all().delete()
    for number in range(count):
        services.create(
            organization=member.organization,
            actor=Actor.for_user(member.user),
            values={
                "name": f"Rule {number}",
                "trigger_event": "customer.tag_added",
                "conditions": {"customer_stage": "new", "tag": "bench", "customer_source": f"nowhere {number}"},
                "actions": [{"action": "add_tag", "tag": "never"}],
                "is_enabled": True,
            },
        )


def measure(member: Any, count: int) -> float:
    """Events dispatched a second, each about a customer of its own."""
    from activity import dispatch
    from activity.ledger import Entry, record_many
    from customers.events import TAG_ADDED
    from customers.models import Customer

    while dispatch.dispatch_due():
        pass
    customers = Customer.objects.order_by("-id")[:count]
    entries = [Entry(customer, {"tag": "bench"}, customer.pk) for customer in customers]
    record_many(TAG_ADDED, entries, organization=member.organization)
    began, done = time.perf_counter(), 0
    while due := dispatch.dispatch_due():
        done += due
    return done / (time.perf_counter() - began)


if __name__ == "__main__":
    sys.exit(main())
