"""Customers in: a file of 100,000 rows, 1,000 of them bad in ten ways, taken in, tried and imported, then undone."""

from __future__ import annotations

import io
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import django

ROWS = 100_000
BAD = 1000
GOAL_SECONDS = 60.0
# Of import and dry run alike: what stands in a process that only waits is not the import's.
GOAL_GROWTH_MIB = 150
HEADER = "Full name,E-mail,Phone,Company,Street,City,Postal code,Country,Tags,Source,Notes,Born,Visits\n"
BAD_WAYS = (
    ("", "ok{n}@bench.example", "", "1990-01-01", "3"),  # no name
    ("Bad {n}", "nobody-{n}", "", "1990-01-01", "3"),
    ("Bad {n}", "", "12", "1990-01-01", "3"),
    ("Bad {n}", "", "", "31.31.1990", "3"),
    ("Bad {n}", "", "", "1990-01-01", "many"),
    ("x" * 201, "", "", "1990-01-01", "3"),
    ("Bad {n}", "two words@bench.example", "not a phone", "yesterday", "few"),
    ("Bad {n}", "a@b", "", "1990-01-01", "3"),
    ("Bad {n}", "", "+999 123 4567", "1990-01-01", "3"),
    ("Bad {n}", "", "", "1990-01-01", "1e99"),
)


def content(rows: int, bad: int) -> bytes:
    """The file; the bad rows are spread evenly."""
    out = io.StringIO()
    out.write(HEADER)
    every = rows // bad
    for n in range(rows):
        if n % every == every - 1:
            name, email, phone, born, visits = (text.format(n=n) for text in BAD_WAYS[n // every % len(BAD_WAYS)])
            company = "" if not name else "Company"
        else:
            name, email, phone = f"Ada Lovelace {n}", f"ada{n}@bench.example", f"+4477{n:08d}"
            company, born, visits = f"Company {n % 5000}", f"19{n % 90 + 10}-03-{n % 28 + 1:02d}", str(n % 40)
        street, tags = f"{n % 300} Mill Street", f"tag {n % 20}; new"
        out.write(
            f"{name},{email},{phone},{company},{street},London,N{n % 20} 1AA,UK,{tags},fair,A note,{born},{visits}\n"
        )
    return out.getvalue().encode()


def resident_mib() -> float:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


class Peak:
    """How much the process grew at most while the block ran."""

    def __enter__(self) -> Peak:
        self.base = self.highest = resident_mib()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            self.highest = max(self.highest, resident_mib())

    @property
    def growth(self) -> float:
        return self.highest - self.base


def timed(label: str, rows: int, work: Callable[[], Any]) -> tuple[Any, float, float]:
    with Peak() as peak:
        begun, begun_work = time.perf_counter(), time.process_time()
        result = work()
        seconds, worked = time.perf_counter() - begun, time.process_time() - begun_work
    text = f"{seconds:.1f} s ({worked:.1f} s of it on a core), {rows / seconds:,.0f} rows a second"
    print(f"  {label}: {text}, {peak.growth:.0f} MiB more at most", flush=True)
    return result, seconds, peak.growth


def main() -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "crm_project.settings"
    django.setup()
    from bench.environment import own_database
    from bench.parts import an_organization
    from core.tenancy import organization_scope

    rows = int(os.environ.get("BENCH_ROWS", ROWS))
    with own_database():
        member = an_organization()
        with organization_scope(member.organization):
            return measure(member, rows, BAD * rows // ROWS)


def measure(member: Any, rows: int, bad: int) -> int:
    from activity import jobs
    from activity.actor import Actor
    from customers.data import undo
    from customers.data.imports import services as imports
    from customers.models import Customer, CustomField
    from customers.people.custom_fields import services as custom_fields

    actor = Actor.for_user(member.user)
    for key, kind in (("born", "date"), ("visits", "number")):
        custom_fields.create(
            organization=member.organization, actor=actor, key=key, label=key.title(), type=kind,
            entity=CustomField.Entity.CUSTOMER,
        )  # fmt: skip
    file = io.BytesIO(content(rows, bad))
    upload, _, _ = timed("taken in", rows, lambda: imports.upload(file=file, name="bench.csv", member=member))

    def run(dry_run: bool) -> dict[str, Any]:
        job = imports.start(upload=upload, member=member, actor=actor, dry_run=dry_run)
        jobs.run_due()
        job.refresh_from_db()
        return job.result

    is_good = True
    for label, dry_run in (("dry run", True), ("import", False)):
        result, seconds, growth = timed(label, rows, lambda dry_run=dry_run: run(dry_run))
        upload.refresh_from_db()
        counts = (result["created"], result["updated"], result["skipped"], result["rejected"])
        is_good &= counts == (rows - bad, 0, 0, bad) and seconds < GOAL_SECONDS and growth < GOAL_GROWTH_MIB
        print(f"    {counts[0]:,} created, {counts[3]:,} rejected (goal: {rows - bad:,} and {bad:,} within 60 s)")
    is_good &= Customer.objects.count() == rows - bad

    def take_back() -> dict[str, Any]:
        job = undo.undo(change_set=upload.change_set, actor=actor, user=member.user)
        jobs.run_due()
        job.refresh_from_db()
        return job.result

    result, _, _ = timed("undone", rows, take_back)
    is_good &= result["removed"] == rows - bad and not Customer.objects.exists()
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
