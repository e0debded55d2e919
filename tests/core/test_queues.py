"""What holds for every queue: killers are set aside, others do not wait for them, organizations have their turns."""

from __future__ import annotations

import ast
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.conf import settings
from django.db import OperationalError
from django.utils import timezone

from core import alone, clock, leases, queues, sweeps
from core.claims import MAX_LOST_CLAIMS, Claimable, claim, released, settle
from core.leases import Held, Renewer
from core.queues import Queue
from crm_project.celery import app
from messaging.models import Arrival
from tests.messaging.conftest import make_channel

LEASE = timedelta(minutes=1)
# As a worker does it: the tasks bring the services, and those their queues.
app.loader.import_default_modules()


def make(organization: Any, count: int, name: str, *, age: int = 60) -> list[Arrival]:
    now = timezone.now()
    return [
        Arrival.objects.create(
            key=f"{name} {number}", provider="test", kind="sms", type="message", body=b"", organization=organization,
            due_at=now - timedelta(seconds=age) + timedelta(milliseconds=number),
        )
        for number in range(count)
    ]  # fmt: skip


def queue_of(work: Any, **more: Any) -> Queue[Arrival]:
    given: dict[str, Any] = {
        "name": "test",
        "model": Arrival,
        "rows": lambda: Arrival.objects.filter(state="pending"),
        "work": work,
        "set_aside": lambda row, reason: settle(row, state="set_aside", last_error=reason),
        "why": "a test",
        "lease": LEASE,
        "longest": LEASE,
    }
    return Queue(**{**given, **more})


def done(row: Arrival) -> None:
    settle(row, state="done")


def end_leases() -> None:
    """As time does it."""
    Arrival.objects.filter(claim_token__isnull=False).update(due_at=timezone.now())


class Killed(BaseException):
    """What ends a worker: nothing of the program that is in the way comes back from it."""


def test_every_claimable_model_is_in_a_queue():
    claimable = {model for model in apps.get_models() if issubclass(model, Claimable)}
    assert claimable, "the walk sees none"
    assert claimable == {queue.model for queue in queues.every()}


@pytest.mark.parametrize("queue", queues.every(), ids=lambda queue: queue.name)
def test_a_lease_is_renewed_well_before_the_work_may_take_too_long(queue: Queue[Any]):
    assert timedelta(seconds=3) <= queue.lease < queue.longest


def test_nobody_ends_a_claim_and_leaves_what_counted_against_the_row():
    """Every UPDATE that takes a claim away goes through `released()`, so that the next one begins at nothing."""
    found = []
    for folder in ("activity", "customers", "messaging", "crm_project", "workflows", "analytics"):
        for path in (Path(settings.BASE_DIR) / folder).rglob("*.py"):
            if "migrations" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                is_keyword = isinstance(node, ast.keyword) and node.arg == "claim_token"
                value = node.value if isinstance(node, ast.keyword) else None
                if is_keyword and isinstance(value, ast.Constant) and value.value is None:
                    found.append(f"{path.name}:{value.lineno}")
                if isinstance(node, ast.Dict):
                    names = [key.value for key in node.keys if isinstance(key, ast.Constant)]
                    if "claim_token" in names:
                        found.append(f"{path.name}:{node.lineno}")
    assert found == []


@pytest.mark.django_db
class TestKillers:
    def test_its_neighbours_come_in_and_it_is_set_aside_after_three(self):
        bad, *good = make(None, 6, "row")

        def work(row: Arrival) -> None:
            if row.pk == bad.pk:
                raise Killed
            done(row)

        killed = 0
        for _ in range(MAX_LOST_CLAIMS):
            with pytest.raises(Killed):
                sweeps.sweep(queue_of(work))
            killed += 1
            # Started again, the lease of what killed it still holds: nobody else waits for its end.
            sweeps.sweep(queue_of(work))
            assert set(Arrival.objects.filter(state="done").values_list("pk", flat=True)) == {row.pk for row in good}
            end_leases()
        assert sweeps.sweep(queue_of(work)) == 1
        bad.refresh_from_db()
        assert (bad.state, bad.last_error, bad.due_at, bad.claim_token) == ("set_aside", queues.KILLED, None, None)
        assert (killed, bad.attempts) == (3, 1)

    def test_nobody_else_is_held_when_a_worker_dies(self):
        make(None, 6, "row")

        def kill(row: Arrival) -> None:
            raise Killed

        with pytest.raises(Killed):
            sweeps.sweep(queue_of(kill))
        assert Arrival.objects.filter(claim_token__isnull=False).count() == 1

    def test_an_outcome_clears_what_counted_against_it(self):
        (row,) = make(None, 1, "row")
        for _ in range(2):
            claim(Arrival.objects.all(), limit=1, lease=LEASE)
            Arrival.objects.update(begun_at=timezone.now())
            end_leases()
        sweeps.sweep(queue_of(lambda one: settle(one, due_at=timezone.now() + LEASE)))
        row.refresh_from_db()
        assert (row.lost_claims, row.begun_at, row.attempts) == (0, None, 1)

    def test_a_claim_that_was_not_begun_counts_against_nobody(self):
        make(None, 3, "row")
        for _ in range(5):
            claim(Arrival.objects.all(), limit=3, lease=LEASE, begin=False)
            end_leases()
        assert set(Arrival.objects.values_list("lost_claims", "attempts")) == {(0, 1)}

    @pytest.mark.parametrize("position", [0, 2, 4])
    def test_a_suspect_is_claimed_alone(self, position: int):
        rows = make(None, 5, "row")
        Arrival.objects.filter(pk=rows[position].pk).update(lost_claims=1)
        batches = []
        while batch := claim(Arrival.objects.all(), limit=5, lease=LEASE):
            batches.append([row.pk for row in batch])
        assert [rows[position].pk] in batches
        assert [key for batch in batches for key in batch] == [row.pk for row in rows]

    def test_a_database_that_goes_away_says_nothing_against_a_row(self):
        make(None, 1, "row")

        def lose_it(row: Arrival) -> None:
            raise OperationalError("the server closed the connection")

        for _ in range(5):
            sweeps.sweep(queue_of(lose_it))
            end_leases()
        assert Arrival.objects.get().lost_claims == 0

    def test_a_statement_that_takes_too_long_each_time_sets_its_row_aside(self):
        make(None, 1, "row")

        def wait_for_ever(row: Arrival) -> None:
            error = OperationalError("canceling statement due to statement timeout")
            error.__cause__ = psycopg.errors.QueryCanceled()
            raise error

        for _ in range(MAX_LOST_CLAIMS + 1):
            sweeps.sweep(queue_of(wait_for_ever))
            end_leases()
        assert Arrival.objects.get().state == "set_aside"

    def test_work_that_raises_leaves_the_others_alone_and_is_set_aside_at_last(self):
        make(None, 3, "row")

        def work(row: Arrival) -> None:
            if row.key == "row 1":
                raise ZeroDivisionError
            done(row)

        for _ in range(MAX_LOST_CLAIMS + 1):
            sweeps.sweep(queue_of(work))
            end_leases()
        assert dict(Arrival.objects.values_list("key", "state")) == {
            "row 0": "done", "row 1": "set_aside", "row 2": "done",
        }  # fmt: skip


@pytest.mark.django_db
class TestFairness:
    def test_one_organizations_backlog_costs_the_others_a_turn(self, alice: Any, charlie: Any):
        make(alice.organization, 1000, "flood", age=600)
        (single,) = make(charlie.organization, 1, "single")
        order: list[Any] = []

        def work(row: Arrival) -> None:
            order.append(row.pk)
            done(row)
            if len(order) > 60:
                raise Killed

        with pytest.raises(Killed):
            sweeps.sweep(queue_of(work))
        assert order.index(single.pk) <= sweeps.TURN_ROWS

    def test_slow_rows_end_a_turn_by_time(self, alice: Any, charlie: Any, monkeypatch: pytest.MonkeyPatch):
        make(alice.organization, 20, "slow", age=600)
        (single,) = make(charlie.organization, 1, "single")
        now = [0.0]
        monkeypatch.setattr(sweeps.time, "monotonic", lambda: now[0])
        order: list[Any] = []

        def work(row: Arrival) -> None:
            order.append(row.pk)
            now[0] += 2 * sweeps.TURN_SECONDS
            done(row)

        sweeps.sweep(queue_of(work))
        assert order.index(single.pk) == 1

    @pytest.mark.parametrize("count", [1, 40])
    def test_a_row_costs_the_same_few_queries(self, count: int, alice: Any, django_assert_max_num_queries: Any):
        make(alice.organization, count, "row")
        # Per row its claim (a savepoint, select, update) and what settles it; per ten the question whose turn it is.
        with django_assert_max_num_queries(5 * count + 2 * (count // sweeps.TURN_ROWS + 2)):
            assert sweeps.sweep(queue_of(done)) == count


@pytest.fixture
def renewer() -> Renewer:
    return Renewer()


def until(is_so: Any, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "not so in time"
        time.sleep(0.02)


@pytest.mark.django_db(transaction=True)
class TestRenewing:
    def test_work_longer_than_its_lease_keeps_it(self, renewer: Renewer):
        make(None, 1, "row")
        short = timedelta(seconds=1)
        (row,) = claim(Arrival.objects.all(), limit=1, lease=short)
        ends = row.due_at
        with renewer.holding(Held(row, short, LEASE, lambda one: None)):
            until(lambda: Arrival.objects.get().due_at > ends + 2 * short)
            assert claim(Arrival.objects.all(), limit=1, lease=short) == []
        assert settle(row, state="done")

    def test_what_was_settled_is_not_claimed_again_by_it(self, renewer: Renewer):
        make(None, 1, "row")
        (row,) = claim(Arrival.objects.all(), limit=1, lease=timedelta(seconds=1))
        held = Held(row, LEASE, LEASE, lambda one: None)
        assert leases._renew(held) is True
        settle(row, state="done")
        assert leases._renew(held) is False
        assert Arrival.objects.get().due_at is None

    def test_work_without_an_end_is_set_aside_and_cannot_settle(self, renewer: Renewer):
        make(None, 1, "row")
        (row,) = claim(Arrival.objects.all(), limit=1, lease=timedelta(seconds=1))
        queue = queue_of(done)
        with renewer.holding(Held(row, timedelta(seconds=1), timedelta(seconds=0.5), queue._end)):
            until(lambda: Arrival.objects.get().state == "set_aside")
        assert Arrival.objects.get().last_error == queues.TOO_LONG
        assert row.state == "pending", "the worker's own copy is not changed under it"
        assert not settle(row, state="done")

    def test_quick_work_asks_nothing(self, renewer: Renewer, django_assert_num_queries: Any):
        make(None, 1, "row")
        (row,) = claim(Arrival.objects.all(), limit=1, lease=LEASE)
        with django_assert_num_queries(0), renewer.holding(Held(row, LEASE, LEASE, lambda one: None)):
            pass

    def test_a_system_without_threads_works_all_the_same(self, renewer: Renewer, monkeypatch: pytest.MonkeyPatch):
        make(None, 1, "row")
        (row,) = claim(Arrival.objects.all(), limit=1, lease=LEASE)
        monkeypatch.setattr(threading.Thread, "start", no_thread)
        with renewer.holding(Held(row, LEASE, LEASE, lambda one: None)):
            assert settle(row, state="done")


def no_thread(_: Any) -> None:
    raise RuntimeError("can't start new thread")


class TestAlone:
    def test_it_waits_for_the_others_and_lets_none_begin(self):
        gate = alone.Gate()
        order: list[str] = []
        inside, go_on = threading.Event(), threading.Event()

        def other() -> None:
            with gate.beside_others():
                inside.set()
                go_on.wait(10)
                order.append("other ended")

        def suspect() -> None:
            with gate.alone():
                order.append("suspect")

        def late() -> None:
            with gate.beside_others():
                order.append("late")

        threads = [threading.Thread(target=other), threading.Thread(target=suspect), threading.Thread(target=late)]
        threads[0].start()
        inside.wait(10)
        threads[1].start()
        until(lambda: gate.is_requested)
        threads[2].start()
        time.sleep(0.05)
        assert order == []
        go_on.set()
        for thread in threads:
            thread.join(10)
        assert order == ["other ended", "suspect", "late"]
        assert not gate.is_requested
        assert gate.in_hand == 0

    def test_it_does_not_wait_for_ever(self):
        gate = alone.Gate(wait_seconds=0.05)
        with gate.beside_others():
            thread = threading.Thread(target=lambda: gate.alone().__enter__())
            thread.start()
            thread.join(10)
            assert not thread.is_alive()

    def test_a_suspect_that_lasts_shares_the_process_after_a_while(self):
        gate = alone.Gate(wait_seconds=0.3)
        passed = 0

        def others() -> None:
            nonlocal passed
            for _ in range(50):
                with gate.beside_others():
                    passed += 1

        with gate.alone():
            thread = threading.Thread(target=others)
            thread.start()
            time.sleep(0.05)
            assert passed == 0
            thread.join(10)
            assert not thread.is_alive(), "only the first waits, and not each for its own time"
        assert passed == 50

    def test_work_that_leads_to_other_work_does_not_wait_for_itself(self):
        gate = alone.Gate(wait_seconds=60)
        with gate.alone(), gate.beside_others(), gate.alone():
            assert gate.in_hand == 1


@pytest.mark.django_db
class TestAbsurdClaims:
    def test_a_claim_of_a_clock_that_was_ahead_is_freed(self, alice: Any):
        channel = make_channel(alice.organization)
        jumped, held = make(alice.organization, 2, "row")
        Arrival.objects.update(channel=channel)
        far = clock.now() + timedelta(hours=1)
        for row, due_at in ((jumped, far), (held, clock.now() + timedelta(seconds=20))):
            Arrival.objects.filter(pk=row.pk).update(claim_token=row.pk, begun_at=clock.now(), due_at=due_at)
        assert queues.clip_leases() == 1
        jumped.refresh_from_db()
        held.refresh_from_db()
        assert (jumped.claim_token, jumped.begun_at) == (None, None)
        assert jumped.due_at <= clock.now()
        assert held.claim_token is not None

    def test_what_waits_for_its_time_is_left_alone(self, alice: Any):
        (row,) = make(alice.organization, 1, "row", age=-86400)
        Arrival.objects.update(**released())
        assert queues.clip_leases() == 0
        assert Arrival.objects.get().due_at == row.due_at
