"""How long a channel pauses."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core import clock
from core.tenancy import organization_scope
from messaging.delivery import rates
from messaging.models import Conversation
from tests.messaging.conftest import current


@pytest.mark.parametrize("wait", [timedelta(days=3), timedelta(minutes=16)])
def test_no_provider_pauses_a_channel_for_longer_than_the_limit(
    thread: Conversation, queue: Any, monkeypatch: pytest.MonkeyPatch, wait: timedelta
):
    monkeypatch.setattr(rates, "_paused", {})
    message = queue("An answer")
    now = clock.now()
    with organization_scope(thread.organization):
        rates.slow_down(message, wait)
        paced_until = current(message).channel.paced_until
    assert now < paced_until <= clock.now() + rates.MAX_PAUSE
    assert rates.is_paused(message)
    monkeypatch.setattr(clock, "now", lambda: now + rates.MAX_PAUSE + timedelta(seconds=30))
    assert not rates.is_paused(message)
