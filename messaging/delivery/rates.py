"""Rate limits: messages are claimed channel by channel, fair between organizations, at each channel's rate."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connections, transaction
from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet, Subquery

from core import clock
from core.claims import claim
from core.tenancy import every_organization
from messaging.models import Channel, Message

logger = logging.getLogger(__name__)

BATCH = 50
# A batch holds what the channel's pace allows within this time; each message waits for its own moment in it.
HORIZON = timedelta(seconds=0.5)
# A channel is asked for so long before its next moment, so that the claim itself costs no pace: a moment that has
# passed is not made up for.
AHEAD = timedelta(seconds=0.25)
# A claimed message waits so long at most for a thread that sends it: the claim of a worker that died with it in hand
# ends soon, and one that was only slow takes it all the same, unless another has by then.
WAITING = timedelta(seconds=10)
# How long a channel pauses when its provider says “slower” and not for how long.
PAUSE = timedelta(seconds=5)
# No provider makes a channel wait for longer; a longer pause is a clock’s or a provider’s mistake.
MAX_PAUSE = timedelta(minutes=15)

Status = Message.Status

# The pauses that this process knows of: for messages it has claimed already, which the channel's row can't call back.
_paused: dict[UUID, datetime] = {}


@dataclass(frozen=True, slots=True)
class PacedMessage:
    """A claimed message and the moment at which the channel's rate lets it go."""

    message: Message
    at: datetime


def claim_paced() -> list[PacedMessage]:
    """Claim due messages of the one channel whose organization has waited longest for a turn."""
    with every_organization("the queue serves all organizations in turn"), transaction.atomic():
        now = clock.now()
        channel = _next_channel(now)
        if channel is None:
            return []
        start = max(now, channel.paced_until or now)
        if start > now + MAX_PAUSE:
            logger.error("pace_absurd", extra={"channel_id": str(channel.pk), "until": start.isoformat()})
            start = now
        allowed = max(1, min(BATCH, int((now + HORIZON - start).total_seconds() * channel.rate)))
        messages = claim(
            due()
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
            lease=WAITING,
            begin=False,
            status=Status.SENDING,
            changed_at=now,
        )
        step = timedelta(seconds=1 / channel.rate)
        Channel.objects.filter(pk=channel.pk).update(last_turn_at=now, paced_until=start + step * len(messages))
        return [PacedMessage(message, start + step * position) for position, message in enumerate(messages)]


def seconds_until_next() -> float | None:
    """Seconds until a channel with due messages may send again; None when none is waiting for its rate."""
    now = clock.now()
    with every_organization("the queue serves all organizations in turn"):
        paced = _waiting_channels(now).filter(paced_until__gt=now).order_by("paced_until").first()
    if paced is None or paced.paced_until is None:
        return None
    return max((paced.paced_until - AHEAD - now).total_seconds(), 0.01)


def slow_down(message: Message, wait: timedelta | None) -> None:
    """Pause the whole channel, because the provider refused a message as too fast."""
    if wait is not None and wait > MAX_PAUSE:
        logger.warning("pause_clipped", extra={"channel_id": str(message.channel_id), "seconds": wait.total_seconds()})
    until = clock.now() + min(wait or PAUSE, MAX_PAUSE)
    _paused[message.channel_id] = until
    slower = Q(paced_until=None) | Q(paced_until__lt=until)
    Channel.objects.filter(slower, pk=message.channel_id).update(paced_until=until)


def is_paused(message: Message) -> bool:
    """Whether the message's channel is paused for now."""
    until = _paused.get(message.channel_id)
    if until is None:
        return False
    if until > clock.now():
        return True
    _paused.pop(message.channel_id, None)
    return False


def due() -> QuerySet[Message]:
    """What is to be sent or being sent, at whatever time."""
    return Message.objects.filter(status__in=[Status.QUEUED, Status.SENDING])


def _absurd(now: datetime) -> Q:
    """Whether a channel's next moment is implausibly far: a clock that was ahead wrote it, and it is ignored."""
    return Q(paced_until__gt=now + MAX_PAUSE + HORIZON)


def _waiting_channels(now: datetime) -> QuerySet[Channel]:
    waiting = due().filter(channel=OuterRef("pk"), due_at__lte=now)
    return Channel.objects.filter(Exists(waiting), organization__is_active=True)


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
        .filter(Q(paced_until=None) | Q(paced_until__lt=now + AHEAD) | _absurd(now))
        .annotate(turn=Subquery(turn_of_organization))
        .order_by(F("turn").asc(nulls_first=True), F("last_turn_at").asc(nulls_first=True), "pk")
    )
    if connections[channels.db].features.has_select_for_update_skip_locked:
        # NO KEY: whoever queues a message in this moment only needs the channel's key.
        channels = channels.select_for_update(skip_locked=True, of=("self",), no_key=True)
    return channels.first()
