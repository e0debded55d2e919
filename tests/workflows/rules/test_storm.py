"""Ten thousand events of one organization keep neither another one's events waiting nor what people send."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from activity import dispatch
from activity.models import Event
from core import sweeps
from core.tenancy import every_organization, organization_scope
from customers.people.customers import services as customers
from messaging.delivery import queue as outbound
from messaging.delivery import sending
from messaging.models import Message

pytestmark = pytest.mark.django_db

COUNT = 10_000
# The one that was taken when the other's came may be finished, and each has its turn then.
TURNS = 2 * sweeps.TURN_ROWS


@pytest.fixture
def storm(alice: Any, make_customer: Any) -> None:
    """What a rule over everybody, or an import, leaves to be dispatched; older than all that comes after."""
    customer = make_customer(name="Ada")
    with every_organization("the test makes them"):
        while dispatch.dispatch_due():
            pass
        like = Event.objects.filter(type="customer.created", customer_id=customer.pk).get()
        due_at = timezone.now() - timedelta(hours=1)
        given = {
            field.attname: getattr(like, field.attname)
            for field in Event._meta.concrete_fields
            if field.attname not in ("id", "due_at", "dispatch_state", "source_key", "sequence", "seal")
        }
        rows = (
            Event(**given, id=uuid.uuid4(), due_at=due_at, dispatch_state=Event.DispatchState.PENDING)
            for _ in range(COUNT)
        )
        Event.objects.bulk_create(rows, batch_size=1000)


def due(organization: Any) -> int:
    with every_organization("the test looks at all"):
        return Event.objects.filter(organization=organization, due_at__isnull=False).count()


def test_another_organizations_events_have_their_turn(storm, alice, charlie, monkeypatch):
    with organization_scope(charlie.organization):
        for number in range(5):
            customers.create(organization=charlie.organization, actor=charlie.actor, name=f"Theirs {number}")
    theirs, before = due(charlie.organization), due(alice.organization)
    assert (before, theirs > 0) == (COUNT, True)
    # The worker stops when the other organization has nothing left: how many of the storm were worked on by then?
    monkeypatch.setattr(sweeps, "stopping", lambda: due(charlie.organization) == 0)
    dispatch.dispatch_due()
    assert due(charlie.organization) == 0
    assert before - due(alice.organization) <= TURNS * -(-theirs // sweeps.TURN_ROWS)


def test_what_a_person_sends_goes_out_at_once(storm, alice, make_conversation):
    conversation = make_conversation(alice, kind="sms")
    with organization_scope(alice.organization):
        message = outbound.queue_message(conversation=conversation, body="I am here", actor=alice.actor)
    before = due(alice.organization)
    sending.deliver_due()
    with every_organization("the test looks at all"):
        assert Message.objects.get(pk=message.pk).status == "sent"
    assert due(alice.organization) >= before
