"""What messaging holds on a person: given out with everything else, and lost with it."""

from __future__ import annotations

import base64
from collections.abc import Iterable

from django.core.files.storage import FileSystemStorage
from django.db.models import QuerySet

from activity.actor import Actor
from customers import personal_data
from customers.models import Customer
from customers.personal_data import Part, PartData, StoredFile
from messaging.channels.base import Kind
from messaging.channels.simulator import mailbox
from messaging.models import Arrival, Attachment, Conversation, Message


def register() -> None:
    for part in (
        Part("conversations", "Conversations", 45, _conversations, _erase_conversations),
        Part("messages", "Messages", 50, _messages, _erase_messages),
        Part("attachments", "Attachments", 52, _attachments, _erase_attachments),
        Part("arrivals", "What providers handed in", 130, _arrivals, _erase_arrivals),
    ):
        personal_data.register(part)


def _conversations(customer: Customer) -> PartData:
    rows = Conversation.objects.filter(customer=customer).order_by("pk")
    return PartData(list(rows.values("channel__kind", "channel__name", "address", "status", "priority", "created_at")))


def _messages(customer: Customer) -> PartData:
    rows = Message.objects.filter(customer=customer).order_by("created_at", "id")
    return PartData(
        list(
            rows.values(
                "created_at", "channel__kind", "direction", "is_private", "status", "address", "subject", "body",
                "location", "button", "referral", "extra", "sent_at", "delivered_at", "read_at", "error_message",
            )
        )
    )  # fmt: skip


def _attachments(customer: Customer) -> PartData:
    rows = Attachment.objects.filter(message__customer=customer).order_by("pk")
    return PartData(list(rows.values("message__created_at", "filename", "content_type", "size", "source_url")))


def _arrivals(customer: Customer) -> PartData:
    rows = _arrivals_of(customer).order_by("received_at", "pk")
    return PartData(
        [
            {"received_at": row.received_at, "provider": row.provider, "type": row.type, "body": _text(bytes(row.body))}
            for row in rows
            if row.body
        ]
    )


def _arrivals_of(customer: Customer) -> QuerySet[Arrival]:
    return Arrival.objects.filter(message__customer=customer)


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return base64.b64encode(body).decode()


def _erase_conversations(customer: Customer, actor: Actor) -> Iterable[StoredFile]:
    Conversation.objects.filter(customer=customer).update(address="", last_message_preview="")
    return ()


def _erase_messages(customer: Customer, actor: Actor) -> Iterable[StoredFile]:
    """That there was a message stays: in which direction, when, what became of it. The provider's id too, so that the
    same webhook once more does not bring the person back."""
    rows = Message.objects.filter(customer=customer)
    simulated = rows.filter(channel__provider="simulator", channel__kind=Kind.EMAIL).values_list("pk", flat=True)
    mails = FileSystemStorage(location=mailbox.folder())
    files = [StoredFile("", mails, mailbox.name_of(str(pk))) for pk in simulated]
    rows.update(subject="", body="", address="", error_message="", location=None, button=None, referral=None, extra={})
    return files


def _erase_attachments(customer: Customer, actor: Actor) -> Iterable[StoredFile]:
    Attachment.objects.filter(message__customer=customer).update(filename="", source_url="")
    return ()


def _erase_arrivals(customer: Customer, actor: Actor) -> Iterable[StoredFile]:
    _arrivals_of(customer).update(body=b"", query="", outcome="", last_error="")
    return ()
