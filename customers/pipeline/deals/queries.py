"""Lists, columns and sums of deals, by the filters of an address."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, DecimalField, ExpressionWrapper, F, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce, TruncMonth
from django.http import QueryDict
from django.utils.translation import gettext as _

from accounts.models import Member
from core.ids import parse_uuid
from core.list_query import ListQuery
from core.tenancy import current_organization
from core.text_safety import is_storable
from customers import days
from customers.models import Deal, Stage
from customers.models.querysets import matching
from customers.people import owners
from customers.pipeline.board.queries import Column, fill

ORDERINGS: Mapping[str, tuple[str, str]] = {
    name: (name, f"{name[0] if name[0] == '-' else ''}id")
    for sorted_by in ("created_at", "updated_at", "expected_close_on", "amount", "title")
    for name in (f"-{sorted_by}", sorted_by)
}
DEFAULT_ORDERING = "-created_at"
FILTERS = ("q", "status", "stage", "owner", "month")
LATE, NO_MONTH = "late", "none"
MAX_TEXT_LENGTH = 200
BOARD_ORDER = ("-updated_at", "-id")
# The months of the outlook, before and after this one.
MONTHS_BEFORE, MONTHS_AFTER = 2, 5
_MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])")
_OPEN, _WON, _LOST = Q(status=Deal.Status.OPEN), Q(status=Deal.Status.WON), Q(status=Deal.Status.LOST)
_MONEY = DecimalField(max_digits=20, decimal_places=2)


@dataclass(frozen=True, slots=True)
class DealState:
    """The filters of an address; `problems` are the sentences about invalid ones."""

    requested: Mapping[str, str] = field(default_factory=dict)
    ordering: str = DEFAULT_ORDERING
    problems: Sequence[str] = ()
    # Whether a filter means nothing (any more): then no deal fits, and never all of them.
    is_refused: bool = False

    def query(self, **changes: str) -> str:
        """The address's query after changes to filters or `ordering`; empty where nothing is asked for."""
        return self._query().with_(changes).encoded()

    def pairs(self, *without: str) -> list[tuple[str, str]]:
        """What a form hands on; `without` are the names that it asks itself."""
        return ListQuery({**self.requested, "ordering": self.ordering}).pairs(*without)

    def only(self, *names: str) -> DealState:
        """The same, asking for these filters only."""
        return replace(self, requested=ListQuery(self.requested).only(*names).values)

    def _query(self) -> ListQuery:
        values = {name: self.requested.get(name, "") for name in FILTERS}
        return ListQuery({**values, "ordering": self.ordering}, {"ordering": DEFAULT_ORDERING})


@dataclass(frozen=True, slots=True)
class Totals:
    """Money by currency, the organization's own first: open, open weighted by chance, won, lost."""

    currency: str
    count: int
    open: Decimal
    weighted: Decimal
    won: Decimal
    lost: Decimal


@dataclass(frozen=True, slots=True)
class Bar:
    """A line of an overview. `share` and `weighted_share` are per cent of the longest; `query` leads to its deals."""

    label: str
    key: str
    count: int
    value: Decimal
    weighted: Decimal
    won: Decimal = Decimal(0)
    share: float = 0
    weighted_share: float = 0
    won_share: float = 0
    color: str = ""


def read_deals(parameters: QueryDict, *, stages: Collection[str]) -> DealState:
    """The state of an address; invalid filters are reported in `problems`, and then no deal matches."""
    requested: dict[str, str] = {}
    problems = []
    is_refused = False
    for name, value in ListQuery.read(parameters, FILTERS).values.items():
        if not value:
            continue
        if _is_good(name, value, stages):
            requested[name] = value
        else:
            is_refused = True
            problems.append(
                _("No deal is shown: the filter “%(name)s” knows no “%(value)s”. Choose another, or take it away.")
                % {"name": name, "value": value[:40]}
            )
    ordering = parameters.get("ordering") or DEFAULT_ORDERING
    if ordering not in ORDERINGS:
        problems.append(f"There is no order “{ordering[:40]}”.")
        ordering = DEFAULT_ORDERING
    return DealState(requested, ordering, problems, is_refused)


def deals_for(member: Member, state: DealState) -> QuerySet[Deal]:
    """The deals of customers within the member's reach that fit; in no order."""
    rows = Deal.objects.visible_to(member)
    if state.is_refused:
        rows = rows.filter(pk__isnull=True)
    filters = state.requested
    if "q" in filters:
        rows = rows.filter(Q(title__icontains=filters["q"]) | matching(filters["q"], "customer"))
    if "status" in filters:
        rows = rows.filter(status=filters["status"])
    if "stage" in filters:
        rows = rows.filter(stage__key=filters["stage"])
    if filters.get("owner") == "none":
        rows = rows.filter(owner__isnull=True)
    elif "owner" in filters:
        rows = rows.filter(owner=member.user_id if filters["owner"] == "me" else UUID(filters["owner"]))
    return rows.filter(_closing(filters.get("month", "")))


def with_relations(rows: QuerySet[Deal]) -> QuerySet[Deal]:
    """All that a row or a card shows, in one query."""
    return rows.select_related("customer", "stage", "owner")


def totals(rows: QuerySet[Deal]) -> list[Totals]:
    """The sums of these deals by currency; one query."""
    own = current_organization().currency
    grouped = (
        with_weight(rows)
        .order_by()
        .values("currency")
        .annotate(
            number=Count("pk"),
            opened=Sum("amount", filter=_OPEN),
            likely=Sum("weight", filter=_OPEN),
            won=Sum("amount", filter=_WON),
            lost=Sum("amount", filter=_LOST),
        )
    )
    results = [
        Totals(row["currency"], row["number"], *(_money(row[name]) for name in ("opened", "likely", "won", "lost")))
        for row in grouped
    ]
    return sorted(results, key=lambda one: (one.currency != own, one.currency))


def by_stage(rows: QuerySet[Deal], stages: Sequence[Stage]) -> list[Bar]:
    """The open deals in the organization's currency, stage by stage; one query."""
    grouped = (
        with_weight(rows.filter(_OPEN, currency=current_organization().currency))
        .order_by()
        .values("stage")
        .annotate(number=Count("pk"), opened=Sum("amount"), likely=Sum("weight"))
    )
    sums = {row["stage"]: row for row in grouped}
    bars = []
    for stage in stages:
        row: Any = sums.get(stage.pk)
        if stage.kind == Stage.Kind.OPEN:
            count, value, likely = (row["number"], row["opened"], row["likely"]) if row else (0, None, None)
            bars.append(Bar(stage.name, stage.key, count, _money(value), _money(likely), color=stage.color))
    return _shared(bars)


def by_month(rows: QuerySet[Deal], *, today: date) -> list[Bar]:
    """Month by month: open deals by the day they are expected, won ones by the day they were; two queries."""
    organization = current_organization()
    first = _month(today, -MONTHS_BEFORE)
    last = _month(first, MONTHS_BEFORE + MONTHS_AFTER + 1)
    own = rows.filter(currency=organization.currency).order_by()
    expected = with_weight(own.filter(_OPEN, expected_close_on__gte=first, expected_close_on__lt=last))
    opened: dict[date, Mapping[str, Any]] = {
        row["month"]: row
        for row in expected.annotate(month=TruncMonth("expected_close_on"))
        .values("month")
        .annotate(number=Count("pk"), opened=Sum("amount"), likely=Sum("weight"))
    }
    begins, ends = days.start_of(first, organization.zone), days.start_of(last, organization.zone)
    won: dict[date, Mapping[str, Any]] = {
        _day(row["month"]): row
        for row in own.filter(_WON, closed_at__gte=begins, closed_at__lt=ends)
        .annotate(month=TruncMonth("closed_at", tzinfo=organization.zone))
        .values("month")
        .annotate(number=Count("pk"), won=Sum("amount"))
    }
    bars = []
    for number in range(MONTHS_BEFORE + MONTHS_AFTER + 1):
        month = _month(first, number)
        row, done = opened.get(month, {}), won.get(month, {})
        bars.append(
            Bar(
                f"{month:%b %Y}",
                f"{month:%Y-%m}",
                row.get("number", 0) + done.get("number", 0),
                _money(row.get("opened")),
                _money(row.get("likely")),
                _money(done.get("won")),
            )
        )
    return _shared(bars)


def heads(member: Member, state: DealState, stages: Sequence[Stage], *, today: date) -> list[Column[Deal]]:
    """A column for each stage with its sums, without rows; one query. `overdue`: expected earlier than today."""
    own = Q(currency=current_organization().currency)
    grouped = (
        deals_for(member, state)
        .order_by()
        .values("stage")
        .annotate(
            number=Count("pk"),
            worth=Sum("amount", filter=own),
            late=Count("pk", filter=_OPEN & Q(expected_close_on__lt=today)),
        )
    )
    sums = {row["stage"]: row for row in grouped}
    requested = state.requested.get("stage")
    results = []
    for stage in stages:
        if requested and stage.key != requested:
            continue
        row: Any = sums.get(stage.pk, {"number": 0, "worth": None, "late": 0})
        results.append(Column[Deal](stage, row["number"], _money(row["worth"]), row["late"]))
    return results


def columns(member: Member, state: DealState, stages: Sequence[Stage], *, today: date) -> list[Column[Deal]]:
    """Every column with its first cards: three queries."""
    result = heads(member, state, stages, today=today)
    fill(result, deals_for(member, state), BOARD_ORDER, with_relations)
    return result


def months(today: date) -> list[tuple[str, str]]:
    """The choices of the filter by month: key and label."""
    near = [_month(today, number) for number in range(-1, MONTHS_AFTER + 1)]
    return [(LATE, "Late"), *((f"{one:%Y-%m}", f"{one:%B %Y}") for one in near), (NO_MONTH, "No date")]


def with_weight(rows: QuerySet[Deal]) -> QuerySet[Deal]:
    """With `weight`: the amount by the chance, as `Deal.chance` says of an open one."""
    chance = Coalesce(F("probability"), F("stage__probability"), Value(0))
    return rows.annotate(weight=ExpressionWrapper(F("amount") * chance / Value(Decimal(100)), output_field=_MONEY))


def _closing(month: str) -> Q:
    if not month:
        return Q()
    if month == NO_MONTH:
        return Q(expected_close_on__isnull=True)
    if month == LATE:
        return _OPEN & Q(expected_close_on__lt=days.today(current_organization().zone))
    first = date.fromisoformat(f"{month}-01")
    return Q(expected_close_on__gte=first, expected_close_on__lt=_month(first, 1))


def _is_good(name: str, value: str, stages: Collection[str]) -> bool:
    if name == "q":
        return len(value) <= MAX_TEXT_LENGTH and is_storable(value)
    if name == "status":
        return value in Deal.Status.values
    if name == "stage":
        return value in stages
    if name == "month":
        return value in (LATE, NO_MONTH) or bool(_MONTH.fullmatch(value))
    return value in ("me", "none") or _is_member(value)


def _is_member(value: str) -> bool:
    user_id = parse_uuid(value)
    return user_id is not None and owners.is_member(user_id)


def _month(day: date, number: int) -> date:
    """The first day of the month so many months after this day's."""
    months = day.year * 12 + day.month - 1 + number
    return date(months // 12, months % 12 + 1, 1)


def _day(moment: datetime | date) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _money(value: Decimal | float | None) -> Decimal:
    return Decimal(value or 0).quantize(Decimal("0.01"))


def _shared(bars: Sequence[Bar]) -> list[Bar]:
    """The bars with their shares of the longest."""
    longest = max((bar.value + bar.won for bar in bars), default=Decimal(0)) or Decimal(1)

    def part(value: Decimal) -> float:
        return round(float(value / longest * 100), 2)

    return [
        replace(bar, share=part(bar.value), weighted_share=part(bar.weighted), won_share=part(bar.won)) for bar in bars
    ]
