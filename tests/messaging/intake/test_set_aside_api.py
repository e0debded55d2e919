"""What was set aside is listed by the API, within the organization, for who may edit channels; and tried again."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from messaging.inbound_deliveries.store import store
from messaging.intake import processing
from messaging.models import Arrival, Channel

pytestmark = pytest.mark.django_db
API = "/api/v1"


def keep(channel: Channel, key: str, **more: Any) -> Arrival:
    given = {"set_aside": "The mail has no sender.", **more}
    store(key=key, provider="twilio", kind="whatsapp", arrival_type="message", body=b"x", channel=channel, **given)
    return Arrival.objects.get(key=key)


def url(channel: Channel, *more: object) -> str:
    return "/".join([API, "channels", str(channel.pk), "set-aside", *map(str, more)])


@pytest.mark.parametrize("count", [0, 1, 30])
def test_they_are_listed_with_their_reasons(
    count: int, alice: Any, whatsapp: Channel, django_assert_max_num_queries: Any
):
    for number in range(count):
        keep(whatsapp, f"row {number}")
    keep(whatsapp, "works", set_aside="")
    api = alice.api
    with django_assert_max_num_queries(12):
        answer = api.get(url(whatsapp)).json()
    assert len(answer["results"]) == min(count, 25)
    assert all(row["reason"] == "The mail has no sender." and "body" not in row for row in answer["results"])


def test_one_is_tried_again_once(alice: Any, whatsapp: Channel):
    row = keep(whatsapp, "row")
    answer = alice.api.post(url(whatsapp, row.pk, "replay"))
    assert (answer.status_code, answer.json()["state"]) == (202, "pending")
    row.refresh_from_db()
    assert row.due_at is not None
    assert alice.api.post(url(whatsapp, row.pk, "replay")).status_code == 404


def test_what_has_only_a_head_is_reported(alice: Any, whatsapp: Channel):
    row = keep(whatsapp, "row", query=processing.HEAD_ONLY)
    assert alice.api.post(url(whatsapp, row.pk, "replay")).status_code == 409


@pytest.mark.parametrize(("who", "status"), [("bob", 403), ("charlie", 404)])
def test_nobody_else_sees_or_replays(who: str, status: int, request: Any, whatsapp: Channel):
    row = keep(whatsapp, "row")
    intruder = request.getfixturevalue(who)
    assert intruder.api.get(url(whatsapp)).status_code == status
    assert intruder.api.post(url(whatsapp, row.pk, "replay")).status_code == status
    row.refresh_from_db()
    assert row.state == "set_aside"


def test_another_channels_are_not_its(alice: Any, whatsapp: Channel):
    assert alice.api.post(url(whatsapp, uuid.uuid4(), "replay")).status_code == 404
