"""Sums of the pipeline by stage: for the board, the API's summary, and the reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Avg, Count, DurationField, ExpressionWrapper, F, Sum, Value
from django.utils import timezone

from accounts.models import Member
from customers.models import Customer, Stage
from customers.people.customers.queries import customers_for
from customers.people.overdue import overdue


@dataclass(frozen=True, slots=True)
class StageSummary:
    """A stage, and what stands in it now: `value` is the sum of open deals in the organization's currency,
    `average_days` how long those who stand there have stood there."""

    stage: Stage
    count: int
    value: Decimal
    overdue: int
    average_days: float


def summary(
    member: Member, filters: Mapping[str, object] | None = None, *, stages: Sequence[Stage] | None = None
) -> list[StageSummary]:
    """Every stage in order, the empty ones too, over the customers within the member's reach that fit the filters.

    One query, and one for the stages where they are not known already.
    """
    known = list(Stage.objects.order_by("position", "key")) if stages is None else stages
    now = timezone.now()
    moment = Value(now, Customer._meta.get_field("stage_since"))
    rows = (
        customers_for(member, filters or {})
        .order_by()
        .values("stage")
        .annotate(
            found=Count("pk"),
            worth=Sum("open_value"),
            late=Count("pk", filter=overdue(known, at=now)),
            stood=Avg(ExpressionWrapper(moment - F("stage_since"), output_field=DurationField())),
        )
    )
    results = {row["stage"]: row for row in rows}
    return [_summary(stage, results.get(stage.pk)) for stage in known]


def _summary(stage: Stage, row: Mapping[str, Any] | None) -> StageSummary:
    if row is None:
        return StageSummary(stage, 0, Decimal(0), 0, 0.0)
    stood: timedelta = row["stood"] or timedelta()
    days = round(max(stood.total_seconds(), 0) / 86400, 2)
    return StageSummary(stage, row["found"], Decimal(row["worth"] or 0), row["late"], days)
