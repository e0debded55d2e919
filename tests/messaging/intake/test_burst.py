"""Many messages at once: none is lost, none is doubled."""

from __future__ import annotations

from typing import Any

import pytest

from core.tenancy import organization_scope
from customers.models import Customer
from messaging.intake import processing
from messaging.models import Arrival, Channel, Conversation, Message
from tests.messaging.conftest import in_threads, inbound_params

COUNT = 300
SENDERS = 25


@pytest.mark.django_db(transaction=True)
def test_a_burst_comes_in_once(alice: Any, whatsapp: Channel, webhooks: Any):
    params = [
        inbound_params(f"SM{n:032x}", From=f"whatsapp:+1500555{n % SENDERS:04d}", Body=f"text {n}")
        for n in range(COUNT)
    ]

    def deliver(number: int) -> list[int]:
        # Every third comes twice, the second time from another thread.
        mine = [one for n, one in enumerate(params) if n % 3 == number or n % 9 == number + 1]
        return [webhooks.whatsapp(one).status_code for one in mine]

    statuses = [status for answered in in_threads(deliver, 3) for status in answered]
    assert set(statuses) == {200}
    assert len(statuses) > COUNT
    assert Arrival.objects.count() == COUNT
    # A sweep ends after a time, on a busy machine before all is done: the next one goes on.
    worked = in_threads(lambda _: sum(iter(processing.process_due, 0)), 3)
    assert sum(worked) == COUNT
    assert set(Arrival.objects.values_list("state", flat=True)) == {Arrival.State.DONE}
    with organization_scope(alice.organization):
        bodies = sorted(Message.objects.values_list("body", flat=True))
        assert bodies == sorted(f"text {n}" for n in range(COUNT))
        assert Customer.objects.count() == SENDERS
        assert Conversation.objects.count() == SENDERS
        assert sum(Conversation.objects.values_list("unread_count", flat=True)) == COUNT
