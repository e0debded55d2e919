"""Working out what messages cost that were sent before there was a rate for them, as a job."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Min, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.grants import lock
from accounts.models import Member
from activity import jobs
from activity.actor import Actor
from activity.jobs import Work
from activity.models import Job
from core.refused import Refused
from messaging.costs import records
from messaging.costs.rates import Rates
from messaging.models import Message, MessageCost, RateCard

KIND: Final = "messaging.costs"
STEP: Final = 200
# A day in any time zone begins so much earlier than in UTC.
_ZONE: Final = timedelta(hours=14)


class AlreadyRunning(Refused):
    """The costs are being worked out."""

    status = 409

    def __init__(self) -> None:
        super().__init__(_("Earlier costs are being worked out already. Wait until that is done."))


def sent_since_first_rate() -> QuerySet[Message]:
    """What the organization that is open sent since the first rate of all, on channels that have one; without what was
    erased. By an index, in the order of (created_at, pk)."""
    first = RateCard.objects.aggregate(first=Min("valid_from"))["first"]
    if first is None:
        return Message.objects.none()
    since = datetime.combine(first, datetime.min.time(), tzinfo=UTC) - _ZONE
    rows = Message.objects.outbound().filter(created_at__gte=since, status__in=records.REACHED).exclude(address="")
    return rows.filter(channel__kind__in=RateCard.objects.order_by().values("channel_kind"))


@transaction.atomic
def start(*, member: Member, actor: Actor) -> Job:
    """Start the job. Raises AlreadyRunning."""
    lock(member.organization)
    if Job.objects.filter(organization=member.organization, kind=KIND, finished_at=None).exists():
        raise AlreadyRunning
    params = {"until": timezone.now().isoformat()}
    return jobs.start(organization=member.organization, kind=KIND, params=params, actor=actor, user=member.user)


def run(work: Work) -> dict[str, object]:
    """The oldest first: free allowances are used up in the order in which messages were sent.

    Each step is one transaction, so no allowance is taken twice after a kill; the messages are held while it lasts, so
    a cost that somebody else writes meanwhile is not written over.
    """
    state = work.state
    for name in ("known", "unknown"):
        state.setdefault(name, 0)
    while batch := _next(work):
        with work.step(done=work.job.done + len(batch)):
            rows = records.write(_still_unknown(batch), known=Rates.load(), asks_provider=False)
            known = sum(row.amount is not None for row in rows)
            state["known"] += known
            state["unknown"] += len(rows) - known
            last = batch[-1]
            state["last"] = [last.created_at.isoformat(), str(last.pk)]
    return {"known": state["known"], "unknown": state["unknown"]}


def _next(work: Work) -> list[Message]:
    rows = sent_since_first_rate().filter(created_at__lte=datetime.fromisoformat(work.params["until"]))
    if last := work.state.get("last"):
        at = datetime.fromisoformat(last[0])
        rows = rows.filter(created_at__gte=at).filter(Q(created_at__gt=at) | Q(pk__gt=last[1]))
    return list(rows.order_by("created_at", "pk")[:STEP])


def _still_unknown(batch: Sequence[Message]) -> list[Message]:
    """Of the batch what is sent, and of unknown cost, held until the transaction ends."""
    ids = [message.pk for message in batch]
    held = Message.objects.filter(pk__in=ids).order_by("pk").select_for_update(of=("self",), no_key=True)
    rows = list(held.select_related("organization", "channel", "template"))
    costs = MessageCost.objects.filter(message__in=ids).order_by("pk").select_for_update(of=("self",), no_key=True)
    known = {cost.message_id for cost in costs if cost.amount is not None}
    rows = [row for row in rows if row.pk not in known and row.status in records.REACHED]
    return sorted(rows, key=lambda row: (row.sent_at or row.created_at, row.pk))


def register() -> None:
    label = str(gettext_lazy("Working out what earlier messages cost"))
    jobs.register(KIND, run, label=label, template="messaging/costs/job.html")
