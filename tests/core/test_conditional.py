from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from core.api.conditional import ConditionalMixin, etag_of


class Record(ConditionalMixin, APIView):
    """A view of one record, kept in the class."""

    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []
    etag_leaves_out = frozenset({"seen"})
    row: dict[str, Any] = {}

    def get(self, request: Any) -> Response:
        return self.tagged(self.row)

    def put(self, request: Any) -> Response:
        self.require_match(request, self.row)
        type(self).row = {**self.row, **request.data}
        return self.tagged(self.row)


@pytest.fixture(autouse=True)
def row() -> None:
    Record.row = {"name": "Ann", "seen": 1}


def call(method: str, data: Any = None, **headers: str) -> Response:
    request = getattr(APIRequestFactory(), method)("/", data, format="json", headers=headers)
    return Record.as_view()(request)


def tag() -> str:
    return str(call("get").headers["ETag"])


def test_equal_values_have_one_tag_whatever_their_order_and_type():
    when = datetime(2026, 11, 21, tzinfo=UTC)
    one = {"id": UUID(int=7), "at": when, "tags": ["a", "b"], "address": {"city": "Hull", "street": "1"}}
    other = {"address": {"street": "1", "city": "Hull"}, "at": when, "tags": ["a", "b"], "id": UUID(int=7)}
    assert etag_of(one) == etag_of(other)
    assert etag_of(one).startswith('"')
    assert etag_of({**one, "tags": ["b", "a"]}) != etag_of(one)
    assert etag_of({**one, "seen": 1}, {"seen"}) == etag_of(one)


def test_a_change_without_a_condition_is_made():
    assert call("put", {"name": "Bea"}).status_code == 200


def test_who_read_it_last_may_change_it():
    read = tag()
    changed = call("put", {"name": "Bea"}, **{"If-Match": read})
    assert changed.status_code == 200
    assert changed.headers["ETag"] == tag() != read


def test_who_read_it_before_somebody_changed_it_may_not():
    read = tag()
    call("put", {"name": "Bea"})
    answer = call("put", {"name": "Cleo"}, **{"If-Match": read})
    assert answer.status_code == 412
    assert answer.data["errors"][0]["code"] == "precondition_failed"
    assert Record.row["name"] == "Bea"


def test_what_is_left_out_is_no_conflict():
    read = tag()
    call("put", {"seen": 2})
    assert call("put", {"name": "Bea"}, **{"If-Match": read}).status_code == 200


@pytest.mark.parametrize(
    ("given", "status"),
    [("*", 200), ('"x", {tag}', 200), ('"x"', 412), ("W/{tag}", 412), ("nonsense", 412), ("", 412)],
)
def test_what_a_condition_may_look_like(given: str, status: int):
    assert call("put", {"name": "Bea"}, **{"If-Match": given.replace("{tag}", tag())}).status_code == status
