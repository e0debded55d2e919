"""Files of messages: storing them with thumbnails, checking uploads, and deleting unused ones."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import IO, Final
from uuid import UUID

from django.core.files.base import ContentFile, File
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError, QuerySet
from django.utils import timezone
from PIL import Image, ImageOps, UnidentifiedImageError

from accounts.models import Organization
from activity.actor import Actor
from core.refused import Refused
from core.tenancy import every_organization
from messaging.channels.base import Capabilities
from messaging.models import MediaFile
from messaging.models.media import DISPLAYABLE_PICTURES

logger = logging.getLogger(__name__)

THUMBNAIL = (480, 480)
# A picture of more pixels than this is kept, but not opened: it could be a bomb.
MAX_PIXELS: Final = 60_000_000
# Of a format that can't be read at a smaller scale: a WebP takes 16 bytes for each of them.
MAX_PIXELS_AT_ONCE: Final = 25_000_000
# What was uploaded and never sent, or has no message any more, is thrown away after so long.
UNUSED_RETENTION = timedelta(days=1)
TIDIED_AT_ONCE = 200
# The formats that we open; Pillow knows many more, some of them with a history.
_FORMATS: Final = ("JPEG", "PNG", "GIF", "WEBP")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f/\\\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]*/[a-z0-9][a-z0-9.+-]*")
# Not what a team sends or wants to be sent, and what a mail server would refuse anyway.
_PROGRAMS: Final = (".exe", ".bat", ".cmd", ".com", ".scr", ".msi", ".js", ".vbs", ".ps1", ".jar", ".app", ".apk")


# What was kept in the transaction that is open, where somebody wants to know.
_stored: ContextVar[list[MediaFile] | None] = ContextVar("kept", default=None)


class InvalidUpload(Refused):
    """A file that can't be sent on this channel; the text says why and what would do."""

    field = "attachments"


@dataclass(frozen=True, slots=True)
class _Picture:
    width: int
    height: int
    thumbnail: bytes


def store(
    *,
    organization: Organization,
    content: IO[bytes],
    name: str,
    content_type: str,
    size: int,
    actor: Actor | None = None,
) -> MediaFile:
    """Keep a file, with a thumbnail where it is a picture. A type that is no type becomes a plain download."""
    normalized_type = content_type.partition(";")[0].strip().lower()
    row = MediaFile(
        organization=organization,
        name=safe_name(name),
        content_type=normalized_type
        if _TYPE.fullmatch(normalized_type) and len(normalized_type) <= 100
        else "application/octet-stream",
        size=size,
        uploaded_by_id=actor.user_id if actor else None,
    )
    row.content.save("", File(content), save=False)
    try:
        picture = _opened(content) if row.content_type in DISPLAYABLE_PICTURES else None
        if picture is not None:
            row.width, row.height = picture.width, picture.height
            row.thumbnail.save("", ContentFile(picture.thumbnail), save=False)
        elif row.content_type in DISPLAYABLE_PICTURES:
            row.content_type = "application/octet-stream"  # it says that it is a picture, and is none
        row.save(force_insert=True)
        if (files := _stored.get()) is not None:
            files.append(row)
    except BaseException:
        _delete_contents([row])
        raise
    return row


@contextmanager
def all_or_nothing() -> Generator[None]:
    """Around a transaction: when it ends by an exception, what was kept in it leaves the disk as its rows do."""
    outer, files = _stored.get(), []  # type: ignore[var-annotated]
    token = _stored.set(files)
    try:
        yield
    except BaseException:
        _delete_contents(files)
        raise
    finally:
        _stored.reset(token)
    if outer is not None:
        outer.extend(files)


def upload(
    *, organization: Organization, content: File, name: str, content_type: str, capabilities: Capabilities, actor: Actor
) -> MediaFile:
    """Take a file that is to be sent on a channel with these abilities. Raises InvalidUpload, which says why not."""
    size = content.size or 0
    require_sendable(capabilities, name=name, content_type=content_type, size=size)
    return store(
        organization=organization, content=content, name=name, content_type=content_type, size=size, actor=actor
    )


def require_sendable(capabilities: Capabilities, *, name: str, content_type: str, size: int) -> None:
    """Raises InvalidUpload for a file that the channel would not take."""
    label = capabilities.label
    if not capabilities.max_files:
        raise InvalidUpload(f"{label} takes no files. Send a link instead.")
    if not size:
        raise InvalidUpload(f"“{safe_name(name)}” is empty. Choose another file.")
    if size > capabilities.max_file_bytes:
        most = capabilities.max_file_bytes // 1_000_000
        raise InvalidUpload(f"“{safe_name(name)}” is too large: {label} takes files of at most {most} MB.")
    if safe_name(name).lower().endswith(_PROGRAMS):
        raise InvalidUpload(f"“{safe_name(name)}” is a program. It would not be delivered; send a document or a link.")
    if capabilities.file_types and not content_type.lower().startswith(tuple(capabilities.file_types)):
        raise InvalidUpload(
            f"“{safe_name(name)}” is a kind of file that {label} does not take. "
            "Send a JPEG or PNG picture, a PDF, an audio file or an Office document."
        )


def safe_name(name: str) -> str:
    """A name that can stand in a header and on a disk of whoever saves it."""
    cleaned = _UNSAFE.sub("_", name.replace("\\", "/").rpartition("/")[2]).strip(" .")
    if len(cleaned) > 120:
        stem, dot, ending = cleaned.rpartition(".")
        cleaned = f"{stem[:100]}{dot}{ending[:19]}" if dot else cleaned[:120]
    return cleaned or "file"


def unused(files: Sequence[UUID], *, organization: Organization, actor: Actor) -> list[MediaFile]:
    """The files with these ids that this actor uploaded and that no message has yet, in that order.

    A key's are those that nobody in person uploaded. Raises InvalidUpload for any other: somebody else's file must not
    leave by its id.
    """
    rows = {
        row.pk: row
        for row in MediaFile.objects.filter(
            organization=organization,
            pk__in=files,
            uploaded_by=UUID(actor.user_id) if actor.user_id else None,
            attachments__isnull=True,
            # What is older is thrown away at any moment, and may be what is left of a message that was deleted.
            created_at__gte=timezone.now() - UNUSED_RETENTION,
        )
    }
    if missing := [pk for pk in files if pk not in rows]:
        raise InvalidUpload(f"A file is not there any more ({missing[0]}). Attach it again.")
    return [rows[pk] for pk in dict.fromkeys(files)]


def tidy() -> int:
    """Delete files that belong to no message and no template; returns how many."""
    with every_organization("what nobody needs is thrown away for all"):
        old = MediaFile.objects.filter(
            created_at__lt=timezone.now() - UNUSED_RETENTION, attachments__isnull=True, templates__isnull=True
        )
        keys = list(old.order_by("created_at").values_list("pk", flat=True)[:TIDIED_AT_ONCE])
        return sum(_throw_away(old, key) for key in keys)


def _throw_away(unused_ones: QuerySet[MediaFile], key: UUID) -> bool:
    """Delete one by one: a file that is being sent at this moment stays, and the others are deleted."""
    try:
        with transaction.atomic():
            row = unused_ones.select_for_update(of=("self",), no_key=True).filter(pk=key).first()
            if row is None:
                return False
            row.delete()
            transaction.on_commit(partial(_delete_contents, [row]), robust=True)
    except (ProtectedError, IntegrityError):
        return False
    return True


def _delete_contents(rows: Sequence[MediaFile]) -> None:
    for row in rows:
        for locked in (row.content, row.thumbnail):
            if locked.name:
                locked.storage.delete(locked.name)


def _opened(content: IO[bytes]) -> _Picture | None:
    """Size and thumbnail of a picture; None for what is none, is broken, or is too large to be opened."""
    try:
        content.seek(0)
        with Image.open(content, formats=_FORMATS) as picture:
            width, height = picture.size
            if width * height > (MAX_PIXELS if picture.format == "JPEG" else MAX_PIXELS_AT_ONCE):
                return None
            picture.draft("RGB", THUMBNAIL)
            # Made small before anything else is done with it: each step on the whole would be a copy of the whole.
            picture.thumbnail(THUMBNAIL)
            upright = ImageOps.exif_transpose(picture)
            if (upright.width > upright.height) is not (picture.width > picture.height):
                width, height = height, width
            drawn = io.BytesIO()
            # Drawn anew: where a photograph was taken does not travel with its thumbnail.
            upright.convert("RGBA" if "A" in upright.getbands() or "transparency" in upright.info else "RGB").save(
                drawn, "WEBP", quality=80
            )
            return _Picture(width, height, drawn.getvalue())
    except (OSError, ValueError, SyntaxError, EOFError, UnidentifiedImageError, Image.DecompressionBombError):
        return None
    except Exception:
        logger.warning("picture_not_opened", exc_info=True)
        return None
