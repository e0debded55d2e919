"""Teams with their members, and who of them manages them."""

from __future__ import annotations

from django.db.models import Prefetch, Q, QuerySet

from accounts.models import Member, Team
from accounts.permissions import Reach


def teams_of(member: Member) -> QuerySet[Team]:
    """Every team of the member's organization, by name, with `members` loaded: those who were shut out last."""
    people = Member.objects.select_related("user", "role").order_by("-is_active", "user__name", "user__email")
    rows = Team.objects.filter(organization=member.organization).select_related("organization", "calendar")
    return rows.prefetch_related(Prefetch("members", people)).order_by("name", "pk")


def managers_of(team: Team) -> list[Member]:
    """The members who see the records of everybody in the team by being in it."""
    return [member for member in team.members.all() if member.is_active and member.role.reach == Reach.TEAM]


def choosable(member: Member, team: Team | None) -> list[Member]:
    """Who can belong to the team: who may come in, and whoever belongs to it already."""
    rows = Member.objects.filter(organization=member.organization).select_related("user", "role")
    fits = Q(is_active=True, user__is_active=True)
    if team is not None:
        fits |= Q(pk__in=[one.pk for one in team.members.all()])
    return list(rows.filter(fits).order_by("user__name", "user__email", "pk"))
