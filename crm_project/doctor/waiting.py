"""Checks of what waits: every queue, and what was set aside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Min, QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from activity.doctor.checks import Check, Line, about, failed, good, register, warning
from activity.models import Event
from core import clock
from core.tenancy import every_organization
from crm_project import queues as movement
from crm_project.set_aside import services
from messaging.models import Arrival

LATE_AFTER: Final = timedelta(minutes=2)
STUCK_AFTER: Final = timedelta(minutes=10)
MAX_COUNTED: Final = 1000

# Those that may be long for good reason say by themselves whether they move.
MOVES: Final[Mapping[str, Callable[[], str]]] = {
    "events": movement.events_move,
    "jobs": movement.jobs_move,
    "inbound": movement.arrivals_move,
    "outbound": movement.messages_move,
}

_EMPTY: Final = gettext_noop("Nothing waits.")
_MOVES: Final = gettext_noop("%(count)s due, the oldest for %(seconds)s s.")
_LATE: Final = gettext_noop("Behind: %(count)s due, the oldest for %(minutes)s min.")
_STUCK: Final = gettext_noop("Stands still: %(count)s due, the oldest for %(minutes)s min.")
_SEE_WORKER: Final = gettext_noop(
    "See whether a worker runs and has threads free; its log says what it does. Add a worker where it is only behind."
)


def every_queue() -> list[Line]:
    """For each queue how much is due, and since when."""
    with every_organization("the doctor looks at every queue"):
        return [_line(queue.name, queue.active_rows()) for queue in movement.declared()]


def _line(name: str, rows: QuerySet) -> Line:
    now = clock.now()
    due = rows.filter(due_at__lte=now).order_by()
    oldest: datetime | None = due.aggregate(oldest=Min("due_at"))["oldest"]
    if oldest is None:
        return about(good(_EMPTY), name, name)
    count = due[:MAX_COUNTED].count()
    age = now - oldest
    values = {
        "count": f"{count}+" if count == MAX_COUNTED else str(count),
        "seconds": int(age.total_seconds()),
        "minutes": int(age.total_seconds() // 60),
    }
    if name in MOVES:
        is_stuck, is_late = bool(MOVES[name]()), False
    else:
        is_stuck, is_late = age > STUCK_AFTER, age > LATE_AFTER
    if is_stuck:
        return about(failed(_STUCK, _SEE_WORKER, **values), name, name, since=oldest)
    if is_late:
        return about(warning(_LATE, _SEE_WORKER, **values), name, name, since=oldest)
    return about(good(_MOVES, **values), name, name)


_NOTHING: Final = gettext_noop("Nothing was set aside.")
_EVENTS: Final = gettext_noop("%(count)s events were set aside: something that follows from them was not done.")
_ARRIVALS: Final = gettext_noop("%(count)s inbound deliveries were set aside or have no channel.")
_OTHERS: Final = gettext_noop("%(count)s of the queue “%(queue)s” were set aside.")
_SEE_PAGE: Final = gettext_noop("Open the page: it says which and why, and tries them again.")
_REPLAY: Final = gettext_noop("Open them in the admin: each says why. Correct the cause, then replay them there.")


def set_aside() -> list[Line]:
    """What waits for an administrator."""
    with every_organization("the doctor counts what was set aside everywhere"):
        events = Event.objects.filter(dispatch_state=Event.DispatchState.SET_ASIDE)
        waiting = [Arrival.State.SET_ASIDE, Arrival.State.UNROUTABLE]
        arrivals = Arrival.objects.filter(state__in=waiting)
        parts = (
            ("arrivals", _ARRIVALS, arrivals, "received_at", "admin:messaging_arrival_changelist", "state__exact"),
            ("events", _EVENTS, events, "occurred_at", "admin:activity_event_changelist", "dispatch_state__exact"),
        )
        lines = []
        for key, text, rows, moment, page, parameter in parts:
            count = rows[:MAX_COUNTED].count()
            if count:
                since = rows.aggregate(first=Min(moment))["first"]
                line = warning(text, _REPLAY, count=f"{count}+" if count == MAX_COUNTED else count)
                lines.append(about(line, key, url=f"{reverse(page)}?{parameter}=set_aside", since=since))
    for name, number in services.counts().items():
        if name not in {"events", "inbound"}:
            text = f"{number}+" if number == services.MAX_COUNTED else str(number)
            lines.append(
                about(warning(_OTHERS, _SEE_PAGE, count=text, queue=name), name, url=reverse("admin_set_aside"))
            )
    return lines or [good(_NOTHING)]


def register_all() -> None:
    register(Check(name="queues", label=_("Queues"), group="queues", run=every_queue))
    register(Check(name="set aside", label=_("Set aside"), group="queues", run=set_aside))
