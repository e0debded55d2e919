"""The files of a message that came: those whose bytes came along are kept, the others are fetched."""

from __future__ import annotations

import io
from collections.abc import Sequence

from django.conf import settings

from core import clock
from core.jobs import wake_up
from messaging.channels import registry
from messaging.channels.abilities import FetchesMedia
from messaging.channels.base import ReceivedFile, ReceivedMessage
from messaging.files import fetching
from messaging.files import services as media
from messaging.models import Attachment, Message


def count(received: ReceivedMessage) -> int:
    return len(received.media) + len(_along(received))


def store(message: Message, received: ReceivedMessage) -> None:
    """The rows of a message's files; those at the provider are rung for."""
    provider = registry.provider(message.channel.provider)
    can_fetch = isinstance(provider, FetchesMedia)
    rows = [
        Attachment(
            organization=message.organization,
            message=message,
            position=position,
            content_type=there.content_type[:100],
            filename=there.filename[:255],
            size=there.size,
            source_url=there.url,
            due_at=clock.now() if can_fetch else None,
            state=Attachment.State.REMOTE if can_fetch else Attachment.State.FAILED,
            reason="" if can_fetch else "It lies elsewhere, and is not fetched from there.",
        )
        for position, there in enumerate(received.media)
    ]
    rows += [
        _stored(message, file, position) for position, file in enumerate(_along(received), start=len(received.media))
    ]
    Attachment.objects.bulk_create(rows)
    if received.media and can_fetch:
        wake_up(fetching.FETCH)


def _along(received: ReceivedMessage) -> Sequence[ReceivedFile]:
    return received.mail.files if received.mail is not None else received.files


def _stored(message: Message, file: ReceivedFile, position: int) -> Attachment:
    row = Attachment(
        organization=message.organization,
        message=message,
        position=position,
        content_type=file.content_type[:100],
        filename=media.safe_name(file.filename),
        size=len(file.content),
        content_id=file.content_id[:255],
        is_inline=file.is_inline,
        state=Attachment.State.STORED,
    )
    if len(file.content) > settings.MEDIA_MAX_BYTES:
        most = settings.MEDIA_MAX_BYTES // 1_000_000
        row.state, row.reason = Attachment.State.FAILED, f"It is larger than {most} MB, and was not kept."
        return row
    row.file = media.store(
        organization=message.organization,
        content=io.BytesIO(file.content),
        name=file.filename,
        content_type=file.content_type,
        size=len(file.content),
    )
    row.content_type = row.file.content_type
    return row
