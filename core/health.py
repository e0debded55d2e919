"""Health checks: alive (the process answers), and ready (every part it needs answers too)."""

from __future__ import annotations

import logging
import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import redis
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import salted_hmac
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from core.registry import Registry

logger = logging.getLogger(__name__)

_NONCE = re.compile(r"[0-9a-f]{16,64}")

# A check gives an empty text when all is well, else the reason in plain words.
Check = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Part:
    """`check` returns the reason why the part is failing, or an empty text.

    `is_advisory`: somebody has to see to it while everything runs: shown, and no reason to send people elsewhere.
    """

    name: str
    check: Check
    is_advisory: bool = False


PARTS: Registry[Part] = Registry(
    "Checks of /health/ready",
    name=lambda part: part.name,
    describe=lambda part: "advisory" if part.is_advisory else "",
)


def register(name: str, check: Check, *, is_advisory: bool = False) -> None:
    """Add a check to `/health/ready`. An advisory one calls for attention and leaves the installation ready."""
    PARTS.register(Part(name, check, is_advisory))


def failing() -> dict[str, str]:
    """The failing parts, each with its reason. A check that raises counts as failing."""
    reasons = {part.name: _result_of(part.check) for part in PARTS}
    return {name: reason for name, reason in reasons.items() if reason}


def _result_of(check: Check) -> str:
    try:
        return check()
    except Exception as error:  # noqa: BLE001 - whatever it was, this part is not ready
        return f"{type(error).__name__}: {error}"


def proof(nonce: str) -> str:
    """What only this installation can answer to a nonce."""
    return salted_hmac("core.health.proof", nonce, algorithm="sha256").hexdigest()


@require_safe
@never_cache
def alive(request: HttpRequest) -> HttpResponse:
    """Liveness: this process answers. To a `nonce` of up to 64 hexadecimal digits it proves whose process it is."""
    nonce = request.GET.get("nonce", "")
    return JsonResponse({"status": "ok", **({"proof": proof(nonce)} if _NONCE.fullmatch(nonce) else {})})


@require_safe
@never_cache
def ready(request: HttpRequest) -> HttpResponse:
    """Readiness: 200, or 503 with the names of what is wrong. The reasons stand in the log and the admin.

    `attention` beside a name, and for the whole where nothing fails: somebody has to see to it.
    """
    reasons = failing()
    if reasons:
        logger.warning("not_ready", extra={"reasons": reasons})
    worst = {name: "attention" if PARTS[name].is_advisory else "failing" for name in reasons}
    is_failing = "failing" in worst.values()
    whole = "failing" if is_failing else "attention" if worst else "ok"
    checks = {name: worst.get(name, "ok") for name in PARTS.names()}
    return JsonResponse({"status": whole, "checks": checks}, status=503 if is_failing else 200)


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
