"""Workers that are killed while runs go on: each goes on once, none is lost."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from activity.models import Event
from core.tenancy import every_organization, organization_scope
from customers.models import Process
from tests.processes.conftest import Worker, wait_until
from workflows.models import RunWait, WorkflowRun
from workflows.sequences import services as sequences

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

# What CI does; `python -m bench kills` does the whole that is promised.
COUNT = int(os.environ.get("WAITS_KILLED_RUNS", "150"))
KILLS = int(os.environ.get("WAITS_KILLED_KILLS", "5"))
# Runs that go on between two kills, so that the kills are spread over all of them.
BETWEEN = (2, max(4, min(20, 2 * (COUNT - 10) // KILLS - 4)))
SEED = 20_261_201
STEPS: Any = [
    {"delay_minutes": 60, "action": {"action": "add_tag", "tag": "first"}},
    {"delay_minutes": 0, "action": {"action": "create_task", "title": "Call them"}},
]


def gone_on() -> int:
    with every_organization("the test looks at all"):
        return WorkflowRun.objects.filter(status="done").count()


def test_every_run_that_waits_goes_on_once(worker: Worker, alice: Any, make_customer: Any):
    with organization_scope(alice.organization):
        values: Any = {"name": "Chase", "steps": STEPS, "is_enabled": True}
        sequence = sequences.create(organization=alice.organization, actor=alice.actor, values=values)
        for _ in range(COUNT):
            sequences.enrol(sequence=sequence, customer=make_customer(), actor=alice.actor)
        now = timezone.now()
        RunWait.objects.update(due_at=now, wakes_at=now, began_at=now - timedelta(hours=1))
    chance = random.Random(SEED)
    for _ in range(KILLS):
        worker.restart()
        goal = min(gone_on() + chance.randint(*BETWEEN), COUNT - 10)
        wait_until(lambda goal=goal: gone_on() >= goal, within=60, every=0.003)
        time.sleep(chance.uniform(0, 0.04))
        worker.kill()
    # What a dead worker held is due again when its lease ends; here at once.
    with every_organization("a test's clock is everybody's"):
        RunWait.objects.update(due_at=timezone.now())
    worker.restart()
    wait_until(lambda: gone_on() == COUNT, within=120, every=0.1)

    with every_organization("the test looks at all"):
        tagged = Counter(
            Event.objects.filter(type="customer.tag_added", payload__tag="first").values_list("customer_id", flat=True)
        )
        tasks = Counter(Event.objects.filter(type="task.created").values_list("customer_id", flat=True))
        assert (len(tagged), set(tagged.values())) == (COUNT, {1})
        assert (len(tasks), set(tasks.values())) == (COUNT, {1})
        assert not RunWait.objects.exists()
        assert set(Process.objects.values_list("status", flat=True)) == {"completed"}
