from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.ids import uuid7
from core.pagination import InvalidCursor, page_after
from customers.models import Customer
from messaging.models import Arrival


@pytest.fixture
def rows(db: Any) -> list[Arrival]:
    """Of 25, five at a time have the very same moment."""
    now = timezone.now()
    return [
        Arrival.objects.create(
            key=str(number),
            provider="test",
            kind="sms",
            type="message",
            body=b"",
            received_at=now + timedelta(seconds=number // 5),
        )
        for number in range(25)
    ]


def walk(size: int, order: tuple[str, str]) -> list[str]:
    keys, cursor = [], ""
    while True:
        page = page_after(Arrival.objects.all(), cursor=cursor, size=size, order=order)
        assert len(page.rows) <= size
        keys += [row.key for row in page.rows]
        cursor = page.next_cursor
        if not cursor:
            return keys


@pytest.mark.parametrize("size", [1, 3, 5, 24, 25, 26])
@pytest.mark.parametrize("order", [("-received_at", "-id"), ("received_at", "id")])
def test_every_row_once_in_order(size: int, order: tuple[str, str], rows: list[Arrival]):
    expected = [row.key for row in rows]
    assert walk(size, order) == (expected[::-1] if order[0].startswith("-") else expected)


def test_a_new_row_in_front_moves_nothing(rows: list[Arrival]):
    order = ("-received_at", "-id")
    first = page_after(Arrival.objects.all(), cursor="", size=10, order=order)
    Arrival.objects.create(
        key="new",
        provider="test",
        kind="sms",
        type="message",
        body=b"",
        received_at=timezone.now() + timedelta(hours=1),
    )
    second = page_after(Arrival.objects.all(), cursor=first.next_cursor, size=10, order=order)
    assert [row.key for row in second.rows] == [str(number) for number in range(14, 4, -1)]


def test_the_end_has_no_cursor(db: Any):
    page = page_after(Arrival.objects.all(), cursor="", size=10, order=("received_at", "id"))
    assert (page.rows, page.next_cursor) == ([], "")


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "é",
        "e30",
        "WzEsMl0",
        "WyIyMDI2LTAxLTAxIiwieCJd",
        "WyIyMDI2LTAxLTAxVDAwOjAwOjAwIiwieCJd",
        "\x00",
        "A" * 5000,
    ],
)
def test_another_cursor_is_refused(cursor: str, db: Any):
    with pytest.raises(InvalidCursor):
        page_after(Arrival.objects.all(), cursor=cursor, size=10, order=("received_at", "id"))


def test_both_fields_go_the_same_way(db: Any):
    with pytest.raises(ValueError, match="same way"):
        page_after(Arrival.objects.all(), cursor="", size=10, order=("-received_at", "id"))


@pytest.fixture
def people(inside: Any, make_customer: Any) -> list[Customer]:
    """Names that tie, follow-ups that tie and that are missing, code numbers that tie."""
    now = timezone.now()
    for number in range(12):
        made = make_customer(name=["Ada", "Bo", "Äda", "Zoë"][number % 4])
        at = None if number % 3 == 0 else now + timedelta(hours=number // 4)
        Customer.objects.filter(pk=made.pk).update(next_follow_up_at=at, code_number=number // 2)
    return list(Customer.objects.all())


@pytest.mark.parametrize("size", [1, 2, 3, 5, 11, 12, 13])
@pytest.mark.parametrize("falling", [False, True], ids=["rising", "falling"])
@pytest.mark.parametrize("first", ["sort_name", "code_number", "next_follow_up_at"])
def test_texts_numbers_and_missing_moments_page_without_loss(
    first: str, falling: bool, size: int, people: list[Customer]
):
    order = (f"-{first}", "-id") if falling else (first, "id")
    keys, cursor = [], ""
    while True:
        page = page_after(Customer.objects.all(), cursor=cursor, size=size, order=order)
        keys += [row.pk for row in page.rows]
        cursor = page.next_cursor
        if not cursor:
            break
    valued = sorted(
        (row for row in people if getattr(row, first) is not None),
        key=lambda row: (getattr(row, first), row.pk),
        reverse=falling,
    )
    missing = sorted((row for row in people if getattr(row, first) is None), key=lambda r: r.pk, reverse=falling)
    if first == "sort_name":
        # The order of letters is the database's; ours only has to agree with it.
        expected = list(Customer.objects.order_by(*order).values_list("pk", flat=True))
    else:
        expected = [row.pk for row in [*valued, *missing]]
    assert keys == expected


@pytest.mark.parametrize(
    ("first", "value"),
    [
        ("sort_name", 5),
        ("sort_name", "a\x00"),
        ("sort_name", None),
        ("code_number", "5"),
        ("code_number", True),
        ("code_number", 2**70),
        ("code_number", 1.5),
        ("next_follow_up_at", 7),
        ("next_follow_up_at", "soon"),
        ("created_at", None),
    ],
)
def test_a_key_of_another_kind_is_refused(first: str, value: Any, inside: Any):
    cursor = base64.urlsafe_b64encode(json.dumps([value, str(uuid7())]).encode()).decode()
    with pytest.raises(InvalidCursor):
        page_after(Customer.objects.all(), cursor=cursor, size=5, order=(first, "id"))


def test_a_number_beyond_the_column_is_a_place_behind_the_end(people: list[Customer]):
    cursor = base64.urlsafe_b64encode(json.dumps([2**62, str(uuid7())]).encode()).decode()
    assert page_after(Customer.objects.all(), cursor=cursor, size=5, order=("code_number", "id")).rows == []
