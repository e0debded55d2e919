from __future__ import annotations

from celery import shared_task

from accounts.services import idempotency
from core.jobs import Drain


@shared_task(base=Drain, name="accounts.tasks.forget_idempotency_keys")
def forget_idempotency_keys() -> int:
    """Delete the answers that are older than a day."""
    return idempotency.forget_old()
