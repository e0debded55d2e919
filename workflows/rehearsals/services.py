"""Rehearsals asked for, and forgotten after a while."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from accounts.models import Member
from activity import jobs
from activity.actor import Actor
from activity.models import Job
from core.refused import Refused
from workflows.models import Rehearsal, Workflow
from workflows.rehearsals import totals
from workflows.rules.dry_run import span, unsaved
from workflows.rules.reading import content_of

KIND: Final = "workflows.rehearse"
MAX_PURGED_AT_ONCE: Final = 50
MAX_PURGE_STEPS: Final = 100


class RehearsalRunning(Refused):
    """The rule is being rehearsed for the same member."""

    status = 409

    def __init__(self) -> None:
        super().__init__(_("This rule is being rehearsed for you already. Wait until that is done, or cancel it."))


@transaction.atomic
def start(
    *, workflow: Workflow, member: Member, actor: Actor, since: datetime | None = None, until: datetime | None = None,
    content: Mapping[str, object] | None = None,
) -> Rehearsal:  # fmt: skip
    """Have a rule rehearsed over a span (the last 30 days, a year at most) as a job, within the member's reach.

    `content`: what of the rule is otherwise than saved, as it was checked. Raises Invalid for a span that is none, and
    RehearsalRunning.
    """
    since, until = span(since, until)
    Workflow.objects.select_for_update(of=("self",), no_key=True).filter(pk=workflow.pk).first()
    running = Rehearsal.objects.filter(workflow=workflow, created_by=member.user_id, job__finished_at__isnull=True)
    if running.filter(job__isnull=False).exists():
        raise RehearsalRunning
    saved = content_of(workflow)
    rehearsed = saved if content is None else content_of(unsaved(content, of=workflow))
    rehearsal = Rehearsal.objects.create(
        organization=member.organization,
        workflow=workflow,
        version=workflow.version if rehearsed == saved else None,
        content=rehearsed,
        since=since,
        until=until,
        created_by=member.user,
        totals=totals.empty(),
    )
    params = {"rehearsal": str(rehearsal.pk), "member": str(member.pk)}
    rehearsal.job = jobs.start(
        organization=member.organization, kind=KIND, params=params, actor=actor, user=member.user
    )  # fmt: skip
    rehearsal.save(update_fields=["job"])
    return rehearsal


def state_of(rehearsal: Rehearsal) -> str:
    """Where it stands, in the words of jobs: queued, running, done, failed or cancelled."""
    if rehearsal.status == Rehearsal.Status.DONE:
        return str(Job.Status.DONE)
    return str(rehearsal.job.status if rehearsal.job is not None else Job.Status.FAILED)


def purge_old() -> int:
    """Delete what is older than what rules did is kept, of all organizations; how many."""
    limit = timezone.now() - timedelta(days=settings.WORKFLOW_LOG_DAYS)
    rows, count = Rehearsal.objects.filter(created_at__lt=limit), 0
    for _step in range(MAX_PURGE_STEPS):
        keys = list(rows.values_list("pk", flat=True)[:MAX_PURGED_AT_ONCE])
        rows.filter(pk__in=keys).delete()
        count += len(keys)
        if len(keys) < MAX_PURGED_AT_ONCE:
            break
    return count


def moment_of(step: Mapping[str, object]) -> datetime | None:
    """When a kept step would have been taken."""
    return parse_datetime(str(step["at"]))
