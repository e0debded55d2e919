"""A worker that is killed in the middle of an import, again and again: every row becomes a customer, once."""

from __future__ import annotations

import io
import random
import time
from collections import Counter
from typing import Any

import pytest
from django.utils import timezone

from activity.models import Event, Job
from core.tenancy import organization_scope
from customers.data.imports import services as imports
from customers.models import Change, Customer, Identity
from tests.processes.conftest import Worker, wait_until

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

ROWS = 5000
BAD = 50
KILLS = 4
SEED = 20_261_121


def content() -> bytes:
    rows = [f"P {n},p{n}@example.com,tag {n % 7}" if n % (ROWS // BAD) else f"P {n},nobody,x" for n in range(ROWS)]
    return ("Name,E-mail,Tags\n" + "\n".join(rows) + "\n").encode()


def test_every_row_is_imported_once(worker: Worker, alice: Any):
    with organization_scope(alice.organization):
        upload = imports.upload(file=io.BytesIO(content()), name="people.csv", member=alice.member)
        job = imports.start(upload=upload, member=alice.member, actor=alice.actor)
        mine = Job.objects.filter(pk=job.pk)
        chance = random.Random(SEED)
        interrupted = 0
        for _ in range(KILLS):
            worker.restart()
            goal = mine.get().done + chance.randint(1, 2) * imports.ROWS_AT_ONCE
            wait_until(lambda goal=goal: mine.get().done >= goal, within=60, every=0.002)
            time.sleep(chance.uniform(0, 0.2))
            worker.kill()
            # The dead worker's lease would end by itself in a minute.
            interrupted += mine.filter(claim_token__isnull=False).update(due_at=timezone.now())
        worker.restart()
        wait_until(lambda: mine.get().is_finished, within=120, every=0.1)
        job = mine.get()
        upload.refresh_from_db()
        codes = list(Customer.objects.values_list("code", flat=True))
        names = Counter(Customer.objects.values_list("name", flat=True))
        print(f"{KILLS} kills interrupted {interrupted} turns")
        assert interrupted >= KILLS - 1, "the kills hit nobody at work"
        assert {name: job.result[name] for name in imports.COUNTS} == {
            "created": ROWS - BAD, "updated": 0, "skipped": 0, "rejected": BAD
        }  # fmt: skip
        assert len(names) == len(codes) == len(set(codes)) == ROWS - BAD
        assert Identity.objects.count() == ROWS - BAD
        assert Change.objects.filter(change_set=upload.change_set).count() == ROWS - BAD
        assert Event.objects.filter(type="customer.created").count() == ROWS - BAD
        assert Event.objects.filter(type="customer.imported").count() == 1
        with upload.rejected_file.open("rb") as rejected:
            assert sum(1 for _ in rejected) == BAD + 1
