"""Deliver events to their subscribers: at least once, each handler's work with its receipt in one transaction."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet

from activity import registry
from activity.actor import Actor, ActorKind, acting_as
from activity.ledger import DISPATCH
from activity.models import Event, Receipt
from core import clock, queues
from core.claims import backoff, reason_of, released, settle
from core.jobs import wake_up
from core.sweeps import sweep
from core.tenancy import organization_scope

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=1)
MAX_DURATION = timedelta(minutes=10)
RETRIES = [timedelta(seconds=s) for s in (2, 10, 60, 600, 3600)]


def dispatch_due() -> int:
    """Dispatch every event that is due, the organizations in turn; how many were."""
    return sweep(QUEUE)


def set_aside(event: Event, reason: str) -> None:
    """Stop retrying an event; the admin's ledger lists it, and can dispatch it again."""
    settle(event, dispatch_state=Event.DispatchState.SET_ASIDE, last_error=reason)


def _events() -> QuerySet[Event]:
    return Event.objects.select_related("organization")


def _dispatch(event: Event) -> None:
    with organization_scope(event.organization), acting_as(_actor_of(event)):
        failures = [
            failure for s in registry.subscribers_of(event.type, inline=False) if (failure := _hand_over(event, s))
        ]
    if not failures:
        settle(event, dispatch_state=Event.DispatchState.DONE, last_error="")
        return
    wait = backoff(event.attempts, RETRIES)
    if wait is None:
        logger.error("event_set_aside", extra={"event_id": str(event.pk), "event_type": event.type})
        settle(event, dispatch_state=Event.DispatchState.SET_ASIDE, last_error="\n".join(failures))
    else:
        settle(event, due_at=clock.now() + wait, last_error="\n".join(failures))


def _hand_over(event: Event, subscription: registry.Subscription) -> str:
    """Call one subscriber; the error as a text, or empty. A failure does not keep the event from the others."""
    try:
        with transaction.atomic():
            _, is_first = Receipt.objects.get_or_create(event=event, subscriber=subscription.name)
            if is_first:
                subscription.handler(event)
    except Exception as error:
        logger.warning(
            "subscriber_failed", extra={"subscriber": subscription.name, "event_id": str(event.pk)}, exc_info=True
        )
        return f"{subscription.name}: {reason_of(error, length=500)}"
    return ""


def replay(event: Event) -> None:
    """Dispatch a set-aside event again; subscribers with a receipt for it are not called a second time."""
    Event.objects.filter(pk=event.pk, dispatch_state=Event.DispatchState.SET_ASIDE).update(
        dispatch_state=Event.DispatchState.PENDING, due_at=clock.now(), attempts=0, last_error="", **released()
    )
    wake_up(DISPATCH)


def _actor_of(event: Event) -> Actor:
    return Actor(
        ActorKind(event.actor_kind),
        event.actor_id,
        event.actor_label,
        impersonator_id=event.impersonator_id,
        request_id=event.request_id,
        depth=event.depth,
    )


QUEUE = queues.register(
    queues.Queue(
        name="events",
        model=Event,
        rows=_events,
        work=_dispatch,
        set_aside=set_aside,
        why="events of all organizations are dispatched by one sweep",
        lease=LEASE,
        longest=MAX_DURATION,
        for_operators=queues.ForOperators(
            rows=lambda: Event.objects.filter(dispatch_state=Event.DispatchState.SET_ASIDE),
            again={"dispatch_state": Event.DispatchState.PENDING},
            given_up={"dispatch_state": Event.DispatchState.DONE},
            since="occurred_at",
        ),
    )
)
