"""What arrives: from a provider's words to a message in a conversation, in one transaction."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import Organization
from activity.actor import SYSTEM, Actor
from activity.ledger import record
from customers.data.deletion import services as deletion
from customers.models import Customer, Stage
from customers.people.consent import services as consent
from customers.people.customers import services as customers
from customers.people.customers import stage_moves as pipeline
from customers.people.identities import services as identities
from customers.people.identities.services import Address
from customers.people.tags import services as tags
from messaging import events
from messaging.channels.base import Kind, ReceivedMessage
from messaging.delivery import queue as outbound
from messaging.intake import mail_inbound, optout, received_files
from messaging.models import Channel, Conversation, Message
from messaging.threads import services as conversations

LONGEST_ADDRESS = 254
LONGEST_ID = 254
ENGAGED = "engaged"
NEW = "new"


@transaction.atomic
def receive(*, channel: Channel, received: ReceivedMessage, received_at: datetime | None = None) -> Message:
    """Take a message in; the same provider's id twice is one message.

    In this order: the customer by the thread it answers, by identity, or a new lead; queued messages that wait for
    silence are cancelled, the conversation opens, the message is stored, tags and stage follow, the ledger hears
    `message.received`. What no person wrote cancels nothing, opens nothing again and waits for no answer.
    """
    received = mail_inbound.with_writer(channel, received)
    channel = mail_inbound.channel_of(channel, received)
    seen = _seen(channel, received)
    if seen is not None and mail_inbound.is_another(seen, received):
        received = mail_inbound.with_own_id(received)
        seen = _seen(channel, received)
    if seen is not None:
        return seen
    organization, actor = channel.organization, SYSTEM
    is_automatic = received.mail is not None and bool(received.mail.automatic)
    addresses = _addresses(organization, received)
    thread = mail_inbound.thread_of(organization, received, addresses) if received.mail else None
    if thread is not None:
        customer, is_new = thread.customer, False
        deletion.wake(customer=customer, actor=actor)
    else:
        customer, is_new = customers.find_or_make(
            organization=organization,
            addresses=addresses,
            name=_name(received, addresses),
            source=_source(received),
            actor=actor,
            campaign=_campaign(received),
        )
        deletion.wake(customer=customer, actor=actor)
    opted = "" if is_automatic else optout.meaning(_said(received), provider_says=received.opt_out)
    if opted == "START" and mail_inbound.is_stranger(thread, addresses):
        opted = ""  # whoever else has a mail of the thread can end it for the customer, but not begin it again
    # Both before the conversation is locked: whoever cancels a message by hand takes the two in this order as well.
    if not is_automatic:
        outbound.cancel_waiting_for_silence(customer=customer, actor=actor)
    if opted == "STOP":
        outbound.cancel_on_opt_out(customer=customer, channel_kind=channel.kind, actor=actor)
    if thread is None:
        thread = conversations.begin(customer=customer, channel=channel, address=addresses[0].value)
    mail_inbound.follow_address(thread, received, addresses)
    conversation = _locked(thread)
    message = _store(conversation, received, at=received_at or timezone.now())
    conversations.heard(conversation, message, actor=actor, is_automatic=is_automatic)
    customers.touch(customer=customer, at=message.created_at)
    _tag(customer, channel, received, is_new=is_new, actor=actor)
    if not is_new and not is_automatic:
        _engage(customer, actor)
    if opted:
        _note_consent(message, opted, actor)
    record(
        events.MESSAGE_RECEIVED,
        subject=message,
        actor=actor,
        payload={
            "conversation": str(conversation.pk),
            "channel": channel.kind,
            "channel_id": str(channel.pk),
            "is_new_customer": is_new,
            "is_automatic": is_automatic,
            "opt": opted,
        },
    )
    return message


def _seen(channel: Channel, received: ReceivedMessage) -> Message | None:
    """The message that this one is, where it came before: of an e-mail on whichever of our addresses."""
    rows = Message.objects.filter(provider_message_id=_provider_id(received))
    if channel.kind == Kind.EMAIL:
        mailboxes = Channel.objects.filter(organization=channel.organization, kind=Kind.EMAIL).values_list(
            "pk", flat=True
        )
        rows = rows.filter(channel__in=list(mailboxes))
    else:
        rows = rows.filter(channel=channel)
    return rows.first()


def _addresses(organization: Organization, received: ReceivedMessage) -> list[Address]:
    """Every address in the message, the one to answer to first."""
    found = []
    if received.sender:
        if received.kind == Kind.EMAIL or "@" in received.sender:
            found.append(identities.email(received.sender))
        else:
            found.append(identities.phone_or_sender_id(received.sender, organization=organization))
    if received.sender_user_id:
        found.append(identities.whatsapp_user(received.sender_user_id))
    if not found:
        raise identities.InvalidAddress("from", "The message names no sender.")
    if any(len(address.value) > LONGEST_ADDRESS for address in found):
        raise identities.InvalidAddress("from", f"The sender is longer than {LONGEST_ADDRESS} characters.")
    return found


def _provider_id(received: ReceivedMessage) -> str:
    """The provider's id; a longer one than the database takes by its hash."""
    given = received.provider_message_id
    return given if len(given) <= LONGEST_ID else hashlib.sha256(given.encode()).hexdigest()


def _name(received: ReceivedMessage, addresses: list[Address]) -> str:
    if received.sender_name.strip():
        return " ".join(received.sender_name.split())[:200]
    label = {Kind.WHATSAPP: "WhatsApp", Kind.SMS: "SMS", Kind.EMAIL: "E-mail"}.get(received.kind, "Web")
    return f"{label} lead {addresses[0].value}"[:200]


def _source(received: ReceivedMessage) -> str:
    """Where a new lead came from: the advertisement's campaign where the message names one, else the channel."""
    referral = received.referral
    return (
        f"{received.kind}_ad"
        if referral.get("source_type") == "ad" or referral.get("ctwa_clid")
        else str(received.kind)
    )


def _said(received: ReceivedMessage) -> str:
    """What is looked at for STOP: the text; of an e-mail without one its subject, as unsubscribing by mail has it."""
    return received.body if received.body.strip() else received.subject


def _campaign(received: ReceivedMessage) -> str:
    """What the advertisement is called, with its number for whoever placed it; empty where there was none."""
    said = received.referral
    title = " ".join((said.get("headline") or said.get("body") or said.get("source_url") or "").split())[:150]
    number = said.get("source_id", "")[:40]
    return f"{title} ({number})" if title and number else title or number


def _locked(conversation: Conversation) -> Conversation:
    # Two messages of one person may be worked on at once; the counts and times of the conversation must not cross.
    return (
        Conversation.objects.select_for_update(of=("self",), no_key=True)
        .select_related("customer__stage", "channel__organization")
        .get(pk=conversation.pk)
    )


def _store(conversation: Conversation, received: ReceivedMessage, *, at: datetime) -> Message:
    location = received.location
    quoted = None
    if received.reply_to:
        # Of the same customer only: whoever sees this thread need not see another's.
        quoted = Message.objects.filter(
            channel=conversation.channel, customer=conversation.customer, provider_message_id=received.reply_to
        ).first()
    extra: dict[str, object] = dict(received.extra)
    if received.reply_to and quoted is None:
        extra["reply_to"] = received.reply_to
    if count := received_files.count(received):
        extra["media_count"] = count
    message = Message.objects.create(
        organization=conversation.organization,
        conversation=conversation,
        customer=conversation.customer,
        channel=conversation.channel,
        direction=Message.Direction.INBOUND,
        status=Message.Status.RECEIVED,
        subject=received.subject[:500],
        body=received.body,
        address=(received.sender or received.sender_user_id)[:LONGEST_ADDRESS],
        reply_to=quoted,
        provider_message_id=_provider_id(received),
        location=None
        if location is None
        else {
            "latitude": location.latitude,
            "longitude": location.longitude,
            "label": location.label,
            "address": location.address,
        },
        button=dict(received.button) or None,
        referral=dict(received.referral) or None,
        extra=extra,
        created_at=at,
        changed_at=at,
        sent_at=received.sent_at,
    )
    received_files.store(message, received)
    if received.mail is not None:
        mail_inbound.store_details(message, received.mail)
    return message


def _tag(customer: Customer, channel: Channel, received: ReceivedMessage, *, is_new: bool, actor: Actor) -> None:
    names = [channel.kind]
    if is_new:
        names.append("new_lead")
    words: dict[str, str] = {**settings.KEYWORD_TAGS_JSON, **(channel.organization.keyword_tags or {})}
    for word, given in words.items():
        # A setting that is no tag must not keep a customer's message out.
        tag = " ".join(str(given).split())[: tags.MAX_LENGTH]
        if (
            word.strip()
            and tag
            and tag not in names
            and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", received.body, re.IGNORECASE)
        ):
            names.append(tag)
    tags.add(customer=customer, names=names, actor=actor)


def _engage(customer: Customer, actor: Actor) -> None:
    """Somebody known who is still new has shown interest, where the pack has a stage for it."""
    if customer.stage.key != NEW:
        return
    engaged = Stage.objects.filter(organization=customer.organization, key=ENGAGED).first()
    if engaged is not None:
        pipeline.move(customer=customer, stage=engaged, actor=actor, reason="wrote again")


def _note_consent(message: Message, meant: str, actor: Actor) -> None:
    consent.change(
        customer=message.customer,
        channel=message.channel.kind,
        is_granted=meant == "START",
        how=f"wrote {meant}",
        proof=str(message.pk),
        actor=actor,
    )
