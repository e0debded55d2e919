"""Processing inbound deliveries: stored first, answered, then processed; never lost.

An arrival that can't be processed is tried again, at last set aside where an administrator sees it and can replay it.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from activity.actor import SYSTEM, acting_as
from core import clock, metrics, queues
from core.claims import backoff, reason_of, released, settle
from core.jobs import wake_up
from core.sweeps import sweep
from core.tenancy import every_organization, organization_scope
from customers.people.identities.services import InvalidAddress
from messaging.channels import payloads
from messaging.channels.base import InvalidPayload, ReceivedMessage, StatusUpdate
from messaging.channels.text import clean
from messaging.delivery import statuses
from messaging.files import services as media
from messaging.inbound_deliveries.store import PROCESS, WAITING
from messaging.intake import bounces, inbound, mail_references, routing, unverified
from messaging.models import Arrival, Channel, Message

logger = logging.getLogger(__name__)

INBOUND = metrics.counter("parley_inbound_total", "Processed inbound deliveries, by their state.", "provider", "state")

# Short, because a customer's message waits so long after a worker was killed. It is safe however short: the outcome is
# settled behind the fence, in the same transaction as the work.
LEASE = timedelta(seconds=30)
# Taking in one mail with all its files lasts seconds; what goes on for this long does not end.
MAX_DURATION = timedelta(minutes=3)
RETRIES = [timedelta(seconds=s) for s in (1, 5, 30, 120, 600, 3600)]
# A callback may be quicker than the answer with the message's id.
WAITS_FOR_ID = [timedelta(seconds=s) for s in (1, 2, 5, 15, 60, 300, 1800, 7200)]


# Longer than a provider is asked about what was missed.
DONE_RETENTION = timedelta(days=35)
FORGOTTEN_AT_ONCE = 2000
# Of what was too large to be kept whole: there is nothing in it to work on.
HEAD_ONLY = "head-only=1"


class NotYet(Exception):
    """The message that a status speaks of is not known yet."""


def process_due() -> int:
    """Process every arrival that is due, the organizations in turn; returns how many."""
    return sweep(QUEUE)


def process(arrival: Arrival) -> None:
    """One arrival, in one transaction with all that follows from it; its outcome is written on it."""
    channel = arrival.channel
    if channel is None:
        settle(arrival, state=Arrival.State.UNROUTABLE, last_error="Its channel is gone.")
        return
    try:
        with organization_scope(channel.organization), acting_as(SYSTEM), media.all_or_nothing(), transaction.atomic():
            changes = _process(arrival, channel)
            # Behind the fence, in the same transaction: who lost the claim leaves nothing behind.
            if not settle(arrival, state=Arrival.State.DONE, last_error="", **changes):
                raise _ClaimLost
    except _ClaimLost:
        logger.warning("arrival_claim_lost", extra={"arrival_id": str(arrival.pk)})
    except (InvalidPayload, InvalidAddress) as error:
        settle(arrival, state=Arrival.State.SET_ASIDE, last_error=clean(str(error))[:2000])
    except NotYet as error:
        _again(arrival, WAITS_FOR_ID, str(error))
    except Exception as error:  # whatever went wrong: the arrival is kept, tried again, at last shown
        logger.warning("arrival_failed", extra={"arrival_id": str(arrival.pk)}, exc_info=True)
        _again(arrival, RETRIES, reason_of(error))
    INBOUND.add(arrival.provider, arrival.state)


def set_aside_of(channel: Channel) -> QuerySet[Arrival]:
    """The arrivals of a channel that were set aside."""
    waiting = [Arrival.State.SET_ASIDE, Arrival.State.UNROUTABLE]
    return Arrival.objects.filter(channel=channel, organization_id=channel.organization_id, state__in=waiting)


def replay(arrival: Arrival) -> bool:
    """Try one again that was set aside or had no channel; False where none is found now, and it stays as it is.

    What nobody verified is verified first, with the token of the channel that it is for.
    """
    with every_organization("an arrival without a channel belongs to nobody yet"):
        channel = arrival.channel or unverified.channel_of(arrival)
    if channel is None or HEAD_ONLY in arrival.query.split("&"):
        arrival.refresh_from_db()
        return False
    # Twice at once is once: the second finds it neither set aside nor without a channel.
    waiting = Arrival.objects.filter(pk=arrival.pk, state__in=[*WAITING, Arrival.State.SET_ASIDE])
    changes = {"channel": channel, "organization": channel.organization, "kind": channel.kind}
    is_settled = waiting.update(
        state=Arrival.State.PENDING, due_at=clock.now(), attempts=0, last_error="", **released(), **changes
    )
    if is_settled:
        wake_up(PROCESS)
    arrival.refresh_from_db()
    return bool(is_settled)


def purge_old() -> int:
    """Throw away what was worked on long ago, with its body; how many that were. What waits for somebody stays, but for
    what nobody could verify.

    The message that came of it stays too, and by its provider's id the same delivery is still known.
    """
    with every_organization("old deliveries of all organizations are thrown away"):
        old = Arrival.objects.filter(state=Arrival.State.DONE, received_at__lt=clock.now() - DONE_RETENTION)
        keys = list(old.order_by("received_at").values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE])
        done = Arrival.objects.filter(pk__in=keys).delete()[1].get("messaging.Arrival", 0)
    return done + unverified.purge_old()


class _ClaimLost(Exception):
    pass


def _process(arrival: Arrival, channel: Channel) -> dict[str, Any]:
    parsed = payloads.parse(arrival.provider, arrival.type, bytes(arrival.body), kind=arrival.kind)
    if isinstance(parsed, ReceivedMessage):
        return _process_message(arrival, channel, parsed)
    of_status = _message_of(parsed, channel, arrival.query)
    failure = statuses.failure_from_code(arrival.provider, parsed.error_code) if parsed.status == "failed" else None
    outcome = statuses.advance(
        message_id=of_status.pk,
        status=parsed.status,
        provider_message_id=parsed.provider_message_id,
        at=parsed.occurred_at or arrival.received_at,
        failure=failure,
    )
    return {"message": of_status, "outcome": outcome}


def _process_message(arrival: Arrival, channel: Channel, received: ReceivedMessage) -> dict[str, Any]:
    if received.mail is not None and received.mail.is_bounce:
        # Looked up first, by what it was to begin with. With its message it is found when a person's data are.
        spoken_of = bounces.message_of(channel=channel, mail=received.mail)
        if received.mail.is_sure_bounce or (spoken_of is not None and received.mail.automatic):
            return {"outcome": bounces.settle(channel=channel, mail=received.mail), "message": spoken_of}
        if spoken_of is not None:
            # Nothing but our own mail in it says that a server wrote it, and people give mails back as well: it settles
            # ours, and is seen like any other.
            bounces.settle(channel=channel, mail=received.mail)
    if received.mail is not None and mail_references.is_our_own(channel, received):
        return {"outcome": "a mail of our own"}
    message = inbound.receive(channel=channel, received=received, received_at=arrival.received_at)
    return {"message": message, "outcome": "a message"}


def _message_of(update: StatusUpdate, channel: Channel, query: str) -> Message:
    """The message of a status: by our own id in the callback's address, else by the provider's. Raises NotYet."""
    rows = Message.objects.filter(channel=channel, direction=Message.Direction.OUTBOUND)
    own = routing.own_message_id(query)
    result = rows.filter(pk=own).first() if own else None
    result = result or rows.filter(provider_message_id=update.provider_message_id).first()
    if result is None:
        raise NotYet("No message of ours has this provider's id yet.")
    return result


def set_aside(arrival: Arrival, reason: str) -> None:
    """Set an arrival aside; an administrator sees why, and can replay it."""
    settle(arrival, state=Arrival.State.SET_ASIDE, last_error=reason)


def _due() -> QuerySet[Arrival]:
    return Arrival.objects.filter(state=Arrival.State.PENDING).select_related("channel__organization")


def _again(arrival: Arrival, schedule: list[timedelta], reason: str) -> None:
    pause = backoff(arrival.attempts, schedule)
    if pause is None:
        settle(arrival, state=Arrival.State.SET_ASIDE, last_error=reason)
    else:
        settle(arrival, due_at=clock.now() + pause, last_error=reason)


QUEUE = queues.register(
    queues.Queue(
        name="inbound",
        model=Arrival,
        rows=_due,
        work=process,
        set_aside=set_aside,
        why="an arrival names its organization by its channel",
        lease=LEASE,
        goes_on_suspended=True,
        longest=MAX_DURATION,
        for_operators=queues.ForOperators(
            rows=lambda: Arrival.objects.filter(state__in=[Arrival.State.SET_ASIDE, Arrival.State.UNROUTABLE]),
            retry=replay,
            given_up={"state": Arrival.State.DONE, "outcome": "given up"},
            since="received_at",
        ),
    )
)
