"""Rehearsals and what they tell, within a member's reach."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.models import Member
from accounts.permissions import Reach
from workflows.models import Rehearsal, RehearsedEvent, Workflow
from workflows.rules.planning import Reason
from workflows.rules.queries import is_visible


def rehearsals(member: Member, workflow: Workflow | None = None) -> QuerySet[Rehearsal]:
    """Newest first: one's own; of others, whose figures are of what they reach, for who reaches everything."""
    rows = Rehearsal.objects.select_related("workflow", "job", "created_by").newest_first()
    if workflow is not None:
        rows = rows.filter(workflow=workflow)
    return rows if member.reach == Reach.ALL else rows.filter(created_by=member.user_id)


def rehearsed_events(member: Member, rehearsal: Rehearsal, show: str = "") -> QuerySet[RehearsedEvent]:
    """What is kept of the events of a rehearsal, newest first, about customers that the member sees now. `show`: an
    outcome, `answered`, or a reason for which the rule would have done nothing."""
    rows = RehearsedEvent.objects.filter(rehearsal=rehearsal).filter(is_visible(member, "event__"))
    if show == "answered":
        rows = rows.filter(is_answered=True)
    elif show in RehearsedEvent.Outcome:
        rows = rows.filter(outcome=show)
    elif show in list(Reason):
        rows = rows.filter(reason=show)
    return rows.select_related("event").order_by("-occurred_at", "-pk")
