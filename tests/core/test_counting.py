from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.counting import capped_counts
from messaging.models import Arrival


@pytest.fixture
def rows(db: Any) -> None:
    for number in range(12):
        kind = "sms" if number < 9 else "email"
        Arrival.objects.create(key=str(number), provider="test", kind=kind, type="message", body=b"")


def test_several_counts_in_one_query_each_up_to_the_cap(rows: None):
    parts = {
        "sms": Arrival.objects.filter(kind="sms"),
        "email": Arrival.objects.filter(kind="email").order_by("-received_at"),
        "none": Arrival.objects.none(),
        "never": Arrival.objects.filter(pk__in=[]),
        "web": Arrival.objects.filter(kind="web"),
    }
    with CaptureQueriesContext(connection) as queries:
        counts = capped_counts(parts, cap=5)
    assert counts == {"sms": 5, "email": 3, "none": 0, "never": 0, "web": 0}
    assert len(queries) == 1


def test_nothing_to_count_is_no_query(db: Any):
    with CaptureQueriesContext(connection) as queries:
        assert capped_counts({}, cap=5) == {}
        assert capped_counts({"none": Arrival.objects.none()}, cap=5) == {"none": 0}
    assert len(queries) == 0
