"""Working through what is due: row by row, organization by organization.

A row is claimed in the moment in which its work begins. So a worker that dies has nothing in its hands but what it was
working on, and nothing has to be given back when the process is to stop. The organizations that have something due
take turns, so that the backlog of one costs the others a moment.
"""

from __future__ import annotations

import time
from typing import Final
from uuid import UUID

from django.db import models
from django.db.models import Min

from core import clock
from core.alone import gate
from core.claims import Row, claim
from core.jobs import stopping
from core.queues import Queue
from core.tenancy import every_organization

# A turn of one organization: so many rows, or so many seconds, whichever is over first.
TURN_ROWS: Final = 10
TURN_SECONDS: Final = 1.0


def sweep(queue: Queue[Row], *, seconds: float = 60.0) -> int:
    """Work on the due rows of all organizations in turn; how many were.

    It ends by itself after `seconds`, so that no worker belongs to one backlog for good, and when the process has to
    stop. A row whose work raises stays claimed until its lease ends, and the others go on.
    """
    done = 0
    until = time.monotonic() + seconds
    while organizations := _organizations_with_due(queue):
        before, has_more = done, False
        for organization in organizations:
            count, is_over = _turn(queue, organization, until)
            done, has_more = done + count, has_more or not is_over
            if stopping() or time.monotonic() > until:
                return done
        if done == before or not has_more:
            return done  # others have the rest; what became due meanwhile was rung for
    return done


def _organizations_with_due(queue: Queue[Row]) -> list[UUID | None]:
    """Whose turn it is, who has waited longest first."""
    with every_organization(queue.why):
        # Without what the rows are read with: only their organizations are asked for.
        due = queue.active_rows().select_related(None).filter(due_at__lte=clock.now()).order_by()
        if not queue.has_organizations:
            return [None] if due.exists() else []
        waiting = due.values("organization_id").annotate(since=Min("due_at")).order_by("since")
        return [row["organization_id"] for row in waiting]


def _turn(queue: Queue[Row], organization: UUID | None, until: float) -> tuple[int, bool]:
    """How many rows it took, and whether the organization had no more."""
    ends = min(time.monotonic() + TURN_SECONDS, until)
    done = 0
    while done < TURN_ROWS and not stopping():
        # Claimed inside: a row does not count as begun while it waits for a suspect to end.
        with gate.beside_others():
            row = _claim_next(queue, organization)
            if row is not None and not row.is_suspect:
                queue.do(row)
        if row is None:
            return done, True
        if row.is_suspect:
            queue.do(row)
        done += 1
        if time.monotonic() > ends:
            break
    return done, False


def _claim_next(queue: Queue[Row], organization: UUID | None) -> Row | None:
    with every_organization(queue.why):
        owner = {"organization_id": organization} if organization is not None else {"organization_id__isnull": True}
        rows: models.QuerySet[Row] = queue.active_rows()
        if queue.has_organizations:
            rows = rows.filter(**owner)
        claimed = claim(rows, limit=1, lease=queue.lease, is_attempt=queue.is_attempt, **queue.changes)
    return claimed[0] if claimed else None
