from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from core import ids
from core.ids import uuid7


def test_it_is_a_version_7_uuid_with_the_time_in_front(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ids, "_last", 0)  # other tests travel into the future
    before = time.time_ns() // 1_000_000
    made = uuid7()
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert before - 1 <= made.int >> 80 <= time.time_ns() // 1_000_000 + 1


def test_ids_sort_by_the_time_they_were_made():
    made = [uuid7() for _ in range(20_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_also_those_of_many_threads():
    with ThreadPoolExecutor(8) as pool:
        parts = list(pool.map(lambda _: [uuid7() for _ in range(2_000)], range(8)))
    assert all(part == sorted(part) for part in parts)
    assert len({one for part in parts for one in part}) == 16_000


def test_a_clock_that_goes_back_changes_nothing(monkeypatch: pytest.MonkeyPatch):
    first = uuid7()
    earlier = time.time_ns() - 60 * 10**9
    monkeypatch.setattr(time, "time_ns", lambda: earlier)
    assert uuid7() > first


def test_a_clock_that_was_hours_ahead_is_not_followed_for_hours(monkeypatch: pytest.MonkeyPatch):
    now = time.time_ns()
    monkeypatch.setattr(ids, "_last", ((now // 1_000_000) + 2 * 3_600_000) << 12)
    assert uuid7().int >> 80 <= now // 1_000_000 + 1000


@pytest.mark.parametrize("text", ["", "none", "0190", "g1900000-0000-7000-8000-000000000000"])
def test_a_text_that_is_no_id_is_none(text):
    assert ids.parse_uuid(text) is None


def test_of_texts_the_ids_are_kept_in_their_order():
    first, second = uuid.UUID(int=2), uuid.UUID(int=1)
    assert ids.parse_uuids([str(first), "x", "", str(second)]) == [first, second]
