"""The queues: what is known of each kind of row that waits for its time.

A queue is declared once, beside the service that works it off. What must hold for every queue (a killer is set aside,
a lease is renewed, one organization does not keep out the others) is done here and in `core.sweeps` for all of them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Generic

from django.db import InterfaceError, OperationalError, connection, models
from django.utils.functional import Promise

from core import clock
from core.alone import gate
from core.claims import MAX_LOST_CLAIMS, Row, begun, released
from core.leases import Held, renewer
from core.metrics import CLAIMS
from core.registry import Registry
from core.tenancy import every_organization

logger = logging.getLogger(__name__)

KILLED = (
    f"The program that worked on this stopped {MAX_LOST_CLAIMS} times in a row without an answer, so it was set aside."
)
# PostgreSQL, appendix A: query_canceled, which is what statement_timeout gives.
TOO_SLOW = "57014"
TOO_LONG = "The work on this did not end in the time that it may take, so it was set aside."


# Columns with the values that they are set to.
Values = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class ForOperators(Generic[Row]):
    """What of a queue waits for whoever runs the installation: `rows`, asked outside every organization.

    `retry` is the queue's own way to start one again; where it has none, the row is due now, with no attempt counted
    and `again` written. `given_up` is written where nobody is to try any more: then `rows` has it no longer.
    """

    rows: Callable[[], models.QuerySet[Row]]
    given_up: Values
    again: Values = field(default_factory=dict)
    retry: Callable[[Row], bool] | None = None
    error: str = "last_error"
    # The column of since when the row is there.
    since: str = "created_at"

    def start_again(self, row: Row) -> bool:
        """Have it tried again soon; False where it does not wait any more, or can't be tried."""
        if self.retry is not None:
            return self.retry(row)
        changes = {"due_at": clock.now(), "attempts": 0, self.error: "", **released(), **self.again}
        return self.rows().filter(pk=row.pk).update(**changes) == 1

    def end(self, row: Row) -> bool:
        """Have it tried no more; False where it does not wait any more."""
        return self.rows().filter(pk=row.pk).update(**self.given_up) == 1


@dataclass(frozen=True, kw_only=True)
class ForMembers(Generic[Row]):
    """What of a queue an organization's own people decide about: `where` they see it, in words.

    `query` finds the rows in the admin's list of the model. `rows` are they, asked outside every organization; None
    where there may be too many to count.
    """

    where: str | Promise
    query: str
    rows: Callable[[], models.QuerySet[Row]] | None = None


@dataclass(frozen=True, kw_only=True)
class Queue(Generic[Row]):
    """`rows` gives what may be claimed, due or not, with all that `work` reads of it; asked outside every organization.

    `work` settles the row. `set_aside(row, reason)` ends it behind the fence in the state that shows people that it
    needs them, with the reason; somebody can start it again from there. `longest` is how long the work may take.
    """

    name: str
    model: type[Row]
    rows: Callable[[], models.QuerySet[Row]]
    work: Callable[[Row], None]
    set_aside: Callable[[Row, str], None]
    why: str
    lease: timedelta
    longest: timedelta
    is_attempt: bool = True
    # False where the rows belong to nobody yet: then there are no turns to take.
    has_organizations: bool = True
    # Whether it goes on for an organization that is suspended: what comes in does, what leaves or happens does not.
    goes_on_suspended: bool = False
    changes: Values = field(default_factory=dict)
    # Who decides about what was set aside: whoever runs the installation, or the organization's people where they work.
    for_operators: ForOperators[Row] | None = None
    for_members: ForMembers[Row] | None = None

    def active_rows(self) -> models.QuerySet[Row]:
        """`rows` without those that wait for their organization to go on."""
        rows = self.rows()
        if not self.has_organizations or self.goes_on_suspended:
            return rows
        # settings.TENANT_MODEL has the flag; a row may belong to nobody yet.
        return rows.exclude(organization__is_active=False)

    def do(self, row: Row) -> None:
        """Work on a claimed row, alone if a worker was lost with it before; never raises.

        Work that raises leaves the row claimed until its lease ends, and counts as one that nobody came back from.
        """
        name = f"{self.model.__name__} {row.pk}"
        try:
            if row.lost_claims >= MAX_LOST_CLAIMS:
                logger.error("row_set_aside", extra={"row": name, "lost_claims": row.lost_claims})
                self.set_aside(row, KILLED)
                return
            with gate.alone() if row.is_suspect else gate.beside_others():
                if row.begun_at is None and not begun(row, lease=self.lease):
                    return
                CLAIMS.add(self.name)
                with renewer.holding(Held(row, self.lease, self.longest, self._end)):
                    self.work(row)
        except (OperationalError, InterfaceError) as error:
            # The database went away or refused: that says nothing against the row. A statement that takes longer than
            # any may take does: it will do so again.
            logger.warning("row_not_settled", extra={"row": name}, exc_info=True)
            if getattr(error.__cause__, "sqlstate", None) != TOO_SLOW:
                self._not_begun(row)
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()
        except Exception:  # the others must not wait for the end of the lease
            logger.exception("row_not_settled", extra={"row": name})

    def _end(self, row: Row) -> None:
        self.set_aside(row, TOO_LONG)

    def _not_begun(self, row: Row) -> None:
        try:
            self.model._base_manager.filter(pk=row.pk, claim_token=row.claim_token).update(begun_at=None)
        except (OperationalError, InterfaceError):
            logger.debug("row_not_released", extra={"row": str(row.pk)})


def stopped(model: type[Row], *, since: str = "created_at", **more: Any) -> ForOperators[Row]:
    """For rows that are never due again and have an error once they were set aside, which is all that says so."""

    def rows() -> models.QuerySet[Row]:
        return model._default_manager.filter(due_at=None, **more).exclude(last_error="")

    return ForOperators(rows=rows, given_up={"last_error": ""}, since=since)


# Of whichever rows.
AnyQueue = Queue[Any]
AnyOperators = ForOperators[Any]

_queues: Registry[AnyQueue] = Registry("Queues", name=lambda queue: queue.name)


def register(queue: Queue[Row]) -> Queue[Row]:
    """Make a queue known. Raises RegisteredTwice for a second one of the name."""
    return _queues.register(queue)


def every() -> list[AnyQueue]:
    return list(_queues)


def clip_leases() -> int:
    """Free rows that are claimed for longer than any claim lasts, as after a clock that jumped; how many.

    Nobody can hold such a claim rightly, and nobody would look at the row before its end.
    """
    freed = 0
    with every_organization("all queues are looked through for claims that no clock explains"):
        for queue in every():
            latest = clock.now() + 2 * queue.lease + timedelta(minutes=1)
            rows = queue.rows().filter(claim_token__isnull=False, due_at__gt=latest)
            keys = list(rows.values_list("pk", flat=True)[:1000])
            if keys:
                logger.error("lease_absurd", extra={"queue": queue.name, "count": len(keys)})
                locked = queue.model._base_manager.filter(pk__in=keys, claim_token__isnull=False, due_at__gt=latest)
                freed += locked.update(due_at=clock.now(), **_unchanged_count())
    return freed


def _unchanged_count() -> dict[str, object]:
    return {name: value for name, value in released().items() if name != "lost_claims"}
