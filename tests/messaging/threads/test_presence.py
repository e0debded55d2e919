"""Signs of life: that somebody writes is shown where it can be, seldom, and to nobody who should not see it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.utils import timezone

from core.tenancy import every_organization, organization_scope
from messaging import tasks
from messaging.intake import processing
from messaging.models import Channel, Conversation
from messaging.threads import presence
from tests.fakes.twilio import FakeTwilio
from tests.messaging.conftest import all_of, inbound_params, only, sms_params

API = "/api/v1"
SID = "SM" + "3" * 32


@pytest.fixture(autouse=True)
def at_once(db: Any, monkeypatch: Any) -> None:
    """A worker answers each ring in the moment it is heard."""
    known: dict[str, Any] = {presence.TYPING: tasks.show_typing, presence.READ: tasks.send_read_receipt}
    monkeypatch.setattr(presence, "wake_up", lambda task, **given: known[task](**given))
    cache.clear()


@pytest.fixture
def heard(twilio: FakeTwilio, webhooks: Any, whatsapp: Channel) -> Conversation:
    """A customer has just written by WhatsApp."""
    assert webhooks.whatsapp(inbound_params(SID)).status_code == 200
    processing.process_due()
    found: Conversation = only(Conversation)
    return found


def type_in(person: Any, thread: Conversation) -> int:
    return int(person.client.post(person.url(f"inbox/{thread.pk}/typing/")).status_code)


def test_it_is_shown_under_their_last_message_and_at_most_once_in_20_seconds(
    alice: Any, heard: Conversation, twilio: FakeTwilio
):
    for _ in range(5):
        assert type_in(alice, heard) == 204
    assert alice.api.post(f"{API}/conversations/{heard.pk}/typing").status_code == 204
    assert twilio.typing == [SID]


def test_and_again_when_they_are_over(alice: Any, heard: Conversation, twilio: FakeTwilio, settings: Any):
    if settings.REDIS_URL:
        pytest.skip("Redis has a clock of its own")
    type_in(alice, heard)
    with time_machine.travel(timezone.now() + timedelta(seconds=presence.EVERY_SECONDS + 2)):
        type_in(alice, heard)
    assert twilio.typing == [SID, SID]


def test_an_organization_can_refuse(alice: Any, heard: Conversation, twilio: FakeTwilio):
    with every_organization("the test sets it"):
        Channel.objects.update(settings={"signs": False})
    assert type_in(alice, heard) == 204
    assert twilio.typing == []


def test_sms_shows_nothing(alice: Any, twilio: FakeTwilio, webhooks: Any, sms: Channel):
    webhooks.sms(sms_params(SID))
    processing.process_due()
    thread = only(Conversation)
    assert type_in(alice, thread) == 204
    with organization_scope(alice.organization):
        row = Conversation.objects.select_related("channel", "customer").get(pk=thread.pk)
        assert presence.typing(row) is False
    assert twilio.typing == []


def test_who_wrote_long_ago_does_not_look(alice: Any, heard: Conversation, twilio: FakeTwilio):
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        type_in(alice, heard)
    assert twilio.typing == []


def test_nothing_is_shown_to_who_wants_no_contact(alice: Any, heard: Conversation, twilio: FakeTwilio):
    with organization_scope(alice.organization):
        customer = heard.customer
        type(customer).objects.filter(pk=customer.pk).update(do_not_contact=True)
    type_in(alice, heard)
    assert twilio.typing == []


def test_a_provider_that_fails_costs_nothing(alice: Any, heard: Conversation, twilio: FakeTwilio):
    twilio.tokens.update(dict.fromkeys(list(twilio.tokens), "another"))
    assert type_in(alice, heard) == 204
    assert twilio.typing == []


def test_only_who_may_see_the_conversation(bob: Any, charlie: Any, heard: Conversation, twilio: FakeTwilio):
    assert type_in(bob, heard) == 404
    assert type_in(charlie, heard) == 404
    assert bob.api.post(f"{API}/conversations/{heard.pk}/typing").status_code == 404
    assert twilio.typing == []


def test_reading_counts_as_read_here(alice: Any, heard: Conversation, twilio: FakeTwilio):
    assert alice.api.post(f"{API}/conversations/{heard.pk}/read").status_code == 200
    assert all_of(Conversation)[0].unread_count == 0
