"""Fetching files from providers: claimed, downloaded into a file, stored behind the fence.

A worker that dies anywhere leaves a row that is due again when its lease ends; what it had written to the disk and not
yet into the database belongs to nothing, and is named by nobody.
"""

from __future__ import annotations

import tempfile
from datetime import timedelta
from typing import IO, Final

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy

from activity.actor import SYSTEM, acting_as
from activity.ledger import record
from core import clock, queues
from core.claims import backoff, released, settle
from core.encryption import DecryptionFailed
from core.sweeps import sweep
from core.tenancy import organization_scope
from messaging import events
from messaging.channels import registry
from messaging.channels.abilities import FetchedMedia, FetchError, FetchesMedia
from messaging.channels.base import final
from messaging.channels.text import clean
from messaging.files import services as media
from messaging.models import Attachment, Message

FETCH = "messaging.tasks.fetch_media"
LEASE = timedelta(minutes=1)
MAX_DURATION = timedelta(minutes=20)
# A provider may not have its own file in the first seconds; later it is a trouble that passes.
RETRIES: Final = [timedelta(seconds=seconds) for seconds in (2, 10, 30, 120, 600, 3600, 6 * 3600)]
MAX_WAIT = timedelta(days=1)
IN_MEMORY = 1_000_000
# Never kept, whatever it is called: nothing that a person sends to a clinic, and dangerous to whoever opens it.
_REFUSED: Final = (
    "application/x-msdownload", "application/x-dosexec", "application/x-sh", "application/x-executable",
    "application/vnd.microsoft.portable-executable", "application/java-archive", "application/x-msi",
    "application/vnd.android.package-archive", "application/x-bat",
)  # fmt: skip


class _ClaimLost(Exception):
    pass


def fetch_due() -> int:
    """Fetch every file that is due; how many were tried."""
    return sweep(QUEUE)


def try_again(attachment: Attachment) -> bool:
    """Fetch one that failed once more; False where it did not fail, or is nowhere to be fetched from."""
    failed = Attachment.objects.filter(pk=attachment.pk, state=Attachment.State.FAILED).exclude(source_url="")
    return failed.update(state=Attachment.State.REMOTE, due_at=clock.now(), attempts=0, reason="", **released()) == 1


def _remote() -> QuerySet[Attachment]:
    rows = Attachment.objects.filter(state=Attachment.State.REMOTE)
    return rows.select_related("organization", "message__channel", "message__customer")


def _fetch(row: Attachment) -> None:
    with organization_scope(row.organization), acting_as(SYSTEM):
        if row.message.customer.is_deleted:
            settle(row, state=Attachment.State.FAILED, reason="The customer was deleted before the file was fetched.")
            return
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as draft:
            try:
                fetched = _into(draft, row)
                _require_welcome(fetched.content_type or row.content_type)
            except FetchError as error:
                _again_or_never(row, error)
                return
            draft.seek(0)
            try:
                _keep(row, draft, fetched)
            except _ClaimLost:
                return


def _into(draft: IO[bytes], row: Attachment) -> FetchedMedia:
    channel = row.message.channel
    provider = registry.provider(channel.provider)
    if not isinstance(provider, FetchesMedia) or not row.source_url:
        raise FetchError("not_here", "There is no way to fetch files from this channel.", is_final=True)
    try:
        account = channel.as_account()
    except DecryptionFailed as error:
        text = "The channel’s secrets can’t be read. An administrator can put the key back."
        raise FetchError("credentials", text, is_final=False) from error
    return provider.fetch_media(account, row.source_url, into=draft, max_bytes=settings.MEDIA_MAX_BYTES)


def _require_welcome(content_type: str) -> None:
    if content_type.lower().startswith(_REFUSED):
        raise FetchError("type", "It is a program, and was not kept. Ask for a picture or a PDF.", is_final=True)


def _keep(row: Attachment, draft: IO[bytes], fetched: FetchedMedia) -> None:
    content_type = fetched.content_type or row.content_type
    with media.all_or_nothing(), transaction.atomic():
        stored = media.store(
            organization=row.organization,
            content=draft,
            name=row.filename or fetched.filename or default_name(content_type),
            content_type=content_type,
            size=fetched.size,
        )
        is_settled = settle(
            row,
            state=Attachment.State.STORED,
            file=stored,
            content_type=stored.content_type,
            filename=stored.name,
            size=stored.size,
            reason="",
        )
        if not is_settled:
            raise _ClaimLost
        _report(row)


def _again_or_never(row: Attachment, error: FetchError) -> None:
    wait = None if error.is_final else backoff(row.attempts, RETRIES)
    reason = clean(error.message)[:300]
    with transaction.atomic():
        if wait is None:
            if settle(row, state=Attachment.State.FAILED, reason=final(reason)[:300]):
                _report(row)
            return
        longer = max(wait, min(error.retry_after, MAX_WAIT)) if error.retry_after else wait
        settle(row, due_at=clock.now() + longer, reason=reason)


def set_aside(row: Attachment, reason: str) -> None:
    """Stop fetching a file; the thread shows why, and a person can have it fetched again."""
    with organization_scope(row.organization), transaction.atomic():
        if settle(row, state=Attachment.State.FAILED, reason=reason[:300]):
            _report(row)


def _report(row: Attachment) -> None:
    """Report the change, so that open threads show it."""
    Message.objects.filter(pk=row.message_id).update(changed_at=clock.now())
    payload = {"conversation": str(row.message.conversation_id), "attachment": str(row.pk), "state": row.state}
    record(events.FILE_FETCHED, subject=row.message, actor=SYSTEM, payload=payload)


def default_name(content_type: str) -> str:
    """What a file without a name is called."""
    major, _, minor = content_type.partition("/")
    endings = {"jpeg": "jpg", "mpeg": "mp3", "plain": "txt", "vcard": "vcf", "x-vcard": "vcf", "3gpp": "3gp"}
    words = {"image": "picture", "audio": "recording", "video": "video"}
    ending = endings.get(minor, minor if minor.isalnum() and len(minor) <= 5 else "bin")
    return f"{words.get(major, 'file')}.{ending}"


QUEUE = queues.register(
    queues.Queue(
        name="files",
        model=Attachment,
        rows=_remote,
        work=_fetch,
        set_aside=set_aside,
        why="files of all organizations are fetched by one sweep",
        lease=LEASE,
        goes_on_suspended=True,
        longest=MAX_DURATION,
        for_members=queues.ForMembers(
            where=gettext_lazy("in its message: fetched again there"),
            query="state__exact=failed",
        ),
    )
)
