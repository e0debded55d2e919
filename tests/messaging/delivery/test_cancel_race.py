"""Cancelling while a worker sends: it was cancelled and never leaves, or it left and the cancelling says so."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connections

from core.tenancy import organization_scope
from messaging.delivery import queue as outbound
from messaging.delivery import request as attempt
from messaging.delivery import sending
from tests.fakes.twilio import FakeTwilio
from tests.messaging.conftest import current

pytestmark = pytest.mark.django_db(transaction=True)


def cancelled(message: Any, actor: Any) -> bool:
    """Cancel it from a connection of one's own."""
    outcome: list[bool] = []

    def run() -> None:
        try:
            with organization_scope(message.organization):
                outbound.cancel(message=current(message), actor=actor)
            outcome.append(True)
        except outbound.NotPossible:
            outcome.append(False)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)
    assert outcome, "the cancelling has not ended"
    return outcome[0]


@pytest.mark.parametrize("moment", ["_refusal", "_prepare"])
def test_between_the_claim_and_the_request_it_is_cancelled_and_never_sent(
    alice: Any, queue: Any, twilio: FakeTwilio, monkeypatch: Any, moment: str
):
    message, real = queue(), getattr(attempt, moment)

    def cancel_first(claimed: Any) -> Any:
        assert claimed.claim_token is not None
        assert cancelled(message, alice.actor)
        return real(claimed)

    monkeypatch.setattr(attempt, moment, cancel_first)
    sending.deliver_due()
    assert twilio.store.all() == []
    assert current(message).status == "cancelled"


@pytest.mark.parametrize("moment", ["_send", "settle_sent"])
def test_once_the_request_began_the_cancelling_says_so_and_it_is_sent(
    alice: Any, queue: Any, twilio: FakeTwilio, monkeypatch: Any, moment: str
):
    message, real = queue(), getattr(attempt, moment)

    def cancel_first(claimed: Any, *more: Any) -> Any:
        assert not cancelled(message, alice.actor)
        return real(claimed, *more)

    monkeypatch.setattr(attempt, moment, cancel_first)
    sending.deliver_due()
    assert len(twilio.store.all()) == 1
    assert current(message).status == "sent"


def test_who_is_first_of_two_at_once_there_is_one_outcome(alice: Any, queue: Any, twilio: FakeTwilio):
    for number in range(8):
        message = queue(f"text {number}")
        before = len(twilio.store.all())
        barrier = threading.Barrier(2)

        def send(together: threading.Barrier = barrier) -> None:
            try:
                together.wait(10)
                sending.deliver_due()
            finally:
                connections.close_all()

        worker = threading.Thread(target=send)
        worker.start()
        barrier.wait(10)
        was_cancelled = cancelled(message, alice.actor)
        worker.join(20)
        is_sent = len(twilio.store.all()) > before
        assert (was_cancelled, is_sent) in ((True, False), (False, True))
        assert current(message).status == ("cancelled" if was_cancelled else "sent")
