"""What the day brings, once a day in each organization at an hour of its own clock: that a day began, and whose dates
it is (own date fields of customers), as far as rules ask for them.

Each is recorded under a key of its own, however many workers look and wherever one is killed. After an outage only
today's come: what lay between nobody waits for any more.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final, NamedTuple

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.db.models import Q, TextField
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from accounts.models import Organization
from activity.ledger import record
from activity.models import Event
from core.jobs import stopping
from customers import days
from customers.models import Customer, CustomField
from customers.work.deadlines import each_organization
from workflows import events
from workflows.models import Workflow
from workflows.rules.conditions import InvalidConditions, comparisons, parse
from workflows.rules.reading import DAYS_UNTIL, MAX_DAYS_UNTIL

STEP: Final = 500
# Of one organization at a time.
MAX_STEPS: Final = 20
OVER, NOTHING_YET = "over", "nothing"
CACHE_SECONDS: Final = 26 * 3600


class Asked(NamedTuple):
    """A date field by its key, and how many days it is until its date."""

    field: str
    days_until: int


def record_day() -> int:
    """Record what is due today in every organization; how many events were new."""
    return each_organization(_of_organization)


def asked_dates(workflows: Iterable[Workflow], fields: Iterable[str]) -> list[Asked]:
    """What the rules ask for, in order: of one that names no field every date field, of one that says no days the day
    itself."""
    known, result = sorted(fields), set[Asked]()
    for workflow in workflows:
        named = _values(workflow, "date_field")
        offsets = [value for value in _values(workflow, DAYS_UNTIL) if isinstance(value, int)] or [0]
        chosen = [field for field in known if field in named] if named else known
        result |= {Asked(field, offset) for field in chosen for offset in offsets if abs(offset) <= MAX_DAYS_UNTIL}
    return sorted(result)


def _of_organization(organization: Organization, now: datetime) -> int:
    today = now.astimezone(organization.zone).date()
    if now < days.at(today, time(settings.DAILY_HOUR), organization.zone):
        return 0
    count = _begin_day(organization, today)
    rules = Workflow.objects.filter(kind=Workflow.Kind.RULE, is_enabled=True, trigger_event=events.DATE_REACHED)
    if not (rows := list(rules)):
        return count
    dates = CustomField.objects.filter(entity=CustomField.Entity.CUSTOMER, type=CustomField.Type.DATE)
    for asked in asked_dates(rows, dates.values_list("key", flat=True)):
        # Looked through once an hour, as dates are entered all day; where the cache forgets, the keys know.
        done = f"dates:{organization.pk}:{today}:{now.hour}:{asked.field}:{asked.days_until}"
        begins = cache.get(done)
        if begins == OVER:
            continue
        added, last = _record_dates(organization, asked, today + timedelta(days=asked.days_until), after=begins)
        count += added
        cache.set(done, last, CACHE_SECONDS)
        if last != OVER:
            # The others have their turn; this goes on with the next look.
            break
    return count


def _begin_day(organization: Organization, today: date) -> int:
    key = today.isoformat()
    if Event.objects.filter(type=events.SCHEDULE_DAILY, source_key=key).exists():
        return 0
    record(events.SCHEDULE_DAILY, subject=organization, organization=organization, source_key=key)
    return 1


def _record_dates(organization: Organization, asked: Asked, day: date, *, after: str | None) -> tuple[int, str]:
    """Record it for each customer behind the one of this id whose field has the day, of this year or one before, for
    MAX_STEPS at most; how many were new, and the id of the last one, or OVER."""
    people = Customer.objects.present().alias(_date=Cast(KeyTextTransform(asked.field, "custom_fields"), TextField()))
    ends = Q(_date__endswith=f"-{day:%m-%d}")
    if (day.month, day.day) == (2, 28) and not calendar.isleap(day.year):
        # Who was born on the 29th of February has a birthday every year.
        ends |= Q(_date__endswith="-02-29")
    rows = people.filter(ends, _date__lte=day.isoformat()).order_by("pk").select_related("organization")
    count, last = 0, after
    for _step in range(MAX_STEPS):
        if stopping():
            break
        step = list((rows.filter(pk__gt=last) if last and last != NOTHING_YET else rows)[:STEP])
        count += _record_step(organization, step, asked, day)
        if len(step) < STEP:
            return count, OVER
        last = str(step[-1].pk)
    return count, last or NOTHING_YET


@transaction.atomic
def _record_step(organization: Organization, step: Sequence[Customer], asked: Asked, day: date) -> int:
    keys = {f"{row.pk}:{asked.field}:{asked.days_until}:{day.isoformat()}": row for row in step}
    rows = Event.objects.filter(type=events.DATE_REACHED, source_key__in=list(keys)) if keys else Event.objects.none()
    known = set(rows.values_list("source_key", flat=True))
    for key, customer in keys.items():
        if key not in known:
            year = int(str(customer.custom_fields[asked.field])[:4])
            payload = {"date_field": asked.field, "days_until": asked.days_until, "years": day.year - year}
            record(
                events.DATE_REACHED, subject=customer, organization=organization, source_key=key, payload=payload
            )  # fmt: skip
    return len(keys) - len(known)


def _values(workflow: Workflow, name: str) -> list[object]:
    """What the rule's conditions want the field to be; empty where they don't say it."""
    try:
        every = list(comparisons(parse(workflow.conditions)))
    except InvalidConditions:
        return []
    result: list[object] = []
    for one in every:
        if one.field == name and one.operator in ("", "eq", "in"):
            result += one.value if isinstance(one.value, list) else [one.value]
    return result
