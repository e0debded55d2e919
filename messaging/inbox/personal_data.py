"""The personal data in messaging: its parts for export and erasure."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Collection, Iterable
from urllib.parse import unquote_plus

from django.core.files.storage import FileSystemStorage
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.fields.files import FieldFile

from accounts.models import Organization
from activity.actor import Actor
from core.claims import released
from customers.data.personal_data import registry as personal_data
from customers.data.personal_data.registry import Part, PartData
from customers.models import Customer
from customers.people.files.downloads import StoredFile
from messaging.channels import payloads, registry
from messaging.channels.abilities import KeepsCopies
from messaging.channels.base import Kind
from messaging.models import (
    Arrival,
    Attachment,
    Conversation,
    Draft,
    MailDetails,
    MediaFile,
    Message,
    Reconciliation,
    StoppedAddress,
)


def register() -> None:
    for part in (
        # First of all: it is found by the addresses that the others lose.
        Part("mails", "E-mails", 44, _mails, _erase_mails),
        Part("conversations", "Conversations", 45, _conversations, _erase_conversations),
        Part("messages", "Messages", 50, _messages, _erase_messages),
        Part("drafts", "Texts not sent yet", 51, _drafts, _erase_drafts),
        Part("attachments", "Attachments", 52, _attachments, _erase_attachments),
        Part("arrivals", "What providers handed in", 130, _arrivals, _erase_arrivals),
    ):
        personal_data.register(part)
    personal_data.register_sweep(sweep_arrivals)


def _conversations(customer: Customer) -> PartData:
    rows = Conversation.objects.filter(customer=customer).order_by("pk")
    return PartData(list(rows.values("channel__kind", "channel__name", "address", "status", "priority", "created_at")))


def _messages(customer: Customer) -> PartData:
    rows = Message.objects.filter(customer=customer).order_by("created_at", "id")
    return PartData(
        list(
            rows.values(
                "created_at", "channel__kind", "direction", "is_private", "status", "address", "subject", "body",
                "location", "button", "referral", "content_variables", "extra", "sent_at",
                "delivered_at", "read_at", "error_message",
            )
        )
    )  # fmt: skip


def _drafts(customer: Customer) -> PartData:
    rows = Draft.objects.filter(conversation__customer=customer).exclude(body="", subject="", cc="").order_by("pk")
    return PartData(list(rows.values("conversation__channel__kind", "mode", "subject", "cc", "body", "updated_at")))


def _erase_drafts(customer: Customer, actor: Actor) -> Iterable[StoredFile]:
    Draft.objects.filter(conversation__customer=customer).delete()
    return ()


def _mails(customer: Customer) -> PartData:
    rows = MailDetails.objects.filter(message__customer=customer).order_by("pk")
    return PartData(list(rows.values("message__created_at", "to", "cc", "reply_to", "folded", "html")))


def _attachments(customer: Customer) -> PartData:
    rows = Attachment.objects.filter(message__customer=customer).order_by("pk")
    files = MediaFile.objects.filter(attachments__in=rows).order_by("pk").distinct()
    return PartData(
        list(rows.values("message__created_at", "filename", "content_type", "size", "source_url")),
        [StoredFile(file.name, file.content.storage, file.content.name) for file in files if file.content.name],
    )


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
    files = copies(rows)
    rows.update(
        subject="", body="", address="", error_message="", location=None, button=None, referral=None, extra={},
        content_variables=None, fallback_variables=None,
    )  # fmt: skip
    return files


def copies(rows: QuerySet[Message]) -> list[StoredFile]:
    """What a provider keeps of these messages in files of this machine."""
    keepers = {key: one for key, one in registry.providers().items() if isinstance(one, KeepsCopies)}
    named = rows.filter(channel__provider__in=keepers).values_list("pk", "channel__provider", "channel__kind")
    return [
        StoredFile("", FileSystemStorage(location=copy.parent), copy.name)
        for pk, provider, kind in named
        for copy in keepers[provider].copies_of(Kind(kind), str(pk))
    ]


def _erase_mails(customer: Customer, actor: Actor) -> Iterable[StoredFile]:
    """What a mail has beyond its message; that their address was stopped; what was found of them at a provider."""
    MailDetails.objects.filter(message__customer=customer).delete()
    known = {
        *Conversation.objects.filter(customer=customer).values_list("address", flat=True),
        *Message.objects.filter(customer=customer).values_list("address", flat=True).distinct(),
    } - {""}
    own = Q(message__customer=customer) | Q(address__in=[address.lower() for address in known])
    StoppedAddress.objects.filter(own).delete()
    for row in Reconciliation.objects.exclude(found=[]).iterator(chunk_size=200):
        others = [entry for entry in row.found if entry.get("other") not in known]
        if len(others) < len(row.found):
            Reconciliation.objects.filter(pk=row.pk).update(found=others)
    return ()


def _erase_attachments(customer: Customer, actor: Actor) -> Iterable[StoredFile]:
    """That there was a file stays, of its size and type. A file that a template or somebody else's message has too
    says nothing of this person, and stays there."""
    attachments = Attachment.objects.filter(message__customer=customer)
    elsewhere = Attachment.objects.filter(file=OuterRef("pk")).exclude(message__customer=customer)
    own = list(
        MediaFile.objects.filter(~Exists(elsewhere), attachments__in=attachments, templates__isnull=True).distinct()
    )
    files = [_stored(locked) for file in own for locked in (file.content, file.thumbnail) if locked.name]
    attachments.update(
        file=None, filename="", source_url="", content_id="", reason="", state=Attachment.State.FAILED, due_at=None,
        **released(),
    )  # fmt: skip
    MediaFile.objects.filter(pk__in=[file.pk for file in own]).delete()
    return files


def _stored(held: FieldFile) -> StoredFile:
    return StoredFile("", held.storage, held.name or "")


def sweep_arrivals(organization: Organization, words: Collection[str]) -> Iterable[StoredFile]:
    """What arrived and became no message (a copy of our own mail, a report, what was set aside) loses what it said.

    It stays known by its key, so that the same delivery does not bring the person back.
    """
    rows = Arrival.objects.filter(organization=organization, message=None).exclude(body=b"")
    # What still waits to be read is somebody who writes now.
    rows = rows.exclude(state=Arrival.State.PENDING)
    for row in rows.iterator(chunk_size=20):
        if _mentions(row, words):
            Arrival.objects.filter(pk=row.pk).update(
                body=b"", query="", outcome="", last_error="", state=Arrival.State.DONE, due_at=None, **released()
            )
    return ()


def _mentions(row: Arrival, words: Collection[str]) -> bool:
    """In the body as it came, as a form's values, and as it was read."""
    body = bytes(row.body)
    texts = [body.decode("utf-8", "replace"), unquote_plus(body.decode("latin-1")), row.last_error]
    # What can't be read was looked at as it came.
    with contextlib.suppress(Exception):
        texts.append(repr(payloads.parse(row.provider, row.type, body, kind=row.kind)))
    folded = "\n".join(texts).casefold()
    return any(word.casefold() in folded for word in words)


def _erase_arrivals(customer: Customer, actor: Actor) -> Iterable[StoredFile]:
    _arrivals_of(customer).update(body=b"", query="", outcome="", last_error="")
    return ()
