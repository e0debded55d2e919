"""The check as a job: started by a person or, once a day, by the beat; its result stands on the chain's page."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_noop

from activity import events, installation, jobs
from activity.actor import SYSTEM, Actor
from activity.audit import mailing, sealing
from activity.audit.checking import Fault, Place, steps_of
from activity.ledger import record
from activity.models import AuditChain, Job
from core import clock
from core.tenancy import every_organization, organization_scope

if TYPE_CHECKING:
    # The audit stands below the accounts; for the checker only.
    from accounts.models import Organization, User

logger = logging.getLogger(__name__)

KIND: Final = "audit.check"
EVERY: Final = timedelta(hours=23)


@transaction.atomic
def start(*, organization: Organization, actor: Actor, user: User | None = None) -> Job:
    """Have the chain checked; the check that waits or runs already, where there is one."""
    sealing.chain_of(organization.pk)
    chain = AuditChain.objects.select_for_update(of=("self",), no_key=True).get()
    running = Job.objects.unfinished().filter(kind=KIND).first()
    if running is not None:
        return running
    return jobs.start(
        organization=organization, kind=KIND, params={}, actor=actor, user=user, total=2 * chain.position + 1
    )


def start_due() -> int:
    """Start the daily checks of the organizations whose last one is a day ago; how many."""
    with every_organization("the chains of all organizations are checked daily"):
        due = AuditChain.objects.filter(Q(checked_at=None) | Q(checked_at__lt=clock.now() - EVERY), position__gt=0)
        chains = list(due.select_related("organization").filter(organization__is_active=True)[:100])
    count = 0
    for chain in chains:
        with organization_scope(chain.organization):
            waits = Job.objects.unfinished().filter(kind=KIND).exists()
            failed = Job.objects.filter(kind=KIND, created_at__gt=clock.now() - EVERY).exists()
            if not waits and not failed:
                start(organization=chain.organization, actor=SYSTEM)
                count += 1
    return count


def _run(work: jobs.Work) -> dict[str, object]:
    organization = work.job.organization
    if not work.state:
        sealing.seal(organization.pk)
    place = _place_in(work.state)
    done, fault = work.job.done, None
    for result in steps_of(organization.pk, place):
        if isinstance(result, Fault):
            fault = result
            break
        count = result.position - place.position if result.occurred_at is None else 1000
        done = min(done + count, max(work.job.total - 1, 1))
        with work.step(done=done):
            work.state.update(_as_state(result))
        place = result
    with work.step(done=work.job.total):
        _write_down(work, place, fault)
    if fault is not None:
        raise jobs.JobFailed(sentence_of(fault))
    return {"events": place.position}


def _write_down(work: jobs.Work, place: Place, fault: Fault | None) -> None:
    chain = AuditChain.objects.select_for_update(of=("self",), no_key=True).get()
    chain.checked_at, chain.checked_position = clock.now(), place.position
    is_new = fault is not None and chain.fault != fault.as_dict()
    chain.fault = fault.as_dict() if fault else {}
    chain.save(update_fields=["checked_at", "checked_position", "fault"])
    if fault is not None and is_new:
        logger.error("audit_fault", extra={"organization": str(chain.organization_id), **fault.as_dict()})
        payload = {"fault": str(fault.kind), "position": fault.position, "event": fault.event or None}
        record(events.AUDIT_FAULT, subject=chain, actor=SYSTEM, payload=payload)


def sentence_of(fault: Fault) -> str:
    """The fault in plain words, with what to do."""
    where = f"position {fault.position}" if fault.position is not None else f"event {fault.event}"
    return (
        f"The audit log is not as it was written: {fault.kind} at {where}. "
        "Compare the database with a backup, and the chain with a head that somebody kept."
    )


def _place_in(state: dict[str, str | int | None]) -> Place:
    if not state:
        return Place()
    at = state.get("occurred_at")
    place = Place(int(state.get("position") or 0), str(state.get("hash") or ""), event=str(state.get("event") or ""))
    return replace(place, occurred_at=datetime.fromisoformat(at)) if isinstance(at, str) else place


def _as_state(place: Place) -> dict[str, str | int | None]:
    at = None if place.occurred_at is None else place.occurred_at.isoformat()
    return {"position": place.position, "hash": place.hash, "occurred_at": at, "event": place.event}


def register() -> None:
    """Make the job and what a restored copy leaves out known; once, when the app is ready."""
    jobs.register(KIND, _run, label=gettext_noop("Check of the audit log"))
    installation.register_leaving(mailing.cancel_in_copy)
