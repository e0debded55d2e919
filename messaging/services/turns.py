"""Whose turn is it: messages are claimed channel by channel, fair between organizations, at each channel's pace."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connections, transaction
from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from core.claims import claim
from core.tenancy import every_organization
from messaging.models import Channel, Message

BATCH = 50
# A batch holds what the channel's pace allows within this time; each message waits for its own moment in it.
HORIZON = timedelta(seconds=0.5)
# A channel is asked for so long before its next moment, so that the claim itself costs no pace: a moment that has
# passed is not made up for.
AHEAD = timedelta(seconds=0.25)
# How long a channel pauses when its provider says “slower” and not for how long.
PAUSE = timedelta(seconds=5)

Status = Message.Status

# What this process was told by providers: for the messages it holds already, which the channel's row can't call back.
_paused: dict[UUID, datetime] = {}


@dataclass(frozen=True, slots=True)
class Turn:
    """A claimed message and the moment that the channel's pace gives it."""

    message: Message
    at: datetime


def lease() -> timedelta:
    return timedelta(seconds=settings.OUTBOUND_LEASE_SECONDS)


def claim_turns() -> list[Turn]:
    """Claim due messages of the one channel whose organization has waited longest for a turn."""
    with every_organization("the queue serves all organizations in turn"), transaction.atomic():
        now = timezone.now()
        channel = _next_channel(now)
        if channel is None:
            return []
        start = max(now, channel.paced_until or now)
        allowed = max(1, min(BATCH, int((now + HORIZON - start).total_seconds() * channel.rate)))
        messages = claim(
            _due()
            .filter(channel=channel)
            .select_related(
                "organization",
                "conversation__customer",
                "conversation__channel",
                "customer",
                "channel",
                "reply_to",
                "author",
                "fallback_template",
            ),
            limit=allowed,
            lease=lease(),
            status=Status.SENDING,
            changed_at=now,
        )
        step = timedelta(seconds=1 / channel.rate)
        Channel.objects.filter(pk=channel.pk).update(last_turn_at=now, paced_until=start + step * len(messages))
        return [Turn(message, start + step * position) for position, message in enumerate(messages)]


def until_next_turn() -> float | None:
    """Seconds until a channel that has something due may send again; None when nothing waits for its pace."""
    now = timezone.now()
    with every_organization("the queue serves all organizations in turn"):
        paced = _waiting_channels(now).filter(paced_until__gt=now).order_by("paced_until").first()
    if paced is None or paced.paced_until is None:
        return None
    return max((paced.paced_until - AHEAD - now).total_seconds(), 0.01)


def slow_down(message: Message, wait: timedelta | None) -> None:
    """The provider said we are too fast: the whole channel pauses, not this message alone."""
    until = timezone.now() + (wait or PAUSE)
    _paused[message.channel_id] = until
    slower = Q(paced_until=None) | Q(paced_until__lt=until)
    Channel.objects.filter(slower, pk=message.channel_id).update(paced_until=until)


def is_paused(message: Message) -> bool:
    """Whether this process was told to leave the message's channel alone for now."""
    until = _paused.get(message.channel_id)
    if until is None:
        return False
    if until > timezone.now():
        return True
    _paused.pop(message.channel_id, None)
    return False


def _due() -> QuerySet[Message]:
    return Message.objects.filter(status__in=[Status.QUEUED, Status.SENDING])


def _waiting_channels(now: datetime) -> QuerySet[Channel]:
    due = _due().filter(channel=OuterRef("pk"), due_at__lte=now)
    return Channel.objects.filter(Exists(due))


def _next_channel(now: datetime) -> Channel | None:
    turn_of_organization = (
        Channel.objects.filter(organization=OuterRef("organization"))
        .order_by()
        .values("organization")
        .annotate(latest=Max("last_turn_at"))
        .values("latest")
    )
    channels = (
        _waiting_channels(now)
        .filter(Q(paced_until=None) | Q(paced_until__lt=now + AHEAD))
        .annotate(turn=Subquery(turn_of_organization))
        .order_by(F("turn").asc(nulls_first=True), F("last_turn_at").asc(nulls_first=True), "pk")
    )
    if connections[channels.db].features.has_select_for_update_skip_locked:
        # NO KEY: whoever queues a message in this moment only needs the channel's key.
        channels = channels.select_for_update(skip_locked=True, of=("self",), no_key=True)
    return channels.first()
