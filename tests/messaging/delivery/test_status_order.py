"""Statuses go forward only: every pair, as the rules order them."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from core.tenancy import organization_scope
from messaging.channels.base import Retry
from messaging.delivery import statuses
from messaging.delivery.statuses import Failure
from messaging.models import Message
from tests.messaging.conftest import current

SID = "SM" + "7" * 32
HELD = ["queued", "sending", "unconfirmed", "sent", "delivered", "read", "failed", "cancelled"]
TOLD = ["sent", "delivered", "read", "failed"]
# What a message is after a provider's word; where nothing stands here it stays what it was.
MOVES = {
    **{(held, told): told for held in ("queued", "sending", "unconfirmed") for told in TOLD},
    ("sent", "delivered"): "delivered",
    ("sent", "read"): "read",
    ("sent", "failed"): "failed",
    ("delivered", "read"): "read",
}


def tell(message: Message, status: str) -> str:
    failure = Failure("30008", "It did not arrive.", Retry.NEVER) if status == "failed" else None
    with organization_scope(message.organization):
        return statuses.advance(message_id=message.pk, status=status, provider_message_id=SID, failure=failure)


@pytest.fixture
def held(queue: Any) -> Any:
    message = queue()

    def in_status(status: str) -> Message:
        with organization_scope(message.organization):
            Message.objects.filter(pk=message.pk).update(status=status, provider_message_id=SID, due_at=None)
        return current(message)

    return in_status


@pytest.mark.parametrize(("before", "told"), list(product(HELD, TOLD)))
def test_every_pair(held: Any, before: str, told: str):
    message = held(before)
    tell(message, told)
    assert current(message).status == MOVES.get((before, told), before)


@pytest.mark.parametrize(("before", "told"), list(product(HELD, TOLD)))
def test_a_word_that_comes_twice_does_nothing_the_second_time(held: Any, before: str, told: str):
    message = held(before)
    tell(message, told)
    once = Message._base_manager.filter(pk=message.pk).values().get()
    assert tell(message, told).startswith("ignored")
    assert Message._base_manager.filter(pk=message.pk).values().get() == once


@pytest.mark.parametrize("arrived", ["delivered", "read"])
def test_what_arrived_does_not_fail_afterwards(held: Any, arrived: str):
    message = held("sent")
    tell(message, arrived)
    tell(message, "failed")
    after = current(message)
    assert (after.status, after.error_code, after.can_retry) == (arrived, "", False)
