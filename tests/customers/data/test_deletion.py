"""Deleting hides; what is open holds; restoring brings everything back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from activity.models import Event
from core.tenancy import organization_scope
from customers.data.deletion import services as deletion
from customers.models import Customer, Identity
from customers.people.customers import services as customers
from customers.people.identities import services as identities
from customers.pipeline.deals import services as deals
from messaging.channels.base import Kind, ReceivedMessage
from messaging.delivery import queue as outbound
from messaging.intake import inbound
from messaging.models import Message

pytestmark = pytest.mark.django_db


def events_of(customer: Customer, *types: str) -> list[Event]:
    return list(Event.objects.filter(customer_id=customer.pk, type__in=types).order_by("occurred_at", "id"))


def write_from(customer: Customer, conversation: Any, text: str = "Hello again") -> Message:
    received = ReceivedMessage(
        kind=Kind(conversation.channel.kind), provider_message_id=f"in-{timezone.now().timestamp()}",
        sender=customer.phone, sender_name="Whoever", to=conversation.channel.address, body=text,
    )  # fmt: skip
    return inbound.receive(channel=conversation.channel, received=received)


def test_a_deleted_customer_is_hidden_and_comes_back_whole(inside, alice, make_customer):
    customer = make_customer(email="ann@example.com", tags=["vip"], notes="Likes tea")
    before = Customer.objects.filter(pk=customer.pk).values().get()
    deletion.delete(customer=customer, actor=alice.actor)
    assert not Customer.objects.visible_to(alice.member).filter(pk=customer.pk).exists()
    assert Customer.objects.deleted().get().pk == customer.pk
    deletion.restore(customer=customer, actor=alice.actor)
    after = Customer.objects.filter(pk=customer.pk).values().get()
    assert {k: v for k, v in after.items() if k != "updated_at"} == {
        k: v for k, v in before.items() if k != "updated_at"
    }
    assert customer.tags.count() == 1
    assert Identity.objects.filter(customer=customer).count() == 2
    (deleted, restored) = events_of(customer, "customer.deleted", "customer.restored")
    assert (deleted.actor_id, restored.actor_id) == (str(alice.user.pk), str(alice.user.pk))


def test_doing_it_twice_writes_nothing(inside, alice, make_customer):
    customer = make_customer()
    deletion.restore(customer=customer, actor=alice.actor)
    for _ in range(2):
        deletion.delete(customer=customer, actor=alice.actor)
    assert len(events_of(customer, "customer.deleted", "customer.restored")) == 1


def test_open_deals_and_queued_messages_hold(inside, alice, make_conversation):
    conversation = make_conversation(kind="sms")
    customer = conversation.customer
    deal = deals.create(customer=customer, actor=alice.actor, title="Braces")
    won = deals.create(customer=customer, actor=alice.actor, title="Whitening", status="won")
    message = outbound.queue_message(conversation=conversation, body="See you", actor=alice.actor)
    with pytest.raises(deletion.Blocked) as held:
        deletion.delete(customer=customer, actor=alice.actor)
    assert held.value.reasons == ["1 open deal (“Braces”)", "1 message waiting to be sent"]
    customer.refresh_from_db()
    assert not customer.is_deleted
    deletion.delete(customer=customer, actor=alice.actor, force=True)
    for row in (deal, won, message):
        row.refresh_from_db()
    assert (deal.status, deal.lost_reason, won.status) == ("lost", "The customer was deleted", "won")
    assert (message.status, message.error_message) == ("cancelled", "the customer was deleted")
    assert Customer.objects.deleted().filter(pk=customer.pk).exists()


def test_what_has_left_holds_nobody(inside, alice, make_conversation):
    conversation = make_conversation(kind="sms")
    message = outbound.queue_message(conversation=conversation, body="See you", actor=alice.actor)
    Message.objects.filter(pk=message.pk).update(status="sent", due_at=None)
    deletion.delete(customer=conversation.customer, actor=alice.actor)


def test_a_message_brings_a_deleted_customer_back(inside, alice, make_conversation):
    conversation = make_conversation()
    customer = conversation.customer
    deletion.delete(customer=customer, actor=alice.actor)
    message = write_from(customer, conversation)
    assert message.customer_id == customer.pk
    assert Customer.objects.visible_to(alice.member).filter(pk=customer.pk).exists()
    (restored,) = events_of(customer, "customer.restored")
    assert (restored.payload["reason"], restored.actor_kind) == ("the customer wrote", "system")
    write_from(customer, conversation, "And again")
    assert len(events_of(customer, "customer.restored")) == 1


def test_after_30_days_there_is_no_way_back(inside, alice, make_customer):
    customer = make_customer()
    deletion.delete(customer=customer, actor=alice.actor)
    Customer.objects.filter(pk=customer.pk).update(deleted_at=timezone.now() - timedelta(days=30, minutes=1))
    with pytest.raises(deletion.NotRestorable, match="30 days"):
        deletion.restore(customer=customer, actor=alice.actor)


def test_a_merged_one_is_not_restored(inside, alice, make_customer):
    gone, stays = make_customer(), make_customer()
    Customer.objects.filter(pk=gone.pk).update(deleted_at=timezone.now(), merged_into=stays)
    with pytest.raises(deletion.NotRestorable, match="merge"):
        deletion.restore(customer=gone, actor=alice.actor)


def test_an_address_of_a_deleted_customer_stays_theirs(alice, make_customer):
    customer = make_customer(email="ann@example.com")
    with organization_scope(alice.organization):
        deletion.delete(customer=customer, actor=alice.actor)
        with pytest.raises(identities.IdentityTaken):
            customers.create(
                organization=alice.organization, actor=alice.actor, name="Ann", email="ann@example.com"
            )  # fmt: skip
