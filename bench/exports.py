"""Customers out: CSV and XLSX of 100,000 rows with every column, and how that scales; `BENCH_ROWS` makes it others."""

from __future__ import annotations

import os
import sys
from typing import Any

import django

ROWS = 100_000
PART = 10_000
CSV_GOAL = 50_000
GOAL_GROWTH_MIB = 150
USUAL = ("code", "name", "email", "phone", "company", "status", "stage", "source", "assigned_to", "tags", "created_at")


def main() -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "crm_project.settings"
    django.setup()
    from accounts.organizations import services as organizations
    from bench.environment import own_database
    from bench.parts import an_organization
    from bench.people import fill
    from core.tenancy import organization_scope

    rows = int(os.environ.get("BENCH_ROWS", ROWS))
    with own_database():
        member = an_organization()
        fill(member, PART)
        with organization_scope(member.organization):
            is_good = measure(member, PART)
        other = organizations.sign_up(
            email="large@bench.example", password="a calm harbour", name="Large", organization="Large", pack="clinic"
        )
        fill(other, rows)
        with organization_scope(other.organization):
            is_good &= measure(other, rows)
    return 0 if is_good else 1


def measure(member: Any, rows: int) -> bool:
    from activity.actor import Actor
    from bench.imports import timed
    from customers.data.exports import services as exports

    def run(kind: str, columns: tuple[str, ...] | None) -> tuple[int, int]:
        export = exports.begin(
            member=member, actor=Actor.for_user(member.user), filters={}, columns=columns, format=kind
        )
        size = sum(len(piece) for piece in export.pieces())
        return export.count, size

    is_good = True
    print(f"  {rows:,} customers", flush=True)
    for kind, label, columns in (("csv", "CSV, eleven columns", USUAL), ("csv", "CSV, every column", None),
                                 ("xlsx", "XLSX, every column", None)):  # fmt: skip
        (count, size), seconds, growth = timed(
            f"  {label}", rows, lambda kind=kind, columns=columns: run(kind, columns)
        )
        print(f"      {size / 1e6:.1f} MB")
        is_good &= count == rows and growth < GOAL_GROWTH_MIB
        if columns is not None:
            is_good &= rows / seconds >= CSV_GOAL
    return is_good


if __name__ == "__main__":
    sys.exit(main())
