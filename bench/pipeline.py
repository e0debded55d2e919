"""The day's work at 10,000 and at 1,000,000 customers: board, summary, follow-ups, tasks, deals.

Database time, from a statement's leaving to its rows being there. What a screen shows may take at most 1.5 times as
long with a hundred times as many; sums over everybody grow with them, and are read from an index alone.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import django

from bench.search import p95, took

SIZES = (10_000, 1_000_000)
# SQLite is no place for a million.
SMALLER = (10_000, 100_000)
# More than that are copies of these, made by the database (bench/multiply.py).
MAX_WRITTEN = 100_000
TIMES = 40
SUM_TIMES = 5
SCREEN, CARDS = 1000, 25
OWN = 1500
GOAL = 1.5
# A ratio of times this short says more about the clock than about the question.
SHORT_MS = 0.2
# These look at every row there is of their kind, and so grow with them.
SUMS = ("pipeline summary", "board page", "deals totals", "deals by stage")
# Read without touching a row of the table: what it takes then is the index's.
INDEX_ONLY = ("pipeline summary", "board column, ids of the first screen")


def a_clinic(size: int) -> tuple[Any, Any]:
    """An administrator and a counselor of an organization with so many customers, half a year of them."""
    from django.db import connection, transaction

    from accounts.models import User
    from accounts.organizations import services as organizations
    from activity.actor import SYSTEM
    from bench.multiply import multiply
    from bench.parts import an_organization
    from core.tenancy import organization_scope
    from crm_project.demo import loader
    from customers.models import Customer

    admin = an_organization()
    with organization_scope(admin.organization), transaction.atomic():
        user = User.objects.create_user("bob@bench.example", "a calm harbour", name="Bob")
        counselor = organizations.add_member(
            organization=admin.organization, user=user, role_key="counselor", actor=SYSTEM
        )
        # A counselor has so many customers, whatever there is beside them.
        staff = [admin.user] * max(size // OWN - 1, 1) + [user]
        written = min(size, MAX_WRITTEN) if connection.vendor == "postgresql" else size
        loader.fill(admin.organization, staff, size=written, is_brief=True)
        last = Customer.objects.order_by("-code_number").values_list("code_number", flat=True)[0]
    if size > written:
        multiply(admin.organization, times=size // written, codes=last)
    return admin, counselor


def questions(admin: Any, counselor: Any) -> Iterator[tuple[str, Callable[[], Any]]]:
    """What the pages ask, by name."""
    from core.pagination import page_after
    from customers import days
    from customers.models import Stage
    from customers.pipeline.board import queries as board_queries
    from customers.pipeline.board import summary as board
    from customers.pipeline.deals import queries as deal_queries
    from customers.work.follow_ups import queries as follow_up_queries
    from customers.work.tasks import queries as task_queries

    stages = list(Stage.objects.order_by("position", "key"))
    lost = next(stage for stage in stages if stage.key == "lost")
    order = ("-last_activity_at", "-id")
    rows = board_queries.customers_in(admin, {})
    cursor = a_thousandth(rows.filter(stage=lost), order)
    today = days.today(admin.organization.zone)
    state = deal_queries.DealState()

    def column(after: str) -> Any:
        one: board_queries.Column[Any] = board_queries.Column(lost, 0, Decimal(0), 0, 0)
        board_queries.following(board_queries.with_card_relations(rows), one, after, order)
        return one.rows

    yield (
        "board column, ids of the first screen",
        lambda: board_queries.first_ids({lost.pk: rows.filter(stage=lost).order_by(*order)}, size=CARDS + 1),
    )
    yield "board column, first screen", lambda: column("")
    yield "board column, thousandth screen", lambda: column(cursor)
    yield "follow-ups due", lambda: page_after(
        follow_up_queries.due_by_tonight(admin, task_queries.EVERYBODY).select_related("stage"),
        cursor="", size=40, order=("next_follow_up_at", "id"), is_filled=True,
    )  # fmt: skip
    yield (
        "follow-ups due, a counselor’s",
        lambda: list(follow_up_queries.due_by_tonight(counselor).order_by("next_follow_up_at", "id")[:40]),
    )
    yield (
        "tasks of today",
        lambda: list(
            task_queries.with_row_relations(
                task_queries.tasks_for(admin, "today", task_queries.EVERYBODY), admin
            ).order_by("due_at", "id")[:50]
        ),
    )
    yield (
        "tasks of today, a counselor’s",
        lambda: list(
            task_queries.with_row_relations(task_queries.tasks_for(counselor, "today"), counselor).order_by(
                "due_at", "id"
            )[:50]
        ),
    )
    yield "tasks, the counts", lambda: task_queries.counts(admin, task_queries.EVERYBODY)
    yield (
        "deals, first screen",
        lambda: list(
            deal_queries.with_relations(deal_queries.deals_for(admin, state)).order_by("-created_at", "-id")[:50]
        ),
    )
    yield "pipeline summary, a counselor’s", lambda: board.summary(counselor, stages=stages)
    yield "pipeline summary", lambda: board.summary(admin, stages=stages)
    yield "board page", lambda: board_queries.columns(admin, {}, order, stages)
    yield "deals totals", lambda: deal_queries.totals(deal_queries.deals_for(admin, state))
    yield "deals by stage", lambda: deal_queries.heads(admin, state, stages, today=today)


def a_thousandth(rows: Any, order: tuple[str, str]) -> str:
    """The cursor of the card before the thousandth screen; in a small column before the last."""
    from core.pagination import cursor_of

    place = min(SCREEN * CARDS, rows.count() - CARDS - 1)
    return cursor_of(rows.order_by(*order)[place], order[0].lstrip("-"))


def measure(admin: Any, counselor: Any) -> dict[str, list[float]]:
    """Milliseconds by question."""
    from core.tenancy import organization_scope

    times: dict[str, list[float]] = {}
    with organization_scope(admin.organization):
        for name, run in questions(admin, counselor):
            run()  # once for the caches
            times[name] = [took(run) for _ in range(SUM_TIMES if name in SUMS else TIMES)]
    return times


def plans(admin: Any, counselor: Any) -> dict[str, str]:
    """How PostgreSQL answers the questions that have to be answered by an index alone."""
    from django.db import connection

    from core.tenancy import organization_scope

    results = {}
    with organization_scope(admin.organization):
        for name, run in questions(admin, counselor):
            if name not in INDEX_ONLY:
                continue
            statements: list[tuple[str, Any]] = []

            def note(execute: Any, sql: str, params: Any, many: bool, context: Any, to: Any = statements) -> Any:
                to.append((sql, params))
                return execute(sql, params, many, context)

            with connection.execute_wrapper(note):
                run()
            sql, params = next((sql, params) for sql, params in statements if "customers_customer" in sql)
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {sql}", params)
                results[name] = "\n".join(row[0] for row in cursor.fetchall())
    return results


def main() -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "crm_project.settings"
    django.setup()
    from django.db import connection

    from bench.environment import own_database
    from bench.people import settle

    sizes = [int(size) for size in os.environ.get("SIZES", "").split(",") if size]
    sizes = sizes or list(SIZES if connection.vendor == "postgresql" else SMALLER)
    results = {}
    missed = 0
    for size in sizes:
        with own_database():
            begun = time.monotonic()
            admin, counselor = a_clinic(size)
            print(f"  {size:,} customers made in {time.monotonic() - begun:.0f} s", flush=True)
            settle()
            results[size] = measure(admin, counselor)
            if connection.vendor == "postgresql":
                for name, plan in plans(admin, counselor).items():
                    is_alone = "Index Only Scan" in plan
                    missed += not is_alone
                    print(f"  {name}: {'an index alone' if is_alone else 'NOT by an index alone'}\n{plan}", flush=True)
    for name in results[sizes[0]]:
        for size in sizes:
            values = results[size][name]
            print(f"  {name:<38} {size:>9,}: p50 {statistics.median(values):9.2f} ms, p95 {p95(values):9.2f} ms")
        least, most = (statistics.median(results[size][name]) for size in (sizes[0], sizes[-1]))
        ratio = most / max(least, SHORT_MS)
        is_missed = name not in SUMS and ratio > GOAL and most > SHORT_MS
        missed += is_missed and connection.vendor == "postgresql"
        print(f"  {name:<38} {'':>9}  {most / least:.2f} times{'  MISSED' if is_missed else ''}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
