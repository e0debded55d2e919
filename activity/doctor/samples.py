"""Samples of how much there is to do and how much was done: taken each minute, rolled up to hours, shown as series.

A metric gives its values by organization; the installation's is their sum or the largest. A minute's sample is written
once the minute is over; those that count events are counted again twice, since a transaction may commit later.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Count, Max, Min, QuerySet, Sum
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from activity.models import Event, Heartbeat, InstallationSample, OrganizationSample
from core import clock, queues
from core.ids import first_uuid7
from core.registry import Registry
from core.tenancy import every_organization

# None stands for what belongs to no organization.
ByOrganization = Mapping[UUID | None, float]

MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
# After its end a minute is left alone for so long; and so many minutes are counted again each time.
SETTLES_AFTER: Final = timedelta(seconds=10)
COUNTED_AGAIN: Final = 3
MINUTES_RETENTION: Final = timedelta(days=2)
HOURS_RETENTION: Final = timedelta(days=35)
# An event's id is made with it, and its time is the transaction's: they differ by less than this.
ID_SLACK: Final = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A figure over time. `read` takes from when to when, in every organization's scope.

    `is_count`: of what happened meanwhile, so that minutes add up; else how it stood, of which the largest counts.
    `adds_up`: whether the installation's is the sum of the organizations'.
    """

    name: str
    label: str | Promise
    unit: str
    read: Callable[[datetime, datetime], ByOrganization]
    is_count: bool
    adds_up: bool = True
    is_of_organizations: bool = True


METRICS: Registry[Metric] = Registry("Doctor: metrics", name=lambda metric: metric.name)
register = METRICS.register


def of_organizations() -> list[Metric]:
    return [metric for metric in METRICS if metric.is_of_organizations]


def events(*types: str) -> Callable[[datetime, datetime], ByOrganization]:
    """A metric's `read`: how many events of these types the ledger has of that time."""

    def read(since: datetime, until: datetime) -> ByOrganization:
        rows = Event.objects.filter(
            # The ledger's indexes begin with the organization; its ids are ordered by time.
            pk__gte=first_uuid7(since - ID_SLACK),
            pk__lt=first_uuid7(until + ID_SLACK),
            occurred_at__gte=since,
            occurred_at__lt=until,
            type__in=types,
        )
        return dict(rows.order_by().values_list("organization").annotate(count=Count("pk")))

    return read


def take() -> int:
    """Take the samples of the minutes that are over; how many minutes were looked at."""
    now = clock.now()
    last = _floor(now - SETTLES_AFTER, MINUTE) - MINUTE
    minutes = [last - MINUTE * back for back in range(COUNTED_AGAIN)]
    taken = set(InstallationSample.objects.filter(seconds=60, at__in=minutes).values_list("at", "metric"))
    with every_organization("the installation's figures are of all organizations"):
        for metric in METRICS:
            for at in minutes if metric.is_count else minutes[:1]:
                # How it stands now says nothing about a minute that was sampled already.
                if metric.is_count or (at, metric.name) not in taken:
                    _write(metric, at, MINUTE, metric.read(at, at + MINUTE))
    return len(minutes)


def roll_up() -> int:
    """Make hours of the minutes, and delete what is older than it is kept; how many hours were made."""
    this_hour = _floor(clock.now(), HOUR)
    hours = [this_hour - HOUR * back for back in range(1, 25)]
    done = set(InstallationSample.objects.filter(seconds=3600, at__in=hours).values_list("at", flat=True))
    # The last is made again: its last minutes may have been counted since.
    missing = [hour for hour in hours if hour not in done or hour == hours[0]]
    with every_organization("the installation's figures are of all organizations"):
        for hour in missing:
            for metric in METRICS:
                _roll_up(metric, hour)
        for seconds, kept in ((60, MINUTES_RETENTION), (3600, HOURS_RETENTION)):
            old = {"seconds": seconds, "at__lt": clock.now() - kept}
            InstallationSample.objects.filter(**old).delete()
            OrganizationSample.objects.filter(**old).delete()
    return len(missing)


def _roll_up(metric: Metric, hour: datetime) -> None:
    whole = Sum("value") if metric.is_count else Max("value")
    minutes = {"metric": metric.name, "seconds": 60, "at__gte": hour, "at__lt": hour + HOUR}
    own = InstallationSample.objects.filter(**minutes).aggregate(whole=whole)["whole"]
    if own is None:
        return  # nobody looked
    parts = OrganizationSample.objects.filter(**minutes).order_by().values_list("organization").annotate(whole=whole)
    _write_rows(metric.name, hour, HOUR, own, dict(parts))


def _write(metric: Metric, at: datetime, length: timedelta, values: ByOrganization) -> None:
    whole = sum(values.values()) if metric.adds_up else max(values.values(), default=0.0)
    parts = (
        {pk: value for pk, value in values.items() if pk is not None and value} if metric.is_of_organizations else {}
    )
    _write_rows(metric.name, at, length, whole, parts)


def _write_rows(name: str, at: datetime, length: timedelta, whole: float, parts: Mapping[UUID, float]) -> None:
    place = {"metric": name, "at": at, "seconds": int(length.total_seconds())}
    InstallationSample.objects.bulk_create(
        [InstallationSample(value=whole, **place)],
        update_conflicts=True,
        unique_fields=["seconds", "at", "metric"],
        update_fields=["value"],
    )
    OrganizationSample.objects.bulk_create(
        [OrganizationSample(organization_id=pk, value=value, **place) for pk, value in parts.items()],
        update_conflicts=True,
        unique_fields=["organization", "seconds", "at", "metric"],
        update_fields=["value"],
        batch_size=500,
    )


# --- Series -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TimeRange:
    """A stretch of time that a series is shown for, in steps that are made of whole samples."""

    name: str
    label: str | Promise
    length: timedelta
    step: timedelta
    sample: timedelta


RANGES: Final = {
    "24h": TimeRange("24h", _("24 hours"), timedelta(hours=24), timedelta(minutes=15), MINUTE),
    "30d": TimeRange("30d", _("30 days"), timedelta(days=30), timedelta(hours=6), HOUR),
}


@dataclass(frozen=True)
class Point:
    """`value` is None where nobody looked."""

    at: datetime
    value: float | None


@dataclass(frozen=True)
class Series:
    metric: Metric
    points: tuple[Point, ...]

    @property
    def total(self) -> float:
        """All of it where it counts, else the largest."""
        values = [point.value for point in self.points if point.value is not None]
        return sum(values) if self.metric.is_count else max(values, default=0.0)


def series_of_installation(span: TimeRange, metrics: Iterable[Metric]) -> list[Series]:
    """The installation's series, each with a point for every step, the oldest first."""
    return _series(span, list(metrics), InstallationSample.objects.all())


def series_of_organization(span: TimeRange, metrics: Iterable[Metric]) -> list[Series]:
    """The series of the organization whose scope is open: of its own rows alone."""
    return _series(span, list(metrics), OrganizationSample.objects.all())


def _series(
    span: TimeRange, metrics: list[Metric], rows: QuerySet[InstallationSample] | QuerySet[OrganizationSample]
) -> list[Series]:
    end = _floor(clock.now(), span.step) + span.step
    begin = end - span.length
    within = {
        "seconds": int(span.sample.total_seconds()),
        "at__gte": begin,
        "at__lt": end,
        "metric__in": [metric.name for metric in metrics],
    }
    steps = [begin + span.step * number for number in range(span.length // span.step)]
    looked: dict[str, set[datetime]] = defaultdict(set)
    for name, at in InstallationSample.objects.filter(**within).values_list("metric", "at"):
        looked[name].add(_floor(at, span.step))
    values: dict[tuple[str, datetime], float] = {}
    for name, at, value in rows.filter(**within).values_list("metric", "at", "value"):
        key = name, _floor(at, span.step)
        before = values.get(key, 0.0)
        values[key] = before + value if METRICS[name].is_count else max(before, value)
    return [
        Series(
            metric,
            tuple(Point(at, values.get((metric.name, at), 0.0) if at in looked[metric.name] else None) for at in steps),
        )
        for metric in metrics
    ]


def _floor(at: datetime, length: timedelta) -> datetime:
    seconds = int(length.total_seconds())
    return datetime.fromtimestamp(int(at.timestamp()) // seconds * seconds, tz=UTC)


# --- What every app has -----------------------------------------------------------------------------------------------


def _due(since: datetime, until: datetime) -> ByOrganization:
    counts: dict[UUID | None, float] = defaultdict(float)
    for queue in queues.every():
        rows = queue.rows().filter(due_at__lte=clock.now()).order_by()
        if queue.has_organizations:
            for pk, count in rows.values_list("organization").annotate(count=Count("pk")):
                counts[pk] += count
        else:
            counts[None] += rows.count()
    return counts


def _oldest(since: datetime, until: datetime) -> ByOrganization:
    now = clock.now()
    oldest: dict[UUID | None, float] = defaultdict(float)
    for queue in queues.every():
        rows = queue.rows().filter(due_at__lte=now).order_by()
        if queue.has_organizations:
            found = list(rows.values_list("organization").annotate(oldest=Min("due_at")))
        else:
            found = [(None, rows.aggregate(oldest=Min("due_at"))["oldest"])]
        for pk, due_at in found:
            if due_at is not None:
                oldest[pk] = max(oldest[pk], (now - due_at).total_seconds())
    return oldest


def _worker_lag(since: datetime, until: datetime) -> ByOrganization:
    age = Heartbeat.objects.age(Heartbeat.Name.CANARY)
    return {} if age is None else {None: age.total_seconds()}


register(Metric(name="queue_depth", label=_("Due and not yet done"), unit="rows", read=_due, is_count=False))
register(
    Metric(name="oldest_due", label=_("Longest overdue"), unit="seconds", read=_oldest, is_count=False, adds_up=False)
)
register(
    Metric(
        name="worker_lag", label=_("Since a worker last answered"), unit="seconds", read=_worker_lag,
        is_count=False, adds_up=False, is_of_organizations=False,
    )
)  # fmt: skip
