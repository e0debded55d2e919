"""What is due is decided by the database's clock, whatever the machine's says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from core import clock
from core.clock import now as database_now  # before a fixture puts the machine's clock in its place


@pytest.fixture(autouse=True)
def fresh() -> Any:
    clock.forget()
    yield
    clock.forget()


def server_time() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        at: datetime = cursor.fetchone()[0]
    return at.astimezone(UTC)


@pytest.mark.django_db
@pytest.mark.parametrize("hours", [-30, -1, 1, 24 * 400])
def test_a_machine_whose_clock_is_off_goes_by_the_databases(hours: int):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has this machine's clock")
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=hours)):
        assert abs(database_now() - server_time()) < timedelta(seconds=5)
        assert abs(clock.drift() - timedelta(hours=hours)) < timedelta(seconds=5)
        assert str(int(clock.drift().total_seconds())) in clock.is_right()


@pytest.mark.django_db
def test_a_jump_between_two_readings_changes_nothing():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has this machine's clock")
    before = database_now()
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=1)):
        during = database_now()
    after = database_now()
    assert before <= during <= after < before + timedelta(minutes=1)


@pytest.mark.django_db
def test_it_is_asked_beside_the_queries_of_the_caller(django_assert_num_queries: Any):
    database_now()
    with django_assert_num_queries(0):
        for _ in range(5):
            database_now()


@pytest.mark.django_db
def test_right_clocks_are_well():
    assert abs(database_now() - timezone.now()) < timedelta(seconds=5)
    assert clock.is_right() == ""
