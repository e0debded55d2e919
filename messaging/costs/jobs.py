"""Working out what messages cost that were sent before there was a rate for them, as a job."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from django.db.models import Min, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy

from accounts.models import Member
from activity import jobs
from activity.actor import Actor
from activity.jobs import Work
from activity.models import Job
from messaging.costs import records
from messaging.costs.rates import Rates
from messaging.models import Message, RateCard

KIND: Final = "messaging.costs"
STEP: Final = 200
# A day in any time zone begins so much earlier than in UTC.
_ZONE: Final = timedelta(hours=14)


def unknown() -> QuerySet[Message]:
    """The sent messages of the organization that is open whose cost is unknown, since the first rate of all."""
    first = RateCard.objects.aggregate(first=Min("valid_from"))["first"]
    if first is None:
        return Message.objects.none()
    since = datetime.combine(first, datetime.min.time(), tzinfo=UTC) - _ZONE
    rows = Message.objects.outbound().filter(status__in=records.REACHED, sent_at__gte=since)
    rows = rows.filter(channel__kind__in=RateCard.objects.order_by().values("channel_kind"))
    return rows.filter(Q(cost_record=None) | Q(cost_record__amount=None))


def start(*, member: Member, actor: Actor) -> Job:
    """Start the job."""
    params = {"until": timezone.now().isoformat()}
    return jobs.start(organization=member.organization, kind=KIND, params=params, actor=actor, user=member.user)


def run(work: Work) -> dict[str, object]:
    """The oldest first: free allowances are used up in the order in which messages were sent.

    Each step is one transaction, so no allowance is taken twice after a kill.
    """
    state = work.state
    for name in ("known", "unknown"):
        state.setdefault(name, 0)
    if not work.job.total:
        with work.step(total=_rows(work).count()):
            pass
    while batch := _next(work):
        with work.step(done=work.job.done + len(batch)):
            rows = records.write(batch, known=Rates.load(), asks_provider=False)
            known = sum(row.amount is not None for row in rows)
            state["known"] += known
            state["unknown"] += len(rows) - known
            last = batch[-1]
            state["last"] = [(last.sent_at or last.created_at).isoformat(), str(last.pk)]
    return {"known": state["known"], "unknown": state["unknown"]}


def _rows(work: Work) -> QuerySet[Message]:
    return unknown().filter(sent_at__lte=datetime.fromisoformat(work.params["until"]))


def _next(work: Work) -> list[Message]:
    rows = _rows(work)
    if last := work.state.get("last"):
        at = datetime.fromisoformat(last[0])
        rows = rows.filter(Q(sent_at__gt=at) | Q(sent_at=at, pk__gt=last[1]))
    rows = rows.select_related("organization", "channel", "template").order_by("sent_at", "pk")
    return list(rows[:STEP])


def register() -> None:
    label = str(gettext_lazy("Working out what earlier messages cost"))
    jobs.register(KIND, run, label=label, template="messaging/costs/job.html")
