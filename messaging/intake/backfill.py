"""Backfill: messages and statuses whose webhooks never came are read from the provider's list, exactly once.

What is found takes the way of every webhook: it is stored as the arrival that the webhook would have been, under the
same key, and worked on like it. So it does not matter which of the two comes first, or whether both do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_lazy

from accounts.models import User
from activity.actor import SYSTEM, Actor, acting_as
from activity.ledger import record
from core import clock, queues
from core.claims import backoff, settle
from core.encryption import DecryptionFailed
from core.jobs import wake_up
from core.refused import Refused
from core.sweeps import sweep
from core.tenancy import every_organization, organization_scope
from messaging import events
from messaging.channels import registry
from messaging.channels.abilities import ListedMessage, ListsMessages
from messaging.channels.base import Retry, SendError
from messaging.channels.text import clean
from messaging.inbound_deliveries.store import store, webhook_key
from messaging.intake import sent_elsewhere
from messaging.models import Arrival, Channel, Message, Reconciliation

CATCH_UP: Final = "messaging.tasks.run_backfills"
EVERY = timedelta(days=1)
# Each asking overlaps the one before: a provider lists a message later than it dates it.
OVERLAP = timedelta(hours=6)
MAX_RANGE = timedelta(days=30)
LEASE = timedelta(minutes=2)
MAX_DURATION = timedelta(hours=1)
RETRIES: Final = [timedelta(minutes=2), timedelta(minutes=10), timedelta(hours=1)]
CHUNK: Final = 200
MAX_LISTED: Final = 200
# What was sent a moment ago is still on its way through us.
GRACE = timedelta(minutes=15)

State = Reconciliation.State


class CannotBackfill(Refused):
    """The channel's provider has no list, or it is being asked already; the text says which."""

    status = 409


@dataclass
class _Tally:
    inbound_listed: int = 0
    inbound_found: int = 0
    outbound_listed: int = 0
    statuses_found: int = 0
    elsewhere_found: int = 0
    found: list[dict[str, object]] = field(default_factory=list)

    def note(self, listed: ListedMessage, kind: str) -> None:
        if len(self.found) < MAX_LISTED:
            self.found.append(
                {"kind": kind, "id": listed.provider_message_id, "other": listed.other, "at": listed.at.isoformat(),
                 "status": listed.raw_status}
            )  # fmt: skip


def can_backfill(channel: Channel) -> bool:
    return isinstance(registry.provider(channel.provider), ListsMessages)


def request_backfill(
    *,
    channel: Channel,
    actor: Actor,
    since: datetime | None = None,
    until: datetime | None = None,
    asked_by: User | None = None,
) -> Reconciliation:
    """Schedule a backfill; by default for the last day, or since the last one.

    Raises CannotBackfill.
    """
    if not can_backfill(channel):
        raise CannotBackfill("This provider keeps no list that can be asked.")
    now = clock.now()
    end = min(until or now, now)
    begin = max(since or _last_time(channel, now), end - MAX_RANGE)
    if begin >= end:
        raise CannotBackfill("The range is empty: choose a beginning before its end.")
    try:
        with transaction.atomic():
            row = Reconciliation.objects.create(
                organization_id=channel.organization_id,
                channel=channel,
                since=begin,
                until=end,
                asked_by=asked_by,
                due_at=now,
            )
    except IntegrityError as error:
        raise CannotBackfill("The provider is being asked already; the result will stand here in a moment.") from error
    wake_up(CATCH_UP)
    return row


def request_daily() -> int:
    """Schedule a backfill of every channel without one for a day; returns how many."""
    now = clock.now()
    with every_organization("all channels are caught up with"):
        rows = Channel.objects.filter(is_enabled=True, created_at__lt=now - EVERY).select_related("organization")
        # A little less than a day: the beat's own steps must not push it later every day.
        requested = Reconciliation.objects.filter(created_at__gt=now - EVERY + timedelta(minutes=10))
        due = [row for row in rows.exclude(pk__in=requested.values("channel")) if can_backfill(row)]
    done = 0
    for channel in due:
        with organization_scope(channel.organization):
            try:
                request_backfill(channel=channel, actor=SYSTEM)
                done += 1
            except CannotBackfill:  # somebody has asked in this moment
                continue
    return done


def catch_up_due() -> int:
    """Run every backfill that is due; returns how many."""
    return sweep(QUEUE, seconds=300)


def _requested() -> QuerySet[Reconciliation]:
    rows = Reconciliation.objects.filter(state=State.WAITING)
    return rows.select_related("organization", "channel__organization")


def _last_time(channel: Channel, now: datetime) -> datetime:
    last = Reconciliation.objects.filter(channel=channel, state=State.DONE).order_by("-until").first()
    return max(last.until - OVERLAP, now - MAX_RANGE) if last else now - EVERY - OVERLAP


def _catch_up(row: Reconciliation) -> None:
    with organization_scope(row.organization), acting_as(SYSTEM):
        provider = registry.provider(row.channel.provider)
        tally = _Tally()
        try:
            if not isinstance(provider, ListsMessages):
                raise SendError("no_list", "This provider keeps no list that can be asked.", Retry.FIX)
            listed = provider.list_messages(row.channel.as_account(), since=row.since, until=row.until)
            while chunk := list(islice(listed, CHUNK)):
                if not _is_claimed(row):
                    return
                _take(row.channel, chunk, tally)
        except DecryptionFailed:
            _failed(row, "The channel’s secrets can’t be read. An administrator can put the key back.", is_final=True)
        except SendError as error:
            _failed(row, error.message, is_final=error.retry in (Retry.FIX, Retry.NEVER))
        else:
            _done(row, tally)


def _is_claimed(row: Reconciliation) -> bool:
    rows = Reconciliation.objects.filter(pk=row.pk, claim_token=row.claim_token)
    return rows.update(due_at=clock.now() + LEASE) == 1


def _done(row: Reconciliation, tally: _Tally) -> None:
    counts = {name: value for name, value in vars(tally).items() if name != "found"}
    with transaction.atomic():
        if settle(row, state=State.DONE, finished_at=clock.now(), error="", found=tally.found, **counts):
            record(events.CHANNEL_RECONCILED, subject=row.channel, actor=SYSTEM, payload={"id": str(row.pk), **counts})


def _failed(row: Reconciliation, text: str, *, is_final: bool) -> None:
    pause = None if is_final else backoff(row.attempts, RETRIES)
    error = clean(text)[:500]
    if pause is None:
        settle(row, state=State.FAILED, finished_at=clock.now(), error=error)
    else:
        settle(row, due_at=clock.now() + pause, error=error)


def _take(channel: Channel, chunk: list[ListedMessage], tally: _Tally) -> None:
    ids = [listed.provider_message_id for listed in chunk]
    known = {
        row.provider_message_id: row
        for row in Message.objects.filter(channel=channel, provider_message_id__in=ids).only(
            "provider_message_id", "status", "direction", "channel_id"
        )
    }
    for listed in chunk:
        message = known.get(listed.provider_message_id)
        if listed.is_inbound:
            tally.inbound_listed += 1
            if message is None and _store_inbound(channel, listed):
                tally.inbound_found += 1
                tally.note(listed, "inbound")
            continue
        tally.outbound_listed += 1
        if message is not None:
            if _is_news(message, listed) and _store_status(channel, listed, message):
                tally.statuses_found += 1
                tally.note(listed, "status")
        elif listed.at < clock.now() - GRACE and sent_elsewhere.record_sent_elsewhere(channel=channel, listed=listed):
            tally.elsewhere_found += 1
            tally.note(listed, "elsewhere")


def _store_inbound(channel: Channel, listed: ListedMessage) -> bool:
    return store(
        key=webhook_key(channel, listed.provider_message_id, channel.kind),
        provider=channel.provider,
        kind=channel.kind,
        arrival_type=Arrival.Type.MESSAGE,
        body=listed.webhook,
        channel=channel,
        received_at=listed.at,
    )


def _store_status(channel: Channel, listed: ListedMessage, message: Message) -> bool:
    return store(
        key=webhook_key(channel, listed.provider_message_id, f"status:{listed.raw_status}:{listed.error_code}"),
        provider=channel.provider,
        kind=channel.kind,
        arrival_type=Arrival.Type.STATUS,
        body=listed.webhook,
        query=f"message={message.pk}",
        channel=channel,
    )


def _is_news(message: Message, listed: ListedMessage) -> bool:
    """Whether the listed status is news; failed and cancelled messages stay so."""
    ranks = {"unconfirmed": 0, "sending": 0, "sent": 1, "delivered": 2, "read": 3}
    rank = ranks.get(message.status, 9)
    if listed.status == Message.Status.FAILED:
        return rank <= ranks["sent"]
    return ranks.get(listed.status, -1) > rank


def newest(channels: Iterable[Channel]) -> dict[object, Reconciliation]:
    """The last backfill of each channel, in one query."""
    rows = Reconciliation.objects.filter(channel__in=list(channels)).order_by("channel", "-created_at")
    results: dict[object, Reconciliation] = {}
    for row in rows[:500]:
        results.setdefault(row.channel_id, row)
    return results


def set_aside(row: Reconciliation, reason: str) -> None:
    """Fail a backfill; an administrator can request another on the channel's page."""
    settle(row, state=State.FAILED, finished_at=clock.now(), error=reason)


def _failed_last() -> QuerySet[Reconciliation]:
    """Those that failed, of channels for which none came after."""
    later = Reconciliation.objects.filter(channel=OuterRef("channel"), created_at__gt=OuterRef("created_at"))
    return Reconciliation.objects.filter(~Exists(later), state=State.FAILED)


QUEUE = queues.register(
    queues.Queue(
        name="catching up",
        model=Reconciliation,
        rows=_requested,
        work=_catch_up,
        set_aside=set_aside,
        why="what was missed is asked for by one sweep",
        lease=LEASE,
        goes_on_suspended=True,
        longest=MAX_DURATION,
        for_members=queues.ForMembers(
            where=gettext_lazy("on the channel’s page: asked for again there, and by itself each day"),
            query="state__exact=failed",
            rows=_failed_last,
        ),
    )
)
