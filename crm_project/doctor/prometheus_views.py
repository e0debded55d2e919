"""`/metrics`: what Prometheus reads, for web, worker and beat at one address, behind METRICS_TOKEN."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings
from django.db.models import Min, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from activity.doctor import exposition, processes
from activity.models import HealthStatus, Heartbeat, InstallationCheck
from core import clock
from core.tenancy import every_organization
from crm_project.queues import declared

MAX_COUNTED = 100_000


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures as text. Without METRICS_TOKEN there is no such page; `Authorization: Bearer <token>` opens it."""
    if not settings.METRICS_TOKEN:
        raise Http404
    given = request.headers.get("Authorization", "")
    if not constant_time_compare(given, f"Bearer {settings.METRICS_TOKEN}"):
        answer = HttpResponse("Send the token: Authorization: Bearer …\n", status=401, content_type="text/plain")
        answer.headers["WWW-Authenticate"] = 'Bearer realm="metrics"'
        return answer
    lines = [*exposition.figures(processes.totals("web")), *_heartbeats(), *_checks(), *_queues()]
    return HttpResponse("\n".join([*lines, ""]), content_type=exposition.CONTENT_TYPE)


def _heartbeats() -> list[str]:
    now = clock.now()
    ages = [
        ({"name": beat.name}, max((now - beat.beat_at).total_seconds(), 0.0))
        for beat in Heartbeat.objects.order_by("name")
    ]
    return exposition.gauge("parley_heartbeat_age_seconds", "Seconds since a part was last heard of.", ages)


def _checks() -> list[str]:
    """One series for each line and status, of which one is 1: as Prometheus's own state sets are."""
    rows = InstallationCheck.objects.order_by("name", "key").values_list("name", "key", "status")
    values = [
        ({"check": name, "line": key, "status": one.value}, float(one == status))
        for name, key, status in rows
        for one in HealthStatus
    ]
    return exposition.gauge("parley_check_status", "The doctor's lines, as they were found last.", values)


def _queues() -> list[str]:
    depth: list[tuple[Mapping[str, str], float]] = []
    oldest: list[tuple[Mapping[str, str], float]] = []
    with every_organization("the queues serve all organizations"):
        for queue in declared():
            count, age = _waiting(queue.rows())
            depth.append(({"queue": queue.name}, count))
            oldest.append(({"queue": queue.name}, age))
    return [
        *exposition.gauge("parley_queue_due", "Rows that are due and not yet done.", depth),
        *exposition.gauge("parley_queue_oldest_seconds", "For how long the oldest of them is due.", oldest),
    ]


def _waiting(rows: QuerySet) -> tuple[float, float]:
    now = clock.now()
    due = rows.filter(due_at__lte=now).order_by()
    oldest = due.aggregate(oldest=Min("due_at"))["oldest"]
    return float(due[:MAX_COUNTED].count()), (now - oldest).total_seconds() if oldest else 0.0
