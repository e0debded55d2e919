"""Who of a team gets a customer, where a rule says the team and not the person. The one place that chooses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Member, Team
from customers.models import Customer, Stage, TeamTurn


class How(StrEnum):
    """One after the other; or who has the fewest customers in open stages, of equals whose turn it is."""

    IN_TURN = "in_turn"
    LEAST_BUSY = "least_busy"


@dataclass(frozen=True, slots=True)
class Choice:
    """A member, and why they were chosen, in words."""

    member: Member
    reason: str


def candidates(team: Team) -> list[Member]:
    """The members of the team who can be given customers, in the order of their turns: active people who may see
    customers. One query."""
    rows = Member.objects.active().people().with_access().filter(teams=team).order_by("pk")
    return [member for member in rows if member.may("customers.view")]


def choose(*, team: Team, how: How) -> Choice | None:
    """Whose turn it is, which counts as theirs; None where nobody of the team can be given customers.

    In the caller's transaction: whoever chooses of the same team meanwhile waits until it ends, so that two customers
    at once are not given to the same member, and nobody's turn is lost where it is taken back.
    """
    TeamTurn.objects.get_or_create(team=team, defaults={"organization": team.organization})
    turn = TeamTurn.objects.select_for_update(of=("self",)).get(team=team)
    members = _from(candidates(team), turn.last_id)
    if not members:
        return None
    if how is How.LEAST_BUSY:
        counts = _open_customers(members)
        # The first of equals, which is the one whose turn it is.
        member = min(members, key=lambda one: counts.get(one.user_id, 0))
        count = counts.get(member.user_id, 0)
        reason = _("fewest customers: %(count)d") % {"count": count}
    else:
        member, reason = members[0], _("their turn")
    TeamTurn.objects.filter(pk=turn.pk).update(last=member, updated_at=timezone.now())
    return Choice(member, reason)


def _from(members: Sequence[Member], last: UUID | None) -> list[Member]:
    """The same beginning behind whose turn it was last."""
    behind = [member for member in members if last is None or member.pk > last]
    return behind + [member for member in members if member not in behind]


def _open_customers(members: Sequence[Member]) -> dict[UUID, int]:
    rows = Customer.objects.present().filter(
        assigned_to__in=[member.user_id for member in members], stage__kind=Stage.Kind.OPEN
    )
    return dict(rows.order_by().values_list("assigned_to").annotate(count=Count("pk")))
