"""A message before it is queued: text or template, files, copies and fallback, checked against the channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from accounts.models import User
from core.refused import Refused
from customers.people.identities import services as identities
from messaging.channels.base import Capabilities, Kind
from messaging.channels.text import clean
from messaging.files import services as media
from messaging.files.kinds import is_shown_alone
from messaging.models import Attachment, Conversation, MailDetails, MediaFile, Message, Template
from messaging.texts import placeholders, rendering

MAX_COPIES: Final = 20


class InvalidText(Refused):
    """The text is empty or too long, or the channel would refuse a file or value; `field` names which."""

    field = "body"


@dataclass(frozen=True, slots=True)
class Composed:
    """A message as it will be queued."""

    body: str
    subject: str = ""
    provider_template_id: str = ""
    content_variables: Mapping[str, str] | None = None
    files: Sequence[MediaFile] = field(default_factory=tuple)
    cc: Sequence[str] = ()


def write(
    *,
    conversation: Conversation,
    body: str,
    subject: str,
    author: User | None,
    template: Template | None,
    variables: Mapping[str, str] | None,
    files: Sequence[MediaFile] | None,
    cc: Sequence[str],
    fallback_template: Template | None,
    fallback_variables: Mapping[str, str] | None,
) -> Composed:
    """Compose a message from its parts; without `files` they are the template's.

    Raises InvalidText, which names the field that is wrong.
    """
    capabilities = conversation.channel.capabilities
    rendered = None
    if template is not None:
        rendered = _rendered(conversation, template, variables, author, field="template")
        if files is None:
            files = list(template.files.all())
    elif variables:
        raise InvalidText("Variables are a template’s. Name the template, or leave them out.", field="variables")
    files = files or ()
    if fallback_template is not None:
        require_fallback(conversation, fallback_template, fallback_variables, author)
    if rendered is not None and rendered.provider_template_id:
        if files:
            raise InvalidText("An approved template carries its own files. Leave these out.", field="attachments")
        return Composed(rendered.body, "", rendered.provider_template_id, rendered.content_variables)
    text = clean(body).strip() or (rendered.body if rendered is not None else "")
    _require_text(capabilities, text, has_files=bool(files))
    _require_files(capabilities, files, text)
    return Composed(
        text,
        _subject(conversation, subject or (rendered.subject if rendered is not None else "")),
        files=tuple(files),
        cc=_copies(conversation, cc),
    )


def attach(message: Message, written: Composed) -> None:
    """The rows that go with a message: its files, and whom else the mail goes to."""
    Attachment.objects.bulk_create(
        Attachment(
            organization_id=message.organization_id,
            message=message,
            position=position,
            file=file,
            content_type=file.content_type,
            filename=file.name,
            size=file.size,
            state=Attachment.State.STORED,
        )
        for position, file in enumerate(written.files)
    )
    if written.cc:
        MailDetails.objects.create(organization_id=message.organization_id, message=message, cc=list(written.cc))


def require_fallback(
    conversation: Conversation, template: Template, variables: Mapping[str, str] | None, author: User | None
) -> None:
    """Whether a template can stand in when the reply window has closed. Raises InvalidText."""
    if not template.is_content:
        raise InvalidText("The fallback has to be an approved template.", field="fallback_template")
    _rendered(conversation, template, variables, author, field="fallback_template")


def render_for(message: Message, template: Template, variables: Mapping[str, str] | None) -> rendering.Rendered:
    """A template filled in for a message that waits. Raises InvalidText."""
    return _rendered(message.conversation, template, variables, message.author, field="fallback_template")


def _rendered(
    conversation: Conversation,
    template: Template,
    variables: Mapping[str, str] | None,
    author: User | None,
    *,
    field: str,
) -> rendering.Rendered:
    if template.channel != conversation.channel.kind:
        label = conversation.channel.capabilities.label
        raise InvalidText(f"“{template.name}” is no template for {label}. Choose one of that channel.", field=field)
    if not template.can_be_sent:
        status = template.get_content_status_display().lower()
        raise InvalidText(f"“{template.name}” can’t be sent: it is {status}. Choose another template.", field=field)
    try:
        return rendering.render(template=template, customer=conversation.customer, agent=author, variables=variables)
    except rendering.InvalidVariable as error:
        raise InvalidText(str(error), field=field.replace("template", "variables")) from error
    except placeholders.MissingValue as error:
        raise InvalidText(str(error), field=field) from error


def _require_text(capabilities: Capabilities, text: str, *, has_files: bool) -> None:
    limit = capabilities.max_length
    if not text and not has_files:
        raise InvalidText("Write something first.")
    if limit and len(text) > limit:
        raise InvalidText(f"{capabilities.label} takes at most {limit} characters; this has {len(text)}.")


def _require_files(capabilities: Capabilities, files: Sequence[MediaFile], text: str) -> None:
    if not files:
        return
    if capabilities.max_files and len(files) > capabilities.max_files:
        most = "one file" if capabilities.max_files == 1 else f"{capabilities.max_files} files"
        raise InvalidText(
            f"{capabilities.label} takes {most} in a message; send the others after it.", field="attachments"
        )
    try:
        for file in files:
            media.require_sendable(capabilities, name=file.name, content_type=file.content_type, size=file.size)
    except media.InvalidUpload as error:
        raise InvalidText(str(error), field="attachments") from error
    if text and capabilities.kind == Kind.WHATSAPP and is_shown_alone(files[0]):
        raise InvalidText(
            "WhatsApp shows no text with this kind of file. Send the text by itself.", field="attachments"
        )


def goes_without_text(conversation: Conversation, file: MediaFile) -> bool:
    """Whether the channel shows a file of this kind only without a text."""
    return conversation.channel.kind == Kind.WHATSAPP and is_shown_alone(file)


def _subject(conversation: Conversation, requested: str) -> str:
    """As given; an answer without one carries on the conversation's."""
    if not conversation.channel.capabilities.has_subject:
        return ""
    subject = " ".join(clean(requested).split())[:500]
    if subject:
        return subject
    last = conversation.messages.exclude(subject="").order_by("-created_at", "-id").values_list("subject", flat=True)
    return answering(last.first() or "")


def answering(subject: str) -> str:
    """The subject of an answer to a mail with this one; empty for none."""
    return subject if not subject or subject[:3].lower() == "re:" else f"Re: {subject}"[:500]


def _copies(conversation: Conversation, cc: Sequence[str]) -> list[str]:
    if not cc:
        return []
    if conversation.channel.kind != Kind.EMAIL:
        raise InvalidText("Only an e-mail has copies.", field="cc")
    if len(cc) > MAX_COPIES:
        raise InvalidText(f"At most {MAX_COPIES} copies.", field="cc")
    try:
        return list(dict.fromkeys(identities.email(address).value.lower() for address in cc))
    except identities.InvalidAddress as error:
        raise InvalidText(str(error), field="cc") from error
