"""The customers whose conversations are written line by line, through the services like any other."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from accounts.models import Member, Organization, User
from activity.actor import SYSTEM
from activity.audit import guard
from activity.audit.content import stamp
from activity.models import Event
from core.ids import uuid7
from crm_project.demo.reading import read
from customers import events
from customers.models import Customer, StageChange
from customers.people.customers import services as customers
from customers.people.customers import stage_moves
from customers.people.tags import services as tags
from messaging.channels.base import Kind, ReceivedMessage
from messaging.intake import inbound
from messaging.models import Channel, Conversation, Message
from messaging.threads import services as conversations

# One of the stories of the file, whose keys have types of their own.
Entry = dict[str, Any]


def write(organization: Organization, staff: dict[str, Member]) -> None:
    """Everybody of conversations.toml."""
    for entry in read(Path(__file__).with_name("conversations.toml"))["customers"]:
        _write_thread(organization, entry, staff)


def _write_thread(organization: Organization, entry: Entry, staff: dict[str, Member]) -> None:
    """One customer's story, line by line in its own time."""
    channel = Channel.objects.select_related("organization").get(kind=entry["channel"])
    owner = staff[entry["owner"]].user if "owner" in entry else None
    conversation: Conversation | None = None
    if entry["lines"][0][1] != "in":
        conversation = conversations.begin(customer=_known(organization, entry), channel=channel)
    for minutes, who, text in entry["lines"]:
        at = timezone.now() - timedelta(minutes=minutes)
        if who == "in":
            conversation = _receive(channel, entry, text, at).conversation
        elif conversation is not None:
            _write(conversation, text, at, who, owner or staff["alice"].user)
    if conversation is not None:
        _finish(conversation.customer, entry, owner)
        if entry["lines"][-1][1] != "in" or entry["lines"][-1][0] > 300:
            Conversation.objects.filter(pk=conversation.pk).update(unread_count=0)
    if entry["stage"] in ("lost", "treatment_done") and conversation is not None:
        conversation.refresh_from_db()
        conversations.set_status(conversation=conversation, status=Conversation.Status.RESOLVED, actor=SYSTEM)


def _known(organization: Organization, entry: Entry) -> Customer:
    return customers.create(
        organization=organization,
        actor=SYSTEM,
        name=entry["name"],
        phone=entry.get("phone", ""),
        email=entry.get("email", ""),
        source=entry["channel"],
    )


def _receive(channel: Channel, entry: Entry, text: str, at: datetime) -> Message:
    received = ReceivedMessage(
        kind=Kind(channel.kind),
        provider_message_id=f"demo-{uuid7()}",
        to=channel.address,
        sender=entry.get("phone") or entry["email"],
        sender_name=entry["name"],
        subject="Question" if channel.kind == Kind.EMAIL else "",
        body=text,
        sent_at=at,
    )
    return inbound.receive(channel=channel, received=received, received_at=at)


def _write(conversation: Conversation, text: str, at: datetime, who: str, author: User) -> None:
    """An answer of ours as it stands today, long delivered: the past is not sent again."""
    is_note, has_failed = who == "note", who == "failed"
    outcome = Message.Status.READ if conversation.channel.capabilities.has_read_receipts else Message.Status.SENT
    message = Message.objects.create(
        organization=conversation.organization,
        conversation=conversation,
        customer=conversation.customer,
        channel=conversation.channel,
        direction=Message.Direction.OUTBOUND,
        is_private=is_note,
        status=Message.Status.NOTE if is_note else Message.Status.FAILED if has_failed else outcome,
        body=text,
        subject="Re: Question" if conversation.channel.kind == Kind.EMAIL else "",
        address=conversation.address,
        author=author,
        provider_message_id="" if is_note or has_failed else f"demo-{uuid7()}",
        error_code="30003" if has_failed else "",
        error_message="The phone could not be reached. Try again later, or ring them." if has_failed else "",
        created_at=at,
        changed_at=at,
        sent_at=None if is_note or has_failed else at,
        delivered_at=at if outcome == Message.Status.READ else None,
        read_at=at if outcome == Message.Status.READ else None,
    )
    if not is_note:
        conversations.record_outbound(conversation, message)
    if not is_note and not has_failed:
        conversations.record_answer(conversation.pk, at=at)
    Conversation.objects.filter(pk=conversation.pk).update(unread_count=0)  # who answers has read
    conversation.refresh_from_db()


def _finish(customer: Customer, entry: Entry, owner: User | None) -> None:
    stage = stage_moves.find_stage(organization=customer.organization, key=entry["stage"])
    stage_moves.move(customer=customer, stage=stage, actor=SYSTEM)
    if owner is not None:
        customers.assign(customer=customer, owner=owner, actor=SYSTEM)
    tags.add(customer=customer, names=entry.get("tags", []), actor=SYSTEM)
    if "language" in entry:
        customers.update(customer=customer, actor=SYSTEM, changes={"language": entry["language"]})
    _back_date(customer, entry)


def _back_date(customer: Customer, entry: Entry) -> None:
    """It happened when they wrote, not when the demo was loaded."""
    lines = [timezone.now() - timedelta(minutes=line[0]) for line in entry["lines"]]
    first_at, since, last_at = lines[0], lines[0], lines[-1]
    # A reply made them engaged; where they stand now they were moved with the last word.
    moves = list(StageChange.objects.filter(customer=customer).order_by("changed_at", "id"))
    for move in moves:
        at = last_at if move is moves[-1] else lines[1]
        StageChange.objects.filter(pk=move.pk).update(since=since, changed_at=at)
        since = at
    Customer.objects.filter(pk=customer.pk).update(
        created_at=first_at, stage_since=since, last_activity_at=last_at, updated_at=last_at
    )
    rows = list(Event.objects.filter(customer_id=customer.pk))
    first_tags = {"new_lead", entry["channel"]}
    for event in rows:
        is_first = event.type == events.CUSTOMER_CREATED or (
            event.type == events.TAG_ADDED and event.payload.get("tag") in first_tags
        )
        event.occurred_at = first_at if is_first else last_at
        stamp(event)
    # In the transaction that wrote them, so that they are not in the audit chain yet.
    with guard.allowing("restate"):
        Event.objects.bulk_update(rows, ["occurred_at", "salt", "proof"], batch_size=500)
