"""Whether Parley is well: alive (it answers), and ready (every part it needs answers too)."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import redis
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

logger = logging.getLogger(__name__)

# A check gives an empty text when all is well, else the reason in plain words.
Check = Callable[[], str]

_checks: dict[str, Check] = {}


def register(name: str, check: Check) -> None:
    """Have `/health/ready` ask this too."""
    _checks[name] = check


def failing() -> dict[str, str]:
    """The parts that are not well, with the reason. A check that raises is not well either."""
    reasons = {name: _ask(check) for name, check in _checks.items()}
    return {name: reason for name, reason in reasons.items() if reason}


def _ask(check: Check) -> str:
    try:
        return check()
    except Exception as error:  # noqa: BLE001 - whatever it was, this part is not ready
        return f"{type(error).__name__}: {error}"


@require_safe
@never_cache
def alive(request: HttpRequest) -> HttpResponse:
    """Liveness: this process answers."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def ready(request: HttpRequest) -> HttpResponse:
    """Readiness: 200, or 503 with the names of what is wrong. The reasons stand in the log and the admin."""
    reasons = failing()
    if reasons:
        logger.warning("not_ready", extra={"reasons": reasons})
    status = {name: "failing" if name in reasons else "ok" for name in _checks}
    return JsonResponse({"status": "failing" if reasons else "ok", "checks": status}, status=503 if reasons else 200)


def database_answers() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return ""


def broker_answers() -> str:
    """Redis answers, or the local broker's folder can be written to."""
    if settings.REDIS_URL:
        client = redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=1)
        try:
            client.ping()
        finally:
            client.close()
        return ""
    folder = Path(settings.CELERY_BROKER_TRANSPORT_OPTIONS["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".health-", dir=folder)
    os.close(handle)
    Path(name).unlink()
    return ""


register("database", database_answers)
register("broker", broker_answers)
