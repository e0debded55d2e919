"""Whether the queues move: what was due a minute ago has been claimed since, unless something holds it back rightly."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from celery import current_app
from django.db.models import Q, QuerySet

from activity.models import Event, Job
from core import clock, health, queues
from core.tenancy import every_organization
from messaging.models import Arrival, Message

STUCK_AFTER = timedelta(minutes=1)
MAX_COUNTED = 100


def declared() -> list[queues.Queue]:
    """Every queue, by name. Each is declared beside its service, which a process may not have needed so far."""
    current_app.loader.import_default_modules()
    return sorted(queues.every(), key=lambda queue: queue.name)


def events_move() -> str:
    return _waiting_words(lambda: Event.objects.filter(organization__is_active=True))


def jobs_move() -> str:
    """Jobs take turns, and many make a long queue that moves; one in which nobody has a turn does not."""
    with every_organization("the queues serve all organizations"):
        if Job.objects.filter(claim_token__isnull=False, due_at__gt=clock.now()).exists():
            return ""
    return _waiting_words(lambda: Job.objects.filter(organization__is_active=True))


def arrivals_move() -> str:
    return _waiting_words(lambda: Arrival.objects.filter(state=Arrival.State.PENDING))


def messages_move() -> str:
    """A long queue behind a channel's pace moves; one whose channel had no turn for a minute does not."""
    paced = Q(channel__paced_until__gt=clock.now() - STUCK_AFTER)
    sending = Q(status__in=[Message.Status.QUEUED, Message.Status.SENDING])
    return _waiting_words(lambda: Message.objects.filter(sending, organization__is_active=True).exclude(paced))


def _waiting_words(rows: Callable[[], QuerySet]) -> str:
    with every_organization("the queues serve all organizations"):
        due = rows().filter(due_at__lt=clock.now() - STUCK_AFTER)
        count = due[:MAX_COUNTED].count()
    return f"{count}{' or more' if count == MAX_COUNTED else ''} are due for longer than a minute" if count else ""


def nothing_set_aside() -> str:
    """What was set aside waits for an administrator: shown, while everything else runs."""
    with every_organization("the queues serve all organizations"):
        counts = {
            "arrivals": Arrival.objects.filter(state__in=[Arrival.State.SET_ASIDE, Arrival.State.UNROUTABLE]),
            "events": Event.objects.filter(dispatch_state=Event.DispatchState.SET_ASIDE),
        }
        results = {name: rows[:MAX_COUNTED].count() for name, rows in counts.items()}
    return ", ".join(f"{count} {name} set aside" for name, count in results.items() if count)


def register() -> None:
    health.register("set aside", nothing_set_aside, is_advisory=True)
    health.register("events", events_move)
    health.register("jobs", jobs_move)
    health.register("inbound", arrivals_move)
    health.register("outbound", messages_move)
