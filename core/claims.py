"""The database is the queue: rows with a `due_at`, claimed by a lease and settled behind a fence.

A claim moves `due_at` to the end of the lease and writes a token of its own. Whoever holds the token may settle; a
worker that slept past its lease finds another token and can't. A worker that died leaves a row that is simply due
again.

Work that was begun and never settled is counted in `lost_claims`: such a row may be what kills its workers. It is
then claimed alone, so that it takes no others along, and after MAX_LOST_CLAIMS the queue sets it aside (`core.sweeps`).
"""

from __future__ import annotations

import random
import re
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, TypeVar

from django.db import connections, models, transaction
from django.db.models import Case, F, Value, When

from core import clock

# So many beginnings that nobody came back from set a row aside.
MAX_LOST_CLAIMS: Final = 3


class Claimable(models.Model):
    """A row that has to be worked on at `due_at`; nothing is left to do when that is empty."""

    due_at = models.DateTimeField(null=True, blank=True, editable=False)
    claim_token = models.UUIDField(null=True, blank=True, editable=False)
    # How often the work was tried and ended in some way; a claim that was lost with its worker is none.
    attempts = models.PositiveIntegerField(default=0, editable=False)
    # Since when the claim that stands is worked on. Claimed and not begun is in nobody's hands yet.
    begun_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Beginnings in a row that ended with the worker, and not with an outcome.
    lost_claims = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)

    class Meta:
        abstract = True

    @property
    def is_suspect(self) -> bool:
        """Whether a worker died while it worked on this row: the row is then worked on alone."""
        return self.lost_claims > 0


Row = TypeVar("Row", bound=Claimable)

_NOT_STORABLE = re.compile(r"[\x00\ud800-\udfff]")


def released() -> dict[str, object]:
    """The values that end a claim: no token, not begun, no lost claims."""
    return {"claim_token": None, "begun_at": None, "lost_claims": 0}


def claim(
    queryset: models.QuerySet[Row],
    *,
    limit: int,
    lease: timedelta,
    begin: bool = True,
    is_attempt: bool = True,
    **changes: object,
) -> list[Row]:
    """Take up to `limit` due rows for the time of the lease, oldest due first; `changes` are written with the claim.

    Two callers never hold the same row at once: PostgreSQL skips what others have locked, SQLite lets one writer in.
    With `begin` the rows count as begun; else, and for a suspect row, whoever works on it calls `begun` just before.
    A suspect row comes alone. `is_attempt` says whether the claim counts as an attempt.
    """
    now = clock.now()
    token = uuid.uuid4()
    with transaction.atomic(using=queryset.db):
        due = queryset.filter(due_at__lte=now).order_by("due_at", "pk")
        if connections[queryset.db].features.has_select_for_update_skip_locked:
            due = due.select_for_update(skip_locked=True, of=("self",), no_key=True)
        rows = _none_beside_a_suspect(list(due[:limit]))
        if not rows:
            return rows
        is_suspect = _is_suspect(rows[0])
        begun_at = now if begin and not is_suspect else None
        unjoined = queryset.model._base_manager.using(queryset.db)
        unjoined.filter(pk__in=[row.pk for row in rows]).update(
            due_at=now + lease,
            claim_token=token,
            begun_at=begun_at,
            # In place of one that was lost with its worker, it is that one's attempt.
            attempts=F("attempts")
            + Case(When(claim_token__isnull=True, then=Value(int(is_attempt))), default=Value(0)),
            lost_claims=F("lost_claims") + Value(int(rows[0].begun_at is not None and is_suspect)),
            **changes,
        )
    for row in rows:
        row.attempts += int(is_attempt and row.claim_token is None)
        row.lost_claims += int(row.begun_at is not None and is_suspect)
        row.due_at, row.claim_token, row.begun_at = now + lease, token, begun_at
        for name, value in changes.items():
            setattr(row, name, value)
    return rows


def _is_suspect(row: Claimable) -> bool:
    """Whether a worker died with a due row, now or before: its lease ran out after the work on it had begun."""
    return row.lost_claims > 0 or (row.claim_token is not None and row.begun_at is not None)


def _none_beside_a_suspect(rows: list[Row]) -> list[Row]:
    for position, row in enumerate(rows):
        if _is_suspect(row):
            return rows[: max(position, 1)]
    return rows


def begun(row: Claimable, *, lease: timedelta) -> bool:
    """Note that the work on a claimed row begins now, for the whole lease; False where the claim was lost meanwhile."""
    now = clock.now()
    locked = type(row)._base_manager.filter(pk=row.pk, claim_token=row.claim_token)
    if row.claim_token is None or locked.update(begun_at=now, due_at=now + lease) != 1:
        return False
    row.begun_at, row.due_at = now, now + lease
    return True


def settle(row: Claimable, *, due_at: datetime | None = None, **changes: object) -> bool:
    """Write the outcome and end the claim; False, and nothing written, when the claim was lost meanwhile."""
    changes = {**released(), **changes}
    claimed = type(row)._base_manager.filter(pk=row.pk, claim_token=row.claim_token)
    settled = claimed.update(due_at=due_at, **changes) == 1
    if settled:
        row.due_at = due_at
        for name, value in changes.items():
            setattr(row, name, value)
    return settled


def give_back(rows: Sequence[Claimable], **changes: object) -> None:
    """End claims whose work was not begun, so that another worker takes them at once; the attempt is not counted.

    What was counted against them stays: it was not tried.
    """
    for row in rows:
        settle(
            row,
            due_at=clock.now(),
            attempts=max(row.attempts - 1, 0),
            lost_claims=row.lost_claims,
            **changes,
        )


def reason_of(error: BaseException, *, length: int = 2000) -> str:
    """The error as a text for the row, `length` characters at most, without those that a database refuses."""
    return _NOT_STORABLE.sub("\N{REPLACEMENT CHARACTER}", f"{type(error).__name__}: {error}")[:length]


def backoff(attempts: int, schedule: Sequence[timedelta]) -> timedelta | None:
    """The wait after this many attempts, with a quarter of jitter; None when the schedule is used up."""
    if attempts > len(schedule):
        return None
    wait = schedule[max(attempts, 1) - 1]
    return wait * random.uniform(0.875, 1.125)  # noqa: S311 - spreads load, keeps no secret
