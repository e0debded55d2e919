"""The list of outcomes by the filters of an address, and its sums."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal

from django.db.models import Count, QuerySet, Sum
from django.http import QueryDict

from accounts.models import Member
from core.list_query import ListQuery
from core.tenancy import current_organization
from customers import days
from customers.models import Outcome

ORDER = ("-occurred_at", "-id")
FILTERS = ("type", "from", "to")


@dataclass(frozen=True, slots=True)
class OutcomeState:
    """The filters of an address; `problems` are the sentences about invalid ones."""

    requested: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    def query(self, **changes: str) -> str:
        """The address's query after changes; empty where nothing is asked for."""
        return ListQuery({name: self.requested.get(name, "") for name in FILTERS}).with_(changes).encoded()

    @property
    def start(self) -> date | None:
        return date.fromisoformat(self.requested["from"]) if "from" in self.requested else None

    @property
    def end(self) -> date | None:
        return date.fromisoformat(self.requested["to"]) if "to" in self.requested else None


@dataclass(frozen=True, slots=True)
class Total:
    """How many of a type, and what they came to in a currency; no sum where none of them has an amount."""

    name: str
    color: str
    currency: str
    count: int
    amount: Decimal | None


def read(parameters: QueryDict, *, types: Collection[str]) -> OutcomeState:
    """The state of an address; invalid filters are reported in `problems`."""
    requested: dict[str, str] = {}
    problems: list[str] = []
    type_key = parameters.get("type", "")
    if type_key in types:
        requested["type"] = type_key
    elif type_key:
        problems.append(f"There is no outcome “{type_key[:40]}”.")
    for name, text in ListQuery.read(parameters, ("from", "to")).values.items():
        try:
            # Years that no calendar of ours reaches would break the sums over days.
            if text and 1900 <= date.fromisoformat(text).year <= 2200:
                requested[name] = date.fromisoformat(text).isoformat()
            elif text:
                raise ValueError
        except ValueError:
            problems.append(f"“{text[:40]}” is not a day such as 2026-03-31.")
    return OutcomeState(requested, tuple(problems))


def outcomes_for(member: Member, state: OutcomeState) -> QuerySet[Outcome]:
    """Those of customers within the member's reach that fit, their days being the organization's; in no order."""
    rows = Outcome.objects.visible_to(member)
    if state.problems:
        # A filter that means nothing (any more): then none fits, and never all.
        rows = rows.filter(pk__isnull=True)
    zone = current_organization().zone
    if "type" in state.requested:
        rows = rows.filter(type__key=state.requested["type"])
    if state.start:
        rows = rows.filter(occurred_at__gte=days.start_of(state.start, zone))
    if state.end:
        rows = rows.filter(occurred_at__lt=_after(state.end, zone))
    return rows


def totals(rows: QuerySet[Outcome]) -> list[Total]:
    """By type and currency, in the types' order; one query."""
    grouped = (
        rows.order_by()
        .values("type__name", "type__color", "type__position", "type__key", "currency")
        .annotate(found=Count("pk"), amount=Sum("amount"))
    )
    ordered = sorted(grouped, key=lambda row: (row["type__position"], row["type__key"], row["currency"]))
    return [
        Total(row["type__name"], row["type__color"], row["currency"], row["found"], row["amount"]) for row in ordered
    ]


def _after(day: date, zone: tzinfo) -> datetime:
    return days.start_of(day + timedelta(days=1), zone)
