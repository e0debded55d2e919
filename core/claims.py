"""The database is the queue: rows with a `due_at`, claimed by a lease and settled behind a fence.

A claim moves `due_at` to the end of the lease and writes a token of its own. Whoever holds the token may settle; a
worker that slept past its lease finds another token and can't. A worker that died leaves a row that is simply due
again.
"""

from __future__ import annotations

import random
import re
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import connections, models, transaction
from django.utils import timezone


class Claimable(models.Model):
    """A row that has to be worked on at `due_at`; nothing is left to do when that is empty."""

    due_at = models.DateTimeField(null=True, blank=True, editable=False)
    claim_token = models.UUIDField(null=True, blank=True, editable=False)
    attempts = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        abstract = True


Row = TypeVar("Row", bound=Claimable)

_NOT_STORABLE = re.compile(r"[\x00\ud800-\udfff]")


def claim(queryset: models.QuerySet[Row], *, limit: int, lease: timedelta, **changes: Any) -> list[Row]:
    """Take up to `limit` due rows for the time of the lease, oldest due first; `changes` are written with the claim.

    Two callers never hold the same row at once: PostgreSQL skips what others have locked, SQLite lets one writer in.
    """
    now = timezone.now()
    token = uuid.uuid4()
    with transaction.atomic(using=queryset.db):
        due = queryset.filter(due_at__lte=now).order_by("due_at", "pk")
        if connections[queryset.db].features.has_select_for_update_skip_locked:
            due = due.select_for_update(skip_locked=True, of=("self",), no_key=True)
        rows = list(due[:limit])
        if rows:
            keys = [row.pk for row in rows]
            unjoined = queryset.model._base_manager.using(queryset.db)
            unjoined.filter(pk__in=keys).update(
                due_at=now + lease, claim_token=token, attempts=models.F("attempts") + 1, **changes
            )
    for row in rows:
        row.due_at, row.claim_token, row.attempts = now + lease, token, row.attempts + 1
        for name, value in changes.items():
            setattr(row, name, value)
    return rows


def settle(row: Claimable, *, due_at: datetime | None = None, **changes: Any) -> bool:
    """Write the outcome and end the claim; False, and nothing written, when the claim was lost meanwhile."""
    claimed = type(row)._base_manager.filter(pk=row.pk, claim_token=row.claim_token)
    settled = claimed.update(due_at=due_at, claim_token=None, **changes) == 1
    if settled:
        row.due_at, row.claim_token = due_at, None
        for name, value in changes.items():
            setattr(row, name, value)
    return settled


def give_back(rows: Sequence[Claimable], **changes: Any) -> None:
    """End claims whose work was not begun, so that another worker takes them at once; the attempt is not counted."""
    for row in rows:
        settle(row, due_at=timezone.now(), attempts=max(row.attempts - 1, 0), **changes)


def reason_of(error: BaseException, *, length: int = 2000) -> str:
    """What went wrong, for the row; without the characters that a database refuses, so that it can be written."""
    return _NOT_STORABLE.sub("\N{REPLACEMENT CHARACTER}", f"{type(error).__name__}: {error}")[:length]


def backoff(attempts: int, schedule: Sequence[timedelta]) -> timedelta | None:
    """The wait after this many attempts, with a quarter of jitter; None when the schedule is used up."""
    if attempts > len(schedule):
        return None
    wait = schedule[max(attempts, 1) - 1]
    return wait * random.uniform(0.875, 1.125)  # noqa: S311 - spreads load, keeps no secret
