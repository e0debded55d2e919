"""Leases and fences: two never hold the same row, and who lost a claim changes nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.claims import backoff, claim, give_back, reason_of, settle
from messaging.models import Arrival
from tests.messaging.conftest import in_threads

LEASE = timedelta(minutes=1)


def make(count: int, **more: Any) -> list[Arrival]:
    now = timezone.now()
    return [
        Arrival.objects.create(
            key=f"row {number}",
            provider="test",
            kind="sms",
            type="message",
            body=b"",
            **{"due_at": now - timedelta(seconds=count - number), **more},
        )
        for number in range(count)
    ]


@pytest.mark.django_db
class TestClaiming:
    def test_the_oldest_due_come_first_and_no_more_than_the_limit(self):
        rows = make(5)
        assert [row.pk for row in claim(Arrival.objects.all(), limit=3, lease=LEASE)] == [row.pk for row in rows[:3]]

    def test_a_claimed_row_is_nobody_elses_until_the_lease_ends(self):
        make(1)
        (row,) = claim(Arrival.objects.all(), limit=9, lease=LEASE, outcome="taken")
        assert claim(Arrival.objects.all(), limit=9, lease=LEASE) == []
        stored = Arrival.objects.get()
        assert (stored.claim_token, stored.attempts, stored.outcome) == (row.claim_token, 1, "taken")
        assert (row.attempts, row.outcome, row.due_at) == (1, "taken", stored.due_at)
        Arrival.objects.update(due_at=timezone.now())
        (again,) = claim(Arrival.objects.all(), limit=9, lease=LEASE)
        assert again.claim_token != row.claim_token
        assert (again.attempts, again.lost_claims) == (1, 1), "lost is no attempt, and counted apart"

    @pytest.mark.parametrize("due_at", [None, timezone.now() + timedelta(hours=1)])
    def test_what_is_not_due_is_left_alone(self, due_at: Any):
        make(1, due_at=due_at)
        assert claim(Arrival.objects.all(), limit=9, lease=LEASE) == []


@pytest.mark.django_db
class TestSettling:
    def test_it_ends_the_claim(self):
        make(1)
        (row,) = claim(Arrival.objects.all(), limit=1, lease=LEASE)
        assert settle(row, state="done")
        stored = Arrival.objects.get()
        assert (stored.state, stored.due_at, stored.claim_token) == ("done", None, None)
        assert (row.state, row.due_at, row.claim_token) == ("done", None, None)

    def test_who_lost_the_claim_writes_nothing(self):
        make(1)
        (late,) = claim(Arrival.objects.all(), limit=1, lease=timedelta(0))
        (fresh,) = claim(Arrival.objects.all(), limit=1, lease=LEASE)
        assert not settle(late, state="set_aside")
        assert late.state == "pending"
        assert settle(fresh, state="done")
        assert not settle(late, state="set_aside")
        assert Arrival.objects.get().state == "done"

    def test_given_back_it_is_due_at_once_and_not_counted(self):
        make(2)
        rows = claim(Arrival.objects.all(), limit=2, lease=LEASE)
        give_back(rows)
        assert set(Arrival.objects.values_list("attempts", "claim_token")) == {(0, None)}
        assert len(claim(Arrival.objects.all(), limit=9, lease=LEASE)) == 2


@pytest.mark.django_db(transaction=True)
def test_many_at_once_never_hold_the_same_row():
    make(60)

    def take(_: int) -> list[Any]:
        taken: list[Any] = []
        while rows := claim(Arrival.objects.all(), limit=4, lease=LEASE):
            taken += [row.pk for row in rows]
        return taken

    taken = [key for keys in in_threads(take, 6) for key in keys]
    # PostgreSQL passes over what is locked in the moment; a later sweep takes it.
    taken += [row.pk for row in claim(Arrival.objects.all(), limit=60, lease=LEASE)]
    assert len(taken) == len(set(taken)) == 60


def test_the_wait_follows_the_schedule_with_a_quarter_of_jitter():
    schedule = [timedelta(seconds=40), timedelta(seconds=80)]
    waits = [backoff(1, schedule) for _ in range(200)]
    assert all(wait is not None and timedelta(seconds=35) <= wait <= timedelta(seconds=45) for wait in waits)
    assert len(set(waits)) > 100
    assert backoff(0, schedule) is not None
    assert backoff(2, schedule) >= timedelta(seconds=70)
    assert backoff(3, schedule) is None


def test_a_reason_can_always_be_written_down():
    assert reason_of(ValueError("a\x00b\ud800c")) == "ValueError: a\ufffdb\ufffdc"
    assert len(reason_of(ValueError("x" * 9000), length=100)) == 100
