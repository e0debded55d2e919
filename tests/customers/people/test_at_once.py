"""Several people, and the worker, at one customer at the same moment: nothing ends on one who is hidden."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.http import Http404
from django.utils import timezone

from core.tenancy import organization_scope
from customers.data.deletion import services as deletion
from customers.data.merging import services as merging
from customers.data.personal_data import erasure
from customers.models import Customer, Identity
from customers.people.contacts import services as contacts
from customers.people.customers import services as customers
from customers.people.customers import stage_moves
from customers.people.files import services as files
from customers.people.identities import addresses
from customers.people.identities import services as identities
from customers.people.tags import services as tags
from customers.pipeline.deals import services as deals
from customers.work.interactions import services as interactions
from customers.work.tasks import services as tasks
from messaging.channels.base import Kind, ReceivedMessage
from messaging.delivery import queue as outbound
from messaging.delivery import sending
from messaging.intake import inbound
from messaging.models import Channel, Conversation, Message
from messaging.threads import services as conversations
from tests.messaging.conftest import in_threads

Write = Callable[[Customer, Any], Any]

WRITES: dict[str, Write] = {
    "update": lambda c, a: customers.update(customer=c, actor=a, changes={"phone": "+447700955555"}),
    "assign": lambda c, a: customers.assign(customer=c, owner=None, actor=a),
    "follow-up": lambda c, a: customers.set_follow_up(customer=c, at=timezone.now() + timedelta(days=1), actor=a),
    "stage": lambda c, a: stage_moves.move(
        customer=c, stage=stage_moves.find_stage(organization=c.organization, key="contacted"), actor=a
    ),
    "tag": lambda c, a: tags.add(customer=c, names=["late"], actor=a),
    "untag": lambda c, a: tags.remove(customer=c, names=["late"], actor=a),
    "contact": lambda c, a: contacts.create(customer=c, actor=a, name="Late"),
    "interaction": lambda c, a: interactions.log(customer=c, actor=a, content="late", channel="note"),
    "deal": lambda c, a: deals.create(customer=c, actor=a, title="late"),
    "task": lambda c, a: tasks.create(organization=c.organization, customer=c, actor=a, title="late"),
    "file": lambda c, a: files.add(
        customer=c, content=ContentFile(b"late"), name="late.txt", content_type="text/plain", actor=a
    ),
    "address": lambda c, a: addresses.add(
        customer=c, address=identities.phone("+447700955556", organization=c.organization), actor=a
    ),
}


@pytest.mark.django_db
@pytest.mark.parametrize("how", ["merged", "deleted", "erased"])
@pytest.mark.parametrize("name", WRITES)
def test_nothing_is_written_on_a_customer_who_went_in_the_same_moment(inside, alice, make_customer, name, how):
    seen = make_customer(alice)
    other = make_customer(alice)
    before = Customer.objects.get(pk=seen.pk)
    if how == "merged":
        merging.merge(loser=Customer.objects.get(pk=seen.pk), survivor=other, actor=alice.actor)
    elif how == "erased":
        erasure.erase(customer=Customer.objects.get(pk=seen.pk), actor=alice.actor)
    else:
        deletion.delete(customer=Customer.objects.get(pk=seen.pk), actor=alice.actor)
    with pytest.raises(Http404, match="deleted, merged or erased meanwhile"):
        WRITES[name](before, alice.actor)
    assert not Identity.objects.filter(match_key__endswith="95555").exists()


@pytest.mark.django_db
def test_an_address_does_not_bring_back_what_somebody_changed(inside, alice, make_customer):
    seen = make_customer(alice, name="Anna Old")
    customers.update(customer=Customer.objects.get(pk=seen.pk), actor=alice.actor, changes={"name": "Berta New"})
    address = identities.email("berta@new.example")
    identity = addresses.add(customer=seen, address=address, actor=alice.actor)
    assert [c.name for c in Customer.objects.matching("berta new")] == ["Berta New"]
    assert not Customer.objects.matching("anna").exists()
    addresses.remove(identity=Identity.objects.select_related("customer").get(pk=identity.pk), actor=alice.actor)
    for call in (addresses.remove, addresses.make_primary):
        with pytest.raises(Http404, match="no such phone or e-mail any more"):
            call(identity=identity, actor=alice.actor)


def _message(sender: str) -> ReceivedMessage:
    return ReceivedMessage(kind=Kind.WHATSAPP, provider_message_id=uuid4().hex, to="", sender=sender, body="hello")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_again", range(3))
def test_a_merge_among_everything_else_loses_nothing(alice, bob, make_customer, _again):
    loser, survivor = make_customer(alice), make_customer(alice)
    with organization_scope(alice.organization):
        channel = Channel.objects.select_related("organization").get(kind="whatsapp", provider="simulator")
        inbound.receive(channel=channel, received=_message(loser.phone))
        # Each caller has read the thread for themselves.
        threads = [Conversation.objects.select_related("customer", "channel").get(customer=loser) for _ in range(2)]
        deal = deals.create(customer=loser, actor=alice.actor, title="open")
    deal.customer = loser

    def merge() -> Any:
        return merging.merge(loser=loser, survivor=survivor, actor=alice.actor)

    def the_other_way() -> Any:
        return merging.merge(loser=survivor, survivor=loser, actor=alice.actor)

    calls: list[Callable[[], Any]] = [
        merge,
        the_other_way,
        lambda: inbound.receive(channel=channel, received=_message(loser.phone)),
        lambda: outbound.add_note(conversation=threads[0], body="noted", actor=alice.actor),
        lambda: outbound.queue_message(conversation=threads[1], body="answer", actor=alice.actor),
        lambda: deals.update(deal=deal, actor=alice.actor, changes={"status": "won"}),
        lambda: customers.assign(customer=loser, owner=bob.user, actor=alice.actor),
        lambda: interactions.log(customer=loser, actor=alice.actor, content="called", channel="call"),
    ]

    def run(number: int) -> str:
        with organization_scope(alice.organization):
            try:
                calls[number]()
            except (Http404, merging.CannotMerge):
                return "refused"
        return "done"

    told = in_threads(run, len(calls))
    assert sorted(told[:2]) == ["done", "refused"]
    assert told[2:5] == ["done"] * 3
    with organization_scope(alice.organization):
        hidden = Customer.objects.get(merged_into__isnull=False)
        stays = Customer.objects.get(merged_into__isnull=True)
        for model, field in merging.relations():
            assert not model._base_manager.filter(**{field: hidden.pk}).exists(), model
        assert Message.objects.filter(customer=stays).count() == 4
        assert Conversation.objects.filter(customer=stays).count() == 1


@pytest.mark.django_db
def test_a_message_that_waited_for_the_undoing_of_a_merge_goes_to_whom_it_is(inside, alice, make_customer, monkeypatch):
    """It found the survivor's identity, then waited for the lock; by then the identity was the other's again."""
    first, second = make_customer(alice), make_customer(alice)
    found = identities.find(organization=inside, addresses=[identities.phone(first.phone, organization=inside)])
    assert found is not None
    answers = [found]
    find = identities.find
    monkeypatch.setattr(identities, "find", lambda **asked: answers.pop() if answers else find(**asked))
    Identity.objects.filter(pk=found.pk).update(customer=second)
    channel = Channel.objects.select_related("organization").get(kind="whatsapp", provider="simulator")
    message = inbound.receive(channel=channel, received=_message(first.phone))
    assert message.customer_id == second.pk


@pytest.mark.django_db
def test_nothing_leaves_to_a_customer_who_was_deleted(inside, alice, make_conversation):
    thread = make_conversation(alice, kind="sms")
    other = make_conversation(alice, kind="sms")
    stale = Conversation.objects.select_related("customer", "channel").get(pk=thread.pk)
    message = outbound.queue_message(conversation=thread, body="soon", actor=alice.actor)
    Customer.objects.filter(pk=thread.customer_id).update(deleted_at=timezone.now())
    with pytest.raises(Http404):
        outbound.queue_message(conversation=stale, body="too late", actor=alice.actor)
    sending.deliver_due()
    message.refresh_from_db()
    assert (message.status, message.error_code) == ("failed", "customer_deleted")
    assert conversations.begin(customer=other.customer, channel=other.channel) == other
