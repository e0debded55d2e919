"""A queued message as an adapter sees it: its text with the signature, its files, its place in a thread."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import IO, Any, Final

from accounts.models import Member
from messaging.channels.base import Kind, OutgoingFile, OutgoingMessage
from messaging.files import links
from messaging.inbound_deliveries import addresses
from messaging.models import Attachment, MailDetails, MediaFile, Message
from messaging.texts import placeholders
from messaging.threads import mail_threads

AUTOMATIC: Final = (Message.Origin.WORKFLOW, Message.Origin.SEQUENCE)
MAX_SIGNATURE_LENGTH: Final = 2_000
MAX_EARLIER: Final = 10


def build(message: Message) -> OutgoingMessage:
    """The message for its provider; reads only what this kind of channel needs."""
    quoted = message.reply_to
    is_automatic = message.origin in AUTOMATIC
    mail: dict[str, Any] = {}
    if message.channel.kind == Kind.EMAIL:
        mail = _mail(message, is_automatic=is_automatic)
    return OutgoingMessage(
        id=str(message.pk),
        to=message.address,
        subject=message.subject,
        status_callback_url=addresses.status_callback_url(message),
        is_automatic=is_automatic,
        files=_files(message),
        provider_template_id=message.provider_template_id,
        content_variables=message.content_variables or {},
        **{"body": message.body, "in_reply_to": quoted.provider_message_id if quoted else "", **mail},
    )


def signature_of(message: Message) -> str:
    """The author's own signature below what they wrote, else the channel's with their name; empty for none."""
    own = _own_signature(message)
    if own:
        return own
    text = str(message.channel.settings.get("signature") or "")[:MAX_SIGNATURE_LENGTH].strip()
    if not text:
        return ""
    author = message.author
    values = {
        "agent.name": author.get_full_name() if author is not None else message.organization.name,
        "organization": message.organization.name,
    }
    try:
        return placeholders.render(text, values)
    except (placeholders.InvalidPlaceholder, placeholders.MissingValue):
        return text


def _own_signature(message: Message) -> str:
    if message.author_id is None or message.origin != Message.Origin.PERSON:
        return ""
    members = Member.objects.filter(organization=message.organization_id, user=message.author_id)
    return str(members.values_list("signature", flat=True).first() or "")[:MAX_SIGNATURE_LENGTH].strip()


def _mail(message: Message, *, is_automatic: bool) -> dict[str, object]:
    answered, references = _thread(message)
    signature = signature_of(message)
    copies = MailDetails.objects.filter(message=message).values_list("cc", flat=True).first() or []
    return {
        # The mark that every mail program knows, so that an answer can leave the signature out.
        "body": f"{message.body}\n\n-- \n{signature}" if signature else message.body,
        "in_reply_to": answered,
        "references": references,
        "cc": copies,
        "reply_to_address": mail_threads.reply_address(message.conversation, message.channel),
        "unsubscribe_url": links.unsubscribe_url(message) if is_automatic else "",
    }


def _thread(message: Message) -> tuple[str, Sequence[str]]:
    """The Message-IDs of the answered mail (the quoted one, else the last of the thread) and of those before it."""
    answered = message.reply_to
    messages = Message.objects.filter(
        conversation=message.conversation_id, is_private=False, created_at__lt=message.created_at
    ).exclude(provider_message_id="")
    if answered is None:
        answered = messages.order_by("-created_at", "-id").first()
    if answered is None or not answered.provider_message_id:
        return "", ()
    before = MailDetails.objects.filter(message=answered).values_list("references", flat=True).first()
    if not before:
        # Ours have no list of references: the earlier messages of the thread.
        earlier = messages.filter(created_at__lt=answered.created_at).order_by("-created_at", "-id")
        before = [*reversed(earlier.values_list("provider_message_id", flat=True)[:MAX_EARLIER])]
    return answered.provider_message_id, before


def _files(message: Message) -> list[OutgoingFile]:
    if not message.extra.get("media_count"):
        return []
    rows = Attachment.objects.filter(message=message, state=Attachment.State.STORED, file__isnull=False)
    return [
        OutgoingFile(
            filename=row.filename,
            content_type=row.content_type,
            size=row.size or 0,
            url=links.file_url(row.file),
            open=partial(_open, row.file),
        )
        for row in rows.select_related("file").order_by("position")
        if row.file is not None
    ]


def _open(file: MediaFile) -> IO[bytes]:
    opened: IO[bytes] = file.content.open("rb")
    return opened
