"""Reading mailboxes: each mail is stored as an arrival in the transaction that moves the cursor past it.

So a worker may die anywhere: what was kept is not read again, and what was not kept is. A mail that can't be read is an
arrival all the same, set aside where an administrator sees it; it is in nobody's way.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy

from activity.actor import SYSTEM, acting_as
from core import clock, queues
from core.claims import reason_of, released, settle
from core.encryption import DecryptionFailed
from core.jobs import stopping, wake_up
from core.sweeps import sweep
from core.tenancy import organization_scope
from messaging import alerts
from messaging.channels import registry
from messaging.channels.abilities import FetchedMail, OpenMailbox, ReadsMailbox
from messaging.channels.base import Retry, SendError
from messaging.channels.text import clean
from messaging.inbound_deliveries.store import store
from messaging.intake import processing
from messaging.models import Arrival, Channel, Mailbox

READ: Final = "messaging.tasks.read_mailboxes"
LEASE = timedelta(minutes=1)
MAX_DURATION = timedelta(minutes=20)
AT_ONCE = 200
# After a failure the next look is later and later, up to this.
MAX_PAUSE = timedelta(minutes=15)
# Where all UIDs mean other mails, what came in this time is looked at again; what is known already is not kept twice.
LOOK_BACK = timedelta(days=2)


class _ClaimLost(Exception):
    pass


def set_up(channel: Channel) -> None:
    """Start or stop reading a channel's mailbox; called when the channel was created or changed."""
    provider = registry.provider(channel.provider)
    folder = ""
    if channel.is_enabled and isinstance(provider, ReadsMailbox):
        folder = provider.mailbox_folder(channel.credentials or {})
    if not folder:
        Mailbox.objects.filter(channel=channel).update(due_at=None, **released())
        return
    now = clock.now()
    row, is_new = Mailbox.objects.get_or_create(
        channel=channel, defaults={"organization": channel.organization, "folder": folder, "due_at": now}
    )
    if not is_new:
        changes = {} if row.folder == folder else {"folder": folder, "uidvalidity": None, "last_uid": 0}
        Mailbox.objects.filter(pk=row.pk).update(due_at=now, failures=0, last_error="", **released(), **changes)
    wake_up(READ)


def read_due() -> int:
    """Read every mailbox that is due; returns how many."""
    return sweep(QUEUE)


def _boxes() -> QuerySet[Mailbox]:
    return Mailbox.objects.select_related("organization", "channel__organization")


def _read(box: Mailbox) -> None:
    with organization_scope(box.organization), acting_as(SYSTEM):
        channel = box.channel
        provider = registry.provider(channel.provider)
        if not (channel.is_enabled and isinstance(provider, ReadsMailbox)):
            settle(box)
            return
        try:
            account = channel.as_account()
            with provider.open_mailbox(account) as mailbox:
                has_more = _take(box, mailbox)
        except _ClaimLost:
            return
        except DecryptionFailed:
            _failed(box, SendError("credentials", "The channel’s secrets can’t be read.", Retry.FIX))
        except SendError as error:
            _failed(box, error)
        else:
            pause = timedelta(0) if has_more else timedelta(seconds=settings.MAIL_POLL_SECONDS)
            now = clock.now()
            if settle(box, due_at=now + pause, checked_at=now, failures=0, last_error="", attempts=0):
                alerts.resolve(channel, subject="imap")
            if has_more:
                wake_up(READ)


def _take(box: Mailbox, mailbox: OpenMailbox) -> bool:
    """Store new mails; True where there are more than one run takes."""
    if box.uidvalidity is None:
        # From now on: what lies there already was read by somebody before Parley.
        _move(box, uidvalidity=mailbox.uidvalidity, last_uid=max(mailbox.uidnext - 1, 0))
        return False
    oldest = None
    if box.uidvalidity != mailbox.uidvalidity:
        oldest = _begun(box)
        since = (box.newest_at or box.checked_at or clock.now()) - LOOK_BACK
        uids = mailbox.since(since.date())
        first = min(uids, default=mailbox.uidnext) - 1
        _move(box, uidvalidity=mailbox.uidvalidity, last_uid=max(first, 0))
    taken = 0
    for mail in mailbox.fetch_after(box.last_uid, limit=AT_ONCE, largest=settings.MAIL_MAX_BYTES):
        if oldest is not None and mail.received_at is not None and mail.received_at < oldest:
            _move(box, last_uid=mail.uid)
        else:
            _keep(box, mail)
        taken += 1
        if stopping():
            return True
    return taken >= AT_ONCE


def _begun(box: Mailbox) -> datetime:
    """The moment before which mails are ignored; to the second, as the server dates its mails."""
    return box.channel.created_at.replace(microsecond=0)


def _keep(box: Mailbox, mail: FetchedMail) -> None:
    """Store one mail and move the cursor, in one transaction, behind the fence."""
    raw = mail.raw
    with transaction.atomic():
        store(
            key=_key(box, mail),
            provider=box.channel.provider,
            kind=box.channel.kind,
            arrival_type=Arrival.Type.MESSAGE,
            body=raw if raw is not None else mail.headers,
            query=f"mailbox={box.pk}&uid={mail.uid}{'' if raw is not None else f'&{processing.HEAD_ONLY}'}",
            channel=box.channel,
            set_aside="" if raw is not None else _too_large(mail),
        )
        newest = max(filter(None, (box.newest_at, _plausible(mail.received_at))), default=None)
        _move(box, last_uid=mail.uid, newest_at=newest)


def _move(box: Mailbox, **changes: object) -> None:
    """Move the cursor and renew the claim. Raises _ClaimLost where another worker has the mailbox by now."""
    until = clock.now() + LEASE
    rows = Mailbox.objects.filter(pk=box.pk, claim_token=box.claim_token)
    if rows.update(due_at=until, **changes) != 1:
        raise _ClaimLost
    for name, value in changes.items():
        setattr(box, name, value)


def _key(box: Mailbox, mail: FetchedMail) -> str:
    """The same mail in two of our mailboxes, or in one that was made anew, is one: by its id and what it says.

    A Message-ID alone is anybody's to write, and some forms give all of their mails the same: with the fields beside it
    and the text below, no mail hides another.
    """
    raw = mail.raw if mail.raw is not None else mail.headers
    head, _, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    named = dict.fromkeys((b"message-id", b"from", b"reply-to", b"date", b"subject"), b"")
    for line in head.replace(b"\n ", b" ").replace(b"\n\t", b" ").split(b"\n"):
        name, colon, value = line.partition(b":")
        if colon and name.strip().lower() in named and not named[name.strip().lower()]:
            named[name.strip().lower()] = b" ".join(value.split())
    if not named[b"message-id"]:
        return f"mail:{box.organization_id}:{hashlib.sha256(mail.raw or mail.headers).hexdigest()}"
    text = b"\n".join([*named.values(), hashlib.sha256(body.rstrip()).digest()])
    return f"mail:{box.organization_id}:{hashlib.sha256(text).hexdigest()}"


def _too_large(mail: FetchedMail) -> str:
    return (
        f"This mail has {mail.size // 1_000_000} MB, more than {settings.MAIL_MAX_BYTES // 1_000_000}. Read it there."
    )


def _plausible(moment: datetime | None) -> datetime | None:
    return moment if moment is not None and moment <= clock.now() + timedelta(days=1) else None


def _failed(box: Mailbox, error: SendError) -> None:
    """Schedule another try, less and less often. One that lasts, or has to be corrected, raises an alert."""
    pause = min(timedelta(seconds=settings.MAIL_POLL_SECONDS) * 2 ** min(box.failures, 10), MAX_PAUSE)
    text = clean(error.message)[:500] or reason_of(error, length=500)
    is_settled = settle(
        box, due_at=clock.now() + pause, checked_at=clock.now(), failures=box.failures + 1, last_error=text
    )
    if is_settled and (error.retry is Retry.FIX or box.failures >= alerts.AFTER_FAILURES):
        alerts.raise_alert(box.channel, code=error.code, text=text, subject="imap")


def set_aside(box: Mailbox, reason: str) -> None:
    """Stop reading a mailbox: the channel's page says why, and saving the channel starts it again."""
    with organization_scope(box.organization), acting_as(SYSTEM):
        if settle(box, checked_at=clock.now(), failures=box.failures + 1, last_error=reason):
            text = f"{reason} An administrator can save the channel to have it read again."
            alerts.raise_alert(box.channel, code="set_aside", text=text, subject="imap")


def _set_aside_rows() -> QuerySet[Mailbox]:
    return Mailbox.objects.filter(due_at=None, channel__is_enabled=True).exclude(last_error="")


QUEUE = queues.register(
    queues.Queue(
        name="mailboxes",
        model=Mailbox,
        rows=_boxes,
        work=_read,
        set_aside=set_aside,
        why="mailboxes of all organizations are read by one sweep",
        lease=LEASE,
        goes_on_suspended=True,
        longest=MAX_DURATION,
        for_members=queues.ForMembers(
            where=gettext_lazy("as an alert of its channel: read again once the channel is saved"),
            query="due_at__isnull=True",
            rows=_set_aside_rows,
        ),
    )
)
