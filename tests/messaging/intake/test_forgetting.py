"""Deliveries that were worked on long ago are thrown away; the messages stay, and come in no second time."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from core.tenancy import every_organization
from messaging.intake import processing
from messaging.models import Arrival, Channel, Message
from tests.messaging.conftest import Webhooks


def test_old_deliveries_go_and_their_messages_stay(whatsapp: Channel, webhooks: Webhooks):
    webhooks.whatsapp()
    processing.process_due()
    with every_organization("the test looks at all"):
        assert Message.objects.count() == 1
        Arrival.objects.update(received_at=timezone.now() - timedelta(days=40))
    assert processing.purge_old() == 1
    webhooks.whatsapp()
    processing.process_due()
    with every_organization("the test looks at all"):
        assert (Message.objects.count(), Arrival.objects.get().state) == (1, "done")


def test_what_waits_for_somebody_is_kept(whatsapp: Channel, webhooks: Webhooks):
    webhooks.whatsapp()
    with every_organization("the test looks at all"):
        Arrival.objects.update(received_at=timezone.now() - timedelta(days=40), state="set_aside", due_at=None)
    assert processing.purge_old() == 0
