"""What a rehearsal comes to: figures of every event, also of those that are not kept one by one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TypedDict
from uuid import UUID

from django.utils import timezone

from messaging.costs.billing import billed
from messaging.costs.estimates import Prices
from workflows.rehearsals.following import Report
from workflows.rules.steps import CONTROL


class Day(TypedDict):
    """A day in the organization's time zone: its events, and on how many the rule would have acted."""

    events: int
    matched: int


class Totals(TypedDict):
    """`reasons`: of each why the rule acts or does not, how many events. `outcomes`, `ended_by`: of those that matched.
    `actions`: by name and by what would have become of them. `sends`: messages that would have gone out;
    `sends_answered`: those among them to somebody who had written, or been answered, since the event; of so many events
    and customers. `cost`: what the messages would have cost by their currency, a decimal as text, outside of free
    allowances; `cost_unknown`: how many of them no rate is for."""

    events: int
    matched: int
    customers: int
    reasons: dict[str, int]
    outcomes: dict[str, int]
    ended_by: dict[str, int]
    actions: dict[str, dict[str, int]]
    sends: int
    sends_answered: int
    events_answered: int
    customers_answered: int
    cost: dict[str, str]
    cost_unknown: int
    by_day: dict[str, Day]


def empty() -> Totals:
    return Totals(
        events=0, matched=0, customers=0, reasons={}, outcomes={}, ended_by={}, actions={}, sends=0, sends_answered=0,
        events_answered=0, customers_answered=0, cost={}, cost_unknown=0, by_day={},
    )  # fmt: skip


def add(totals: Totals, reports: Sequence[Report]) -> None:
    """Add the reports of some customers, of each all at once: so each customer counts once."""
    matched: set[UUID] = set()
    answered: set[UUID] = set()
    for report in reports:
        customer = report.event.customer_id
        totals["events"] += 1
        _count(totals["reasons"], report.decision.reason.value)
        day = totals["by_day"].setdefault(
            timezone.localdate(report.event.occurred_at).isoformat(), Day(events=0, matched=0)
        )
        day["events"] += 1
        if not report.decision.is_match:
            continue
        totals["matched"] += 1
        day["matched"] += 1
        totals["events_answered"] += report.is_answered
        _add_steps(totals, report)
        if customer is not None:
            matched.add(customer)
            if report.is_answered:
                answered.add(customer)
    totals["customers"] += len(matched)
    totals["customers_answered"] += len(answered)


def add_costs(totals: Totals, reports: Iterable[Report], prices: Prices) -> None:
    """Add what the messages of these reports would have cost, each by the rate of the day on which it would leave."""
    for report in reports:
        for plan in report.plans:
            estimate = prices.price(
                billed(kind=plan.channel_kind, address=plan.recipient, body=plan.body, template=plan.template),
                at=plan.at,
            )
            if estimate.amount is None:
                totals["cost_unknown"] += estimate.is_of_interest
            else:
                before = Decimal(totals["cost"].get(estimate.currency, "0"))
                totals["cost"][estimate.currency] = str(before + estimate.amount)


def _add_steps(totals: Totals, report: Report) -> None:
    _count(totals["outcomes"], report.outcome.value)
    if report.ended_by:
        _count(totals["ended_by"], str(report.ended_by))
    for step in report.steps:
        if step.action not in CONTROL:
            _count(totals["actions"].setdefault(step.action, {}), step.status.value)
    totals["sends"] += len(report.plans)
    totals["sends_answered"] += sum(step.is_answered for step in report.steps)


def _count(counts: dict[str, int], name: str) -> None:
    counts[name] = counts.get(name, 0) + 1
