"""Whose jobs a member sees: those they started; who sees the settings sees everybody's."""

from __future__ import annotations

from accounts.models import APIKey, Member
from activity.actor import ActorKind
from activity.models import Job
from activity.models.job import JobQuerySet


def visible_jobs(member: Member, *, key: APIKey | None = None) -> JobQuerySet:
    """A queryset of the jobs that this member may look at and cancel; of a key with scopes those that it started."""
    rows = Job.objects.select_related("organization")
    if key is not None and key.scopes:
        return rows.filter(actor__kind=ActorKind.API_KEY.value, actor__id=str(key.pk))
    if member.may("settings.view"):
        return rows
    return rows.none() if member.looked_through_by is not None else rows.filter(created_by=member.user_id)
