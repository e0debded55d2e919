"""Long work, step by step: a row is the job, a claim's lease says who works on it, a step is one transaction.

    def handle(work: Work) -> dict[str, object]:
        for rows in batches_after(work.state.get("last", 0)):
            with work.step(done=rows[-1].number, total=count):
                write(rows)
                work.state["last"] = rows[-1].number
        return {"created": …}

A step's work, its checkpoint and its progress are committed together, behind the claim's fence. A worker that is
killed loses the step in hand and nothing else; one that slept past its lease can't write. Between steps a job ends
when it was cancelled, is given back when the process has to stop, and gives way after a few seconds when another one
waits. So a handler is called again with the state of its last step, and has to go on from there. Steps ought to take
well under a second: a cancellation waits for the one in hand, and with SQLite everybody who writes does.
"""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Q, QuerySet

from activity import events
from activity.actor import SYSTEM, Actor, acting_as
from activity.ledger import record
from activity.models import Job
from core import clock, queues
from core.alone import gate
from core.claims import backoff, settle
from core.jobs import stopping, wake_up
from core.leases import renewer
from core.refused import Refused
from core.registry import Registry
from core.sweeps import sweep
from core.tenancy import every_organization, organization_scope

if TYPE_CHECKING:
    # Jobs stand below the accounts; for the checker only.
    from accounts.models import Organization, User

logger = logging.getLogger(__name__)

# A job's checkpoint, and other values that JSON keeps.
State = dict[str, Any]

WORK = "activity.tasks.work"
LEASE = timedelta(seconds=60)
# One step of a job may take so long.
MAX_DURATION = timedelta(minutes=15)
# So long a job works before it looks whether another one waits.
SLICE_SECONDS = 3.0
RETRIES = [timedelta(seconds=5), timedelta(seconds=60)]
REMEMBERED = timedelta(days=90)
WENT_WRONG = "Something went wrong on our side, and trying again did not help. What was done so far is kept."
GIVEN_UP = "This could not be done, and whoever runs the installation has given it up. What was done so far is kept."

Status = Job.Status


class JobFailed(Exception):
    """Raised by a handler: the job ends as failed, with these plain words for whoever started it."""


class JobFinished(Refused):
    """The job ended before it could be cancelled."""

    status = 409


class _Ended(BaseException):
    """Ends the handler between two steps. Not an Exception, so that no handler catches it."""


class _ClaimLost(_Ended):
    """Another worker holds the claim by now."""


class _Cancelled(_Ended):
    pass


class _Stopping(_Ended):
    pass


class _GivesWay(_Ended):
    pass


class Work:
    """A job in hand. `state` is the checkpoint: what stands in it at the end of a step is there when work goes on."""

    def __init__(self, job: Job, actor: Actor) -> None:
        self.job = job
        self.actor = actor
        self.params: State = job.params
        self.state: State = job.state
        self._slice_ends: float | None = None

    @contextmanager
    def step(self, *, done: int | None = None, total: int | None = None) -> Generator[None]:
        """One transaction: the block, `state`, `done` of `total` and the longer lease, all of it or nothing."""
        self._go_on()
        before = copy.deepcopy(self.state)
        try:
            with transaction.atomic(durable=True):
                self._fence()
                yield
                changes = self._save(done, total)
        except BaseException:
            # In place: the handler may hold it.
            self.state.clear()
            self.state.update(before)
            raise
        for name, value in changes.items():
            setattr(self.job, name, value)
        self._give_way()

    def _go_on(self) -> None:
        if stopping():
            raise _Stopping
        if self._slice_ends is None:
            self._slice_ends = time.monotonic() + SLICE_SECONDS

    def _fence(self) -> None:
        """Lock the row until the commit. Raises _ClaimLost or _Cancelled."""
        due_at = clock.now() + LEASE
        if self._claimed().filter(is_cancel_requested=False).update(due_at=due_at) != 1:
            raise _Cancelled if self._claimed().exists() else _ClaimLost
        self.job.due_at = due_at

    def _save(self, done: int | None, total: int | None) -> State:
        job = self.job
        changes: State = {
            "state": self.state,
            "done": job.done if done is None else done,
            "total": job.total if total is None else total,
        }
        if changes["done"] > job.done:
            # It moves, so what went wrong before it did is forgotten.
            changes["attempts"] = 1
            changes["lost_claims"] = 0
        self._claimed().update(**changes)
        return changes

    def _give_way(self) -> None:
        if stopping():
            raise _Stopping
        renewer.moved_on(self.job)
        if gate.is_requested:
            # A row that may kill the process waits to be tried alone.
            raise _GivesWay
        if self._slice_ends is not None and time.monotonic() > self._slice_ends:
            if _is_another_due(self.job):
                raise _GivesWay
            self._slice_ends = time.monotonic() + SLICE_SECONDS

    def _claimed(self) -> QuerySet[Job]:
        return Job.objects.filter(pk=self.job.pk, claim_token=self.job.claim_token)


Handler = Callable[[Work], dict[str, object]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job: its name for people, and how a page shows its result.

    `template` is a partial that gets `job`; `url(job)` is where to go on to when it is done; `so_far(state)` tells what
    one that was cancelled on the way has done.
    """

    name: str
    handler: Handler
    label: str
    template: str = ""
    url: Callable[[Job], str] | None = None
    so_far: Callable[[State], dict[str, object]] | None = None


KINDS: Registry[Kind] = Registry("Kinds of jobs", name=lambda kind: kind.name, describe=lambda kind: kind.label)


def register(
    kind: str,
    handler: Handler,
    *,
    label: str = "",
    template: str = "",
    url: Callable[[Job], str] | None = None,
    so_far: Callable[[State], dict[str, object]] | None = None,
) -> None:
    """Have `handler` do the jobs of this kind; what it returns is the job's result. Raises RegisteredTwice."""
    KINDS.register(Kind(kind, handler, label or kind, template, url, so_far))


def kind_of(job: Job) -> Kind | None:
    """The job's kind as it is registered; None for one that this version does not know."""
    return KINDS.get(job.kind)


def start(
    *,
    organization: Organization,
    kind: str,
    params: Mapping[str, object],
    actor: Actor,
    user: User | None = None,
    total: int = 0,
) -> Job:
    """Write a job, in the caller's transaction; the worker begins after the commit. Raises KeyError for no kind.

    `user` is who may look at it and cancel it: the person behind the actor.
    """
    known = KINDS[kind]
    job = Job.objects.create(
        organization=organization,
        kind=known.name,
        params=params,
        total=total,
        actor=actor.as_headers(),
        created_by=user,
        due_at=clock.now(),
    )
    wake_up(WORK)
    return job


@transaction.atomic
def cancel(*, job: Job) -> Job:
    """End a job that waits at once, one in work after the step in hand. Raises JobFinished."""
    locked = Job.objects.select_for_update(of=("self",), no_key=True).get(pk=job.pk)
    if locked.is_finished:
        raise JobFinished(f"It is {locked.get_status_display().lower()} already.")
    locked.is_cancel_requested = True
    if locked.claim_token is None:
        locked.due_at = clock.now()
        wake_up(WORK)
    locked.save(update_fields=["is_cancel_requested", "due_at"])
    if locked.started_at is None and locked.claim_token is None:
        _cancelled(locked)
    return locked


def run_due() -> int:
    """Run every due job, one after the other; returns the number of claims."""
    return sweep(QUEUE)


def set_aside(job: Job, reason: str) -> None:
    """Fail a job that ended its workers, with its result so far; it can be started again."""
    logger.error("job_given_up", extra={"job_id": str(job.pk), "kind": job.kind})
    with organization_scope(job.organization):
        _failed(job, f"{reason} What was done so far is kept.")


def _jobs() -> QuerySet[Job]:
    return Job.objects.select_related("organization")


def _failed_by_us() -> QuerySet[Job]:
    """Jobs that failed for no reason of their own: their worker stopped, or the program was wrong. They can go on."""
    ours = Q(error__startswith=queues.KILLED) | Q(error__startswith=queues.TOO_LONG) | Q(error=WENT_WRONG)
    return Job.objects.filter(ours, status=Status.FAILED)


def purge_old() -> int:
    """Delete the jobs that ended long ago, with their parameters and results; returns how many."""
    with every_organization("one worker does the jobs of all organizations"):
        rows = Job.objects.filter(finished_at__lt=clock.now() - REMEMBERED)
        return int(rows.delete()[0])


def _take_turn(job: Job) -> None:
    actor = Actor.from_headers(job.actor)
    with organization_scope(job.organization), acting_as(actor):
        kind = kind_of(job)
        if job.is_cancel_requested:
            _cancelled(job)
        elif kind is None:
            logger.error("job_kind_unknown", extra={"job_id": str(job.pk), "kind": job.kind})
            _failed(job, "This version does not know how to do this.")
        else:
            _begin(job)
            _work(kind, Work(job, actor))


def _begin(job: Job) -> None:
    if job.started_at is None:
        job.started_at = clock.now()
        Job.objects.filter(pk=job.pk, claim_token=job.claim_token).update(started_at=job.started_at)


def _work(kind: Kind, work: Work) -> None:
    job = work.job
    try:
        result = kind.handler(work)
        _finish(job, status=Status.DONE, result=result, error="")
    except _ClaimLost:
        logger.warning("job_claim_lost", extra={"job_id": str(job.pk), "kind": job.kind})
    except _Cancelled:
        _cancelled(job)
    except (_Stopping, _GivesWay):
        # A turn that ended as it should is no attempt.
        settle(job, due_at=clock.now(), attempts=max(job.attempts - 1, 0))
    except JobFailed as failure:
        _failed(job, str(failure))
    except Exception:
        wait = backoff(job.attempts, RETRIES)
        logger.exception("job_failed", extra={"job_id": str(job.pk), "kind": job.kind, "again": wait is not None})
        if wait is None:
            _failed(job, WENT_WRONG)
        else:
            settle(job, due_at=clock.now() + wait)


def _failed(job: Job, error: str) -> None:
    _finish(job, status=Status.FAILED, error=error, result=_so_far(job))


def _cancelled(job: Job) -> None:
    _finish(job, status=Status.CANCELLED, result=_so_far(job))


@transaction.atomic
def _finish(job: Job, *, status: str, result: dict[str, object], error: str | None = None) -> None:
    """Settle a job that has ended, and say so; nothing where the claim was lost."""
    changes: dict[str, object] = {} if error is None else {"error": error}
    if settle(job, due_at=None, finished_at=clock.now(), status=status, result=result, **changes):
        payload = {"kind": job.kind, "status": job.status}
        # The end is nobody's act: whoever began it is told of it.
        record(events.JOB_FINISHED, subject=job, actor=SYSTEM, payload=payload)


def _so_far(job: Job) -> dict[str, object]:
    kind = kind_of(job)
    return kind.so_far(job.state) if kind is not None and kind.so_far is not None else {}


def _is_another_due(job: Job) -> bool:
    with every_organization("one worker does the jobs of all organizations"):
        others = Job.objects.filter(due_at__lte=clock.now(), organization__is_active=True)
        return bool(others.exclude(pk=job.pk).exists())


QUEUE = queues.register(
    queues.Queue(
        name="jobs",
        model=Job,
        rows=_jobs,
        work=_take_turn,
        set_aside=set_aside,
        why="one worker does the jobs of all organizations",
        lease=LEASE,
        longest=MAX_DURATION,
        for_operators=queues.ForOperators(
            rows=_failed_by_us,
            again={"status": Status.QUEUED, "finished_at": None},
            given_up={"error": GIVEN_UP},
            error="error",
        ),
        changes={"status": Status.RUNNING},
    )
)
