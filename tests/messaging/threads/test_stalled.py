"""Stalled leads are told of once for each message that nobody answered."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from activity.models import Event
from core.tenancy import organization_scope
from customers.models import Customer, Stage
from customers.people.settings import services as customer_settings
from messaging import events
from messaging.models import Conversation
from messaging.threads import stalled


def wait(conversation, **ago):
    with organization_scope(conversation.organization):
        Conversation.objects.filter(pk=conversation.pk).update(waiting_since=timezone.now() - timedelta(**ago))


def test_once_a_message(alice, bob, make_conversation):
    conversation = make_conversation(bob)
    wait(conversation, days=3, minutes=1)
    wait(make_conversation(bob), days=2, hours=23)
    assert stalled.record_stalled() == 1
    assert stalled.record_stalled() == 0
    with organization_scope(alice.organization):
        event = Event.objects.get(type=events.LEAD_STALLED)
    assert event.customer_id == conversation.customer_id
    assert event.payload["assigned_to"] == str(bob.user.pk)
    # Answered, and left without an answer again.
    wait(conversation, days=3, seconds=10)
    assert stalled.record_stalled() == 1


def test_unanswered_once_a_message_whatever_the_customer(alice, make_conversation):
    conversation = make_conversation(alice)
    wait(conversation, minutes=61)
    wait(make_conversation(alice), minutes=59)
    with organization_scope(alice.organization):
        Customer.objects.filter(pk=conversation.customer_id).update(stage=Stage.objects.filter(kind="won").first())
    assert stalled.record_unanswered() == 1
    assert stalled.record_unanswered() == 0
    with organization_scope(alice.organization):
        event = Event.objects.get(type=events.CONVERSATION_UNANSWERED)
        assert (event.customer_id, event.payload["conversation"]) == (conversation.customer_id, str(conversation.pk))
        customer_settings.change(organization=alice.organization, actor=alice.actor, changes={"unanswered_minutes": 30})
    assert stalled.record_unanswered() == 1
    with organization_scope(alice.organization):
        Conversation.objects.filter(pk=conversation.pk).update(status="resolved", waiting_since=timezone.now())
    assert stalled.record_unanswered() == 0
    for wrong in (4, 7 * 24 * 60 + 1):
        with organization_scope(alice.organization), pytest.raises(customer_settings.InvalidSetting):
            change = {"unanswered_minutes": wrong}
            customer_settings.change(organization=alice.organization, actor=alice.actor, changes=change)


def test_the_days_are_the_organizations(alice, make_conversation):
    wait(make_conversation(alice), days=1, minutes=1)
    assert stalled.record_stalled() == 0
    with organization_scope(alice.organization):
        customer_settings.change(organization=alice.organization, actor=alice.actor, changes={"stalled_days": 1})
    assert stalled.record_stalled() == 1


def test_who_is_won_or_resolved_is_no_lead_that_waits(alice, make_conversation):
    won, resolved = make_conversation(alice), make_conversation(alice)
    wait(won, days=4)
    wait(resolved, days=4)
    with organization_scope(alice.organization):
        Customer.objects.filter(pk=won.customer_id).update(stage=Stage.objects.filter(kind="won").first())
        Conversation.objects.filter(pk=resolved.pk).update(status="resolved")
    assert stalled.record_stalled() == 0
