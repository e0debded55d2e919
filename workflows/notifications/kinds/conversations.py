"""Kinds about conversations: a message, one that waits, one that could not be sent. A conversation's owner is its
customer's."""

from __future__ import annotations

from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from activity.models import Event
from customers.models import Customer
from messaging.events import (
    CONVERSATION_RESOLVED,
    CONVERSATION_UNANSWERED,
    CONVERSATION_UPDATED,
    LEAD_STALLED,
    MESSAGE_FAILED,
    MESSAGE_RECEIVED,
    MESSAGE_SENT,
    NOTE_ADDED,
)
from messaging.models import Conversation, Message
from messaging.threads import mentions
from workflows.models import Notification
from workflows.notifications.kinds.registry import LOUD, SHOWN, Heading, Kind, Notice, register, some, uuid_of


def name_of(line: Notification) -> str:
    """What the customer is called."""
    return line.customer.name if line.customer is not None else _("A customer")


def owner_of(event: Event) -> UUID | None:
    """The user who owns the customer of the event."""
    if event.customer_id is None:
        return None
    return Customer.objects.filter(pk=event.customer_id).values_list("assigned_to", flat=True).first()


def _received(event: Event) -> Notice | None:
    conversation = uuid_of(event.payload.get("conversation"))
    if conversation is None or event.payload.get("is_automatic"):
        return None
    row = Conversation.objects.filter(pk=conversation).values("unread_count", "customer__assigned_to").first()
    if row is None or not row["unread_count"] or row["customer__assigned_to"] is None:
        return None  # somebody has read it meanwhile
    data = {"channel": str(event.payload.get("channel", ""))}
    return Notice(conversation, users=[row["customer__assigned_to"]], customer_id=event.customer_id, data=data)


def _waits(event: Event) -> Notice | None:
    conversation = UUID(event.subject_id)
    # Whoever answered before this was told has nothing to be told of.
    if not Conversation.objects.waiting().filter(pk=conversation).exists():
        return None
    data = {"since": event.payload.get("waiting_since")}
    return Notice(conversation, users=some(owner_of(event)), customer_id=event.customer_id, data=data)


def _mentioned(event: Event) -> Notice | None:
    conversation = uuid_of(event.payload.get("conversation"))
    if conversation is None or not event.payload.get("mentions"):
        return None
    members = mentions.members_of(UUID(event.subject_id))
    data = {"by": event.actor_label}
    return Notice(conversation, members=members, customer_id=event.customer_id, data=data)


def _failed(event: Event) -> Notice | None:
    conversation = uuid_of(event.payload.get("conversation"))
    message = Message.objects.filter(pk=event.subject_id, status=Message.Status.FAILED).first()
    if conversation is None or message is None:
        return None
    told = message.author_id or owner_of(event)
    data = {"reason": message.error_message[:300]}
    return Notice(conversation, users=some(told), customer_id=event.customer_id, data=data)


def _read(event: Event) -> UUID | None:
    return uuid_of(event.payload.get("conversation")) if event.payload.get("unread_count") == 0 else None


def _of_conversation(event: Event) -> UUID | None:
    return uuid_of(event.payload.get("conversation"))


def _answered(event: Event) -> UUID | None:
    """By a person, here or on the channel's own phone: an automatic answer is none."""
    rows = Message.objects.filter(pk=event.subject_id, origin=Message.Origin.PERSON)
    return _of_conversation(event) if event.payload.get("elsewhere") or rows.exists() else None


def _message_sentence(line: Notification) -> str:
    text = ngettext("%(name)s wrote", "%(name)s wrote %(count)d messages", line.count)
    return text % {"name": name_of(line), "count": line.count}


def _mention_sentence(line: Notification) -> str:
    text = ngettext(
        "%(by)s mentioned you in a note about %(name)s", "%(by)s mentioned you in %(count)d notes about %(name)s",
        line.count,
    )  # fmt: skip
    return text % {"by": line.data.get("by") or _("Somebody"), "name": name_of(line), "count": line.count}


def _failed_sentence(line: Notification) -> str:
    text = ngettext("A message to %(name)s was not sent", "%(count)d messages to %(name)s were not sent", line.count)
    return text % {"name": name_of(line), "count": line.count}


def _url(line: Notification, slug: str) -> str:
    return reverse("messaging:conversation", args=[slug, line.subject_id])


_CHANNELS = {"whatsapp": "WhatsApp", "sms": "SMS", "email": gettext_lazy("E-mail"), "web": gettext_lazy("Website")}
ANSWERED = {MESSAGE_SENT: _answered, CONVERSATION_RESOLVED: _of_conversation}

register(
    Kind(
        name="message",
        label=gettext_lazy("A new message from one of your customers"),
        heading=Heading.CONVERSATIONS,
        icon="message-circle",
        position=10,
        permission="conversations.view",
        begins={MESSAGE_RECEIVED: _received},
        settled_by={CONVERSATION_UPDATED: _read, **ANSWERED},
        sentence=_message_sentence,
        detail=lambda line: str(_CHANNELS.get(str(line.data.get("channel")), "")),
        url=_url,
        ways=LOUD,
        is_counted=True,
    )
)
register(
    Kind(
        name="mention",
        label=gettext_lazy("A colleague mentions you, or a team of yours, in a note"),
        heading=Heading.CONVERSATIONS,
        icon="at-sign",
        position=15,
        permission="conversations.view",
        begins={NOTE_ADDED: _mentioned},
        sentence=_mention_sentence,
        url=_url,
        ways=LOUD,
        is_counted=True,
    )
)
register(
    Kind(
        name="unanswered",
        label=gettext_lazy("A conversation of yours waits too long"),
        heading=Heading.CONVERSATIONS,
        icon="timer",
        position=20,
        permission="conversations.view",
        begins={CONVERSATION_UNANSWERED: _waits},
        settled_by=ANSWERED,
        sentence=lambda line: _("%(name)s waits for an answer") % {"name": name_of(line)},
        url=_url,
        ways=SHOWN,
    )
)
register(
    Kind(
        name="stalled",
        label=gettext_lazy("A lead of yours went unanswered for days"),
        heading=Heading.CONVERSATIONS,
        icon="hourglass",
        position=30,
        permission="conversations.view",
        begins={LEAD_STALLED: _waits},
        settled_by=ANSWERED,
        sentence=lambda line: _("%(name)s was not answered for days") % {"name": name_of(line)},
        url=_url,
        ways=SHOWN,
    )
)
register(
    Kind(
        name="failed_send",
        label=gettext_lazy("A message of yours could not be sent"),
        heading=Heading.CONVERSATIONS,
        icon="circle-alert",
        position=40,
        permission="conversations.view",
        begins={MESSAGE_FAILED: _failed},
        sentence=_failed_sentence,
        detail=lambda line: str(line.data.get("reason", "")),
        url=_url,
        ways=SHOWN,
        is_counted=True,
    )
)
