"""Managers and querysets of customers and their records; every read starts from them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Self, TypeVar
from uuid import UUID

from django.db import models
from django.db.models import Q

from accounts.models import Member
from accounts.permissions import Reach
from customers.search import search_patterns

if TYPE_CHECKING:
    from customers.models import Customer, Segment, Task  # noqa: F401 - named in quotes below

Record = TypeVar("Record", bound=models.Model, covariant=True)


def owned_within_reach(member: Member, owner: str) -> Q:
    """The condition on an owner's path that a member's reach sets.

    A team's records are those of anybody in the member's teams, and those nobody owns yet: who hands out leads has to
    see them.
    """
    if member.reach == Reach.ALL:
        return Q()
    own = Q(**{owner: member.user_id})
    if member.reach == Reach.ASSIGNED:
        return own
    colleagues = Member.teams.through._base_manager.filter(
        team_id__in=Member.teams.through._base_manager.filter(member_id=member.pk).values("team_id")
    ).values("member__user_id")
    return own | Q(**{f"{owner}__isnull": True}) | Q(**{f"{owner}__in": colleagues})


@dataclass(frozen=True, slots=True)
class OwnersInReach:
    """The owners within a member's reach: everybody, or some users, and perhaps records without an owner."""

    everybody: bool = False
    users: frozenset[UUID] = frozenset()
    nobody: bool = False

    def __contains__(self, owner: UUID | None) -> bool:
        return self.everybody or (self.nobody if owner is None else owner in self.users)


def owners_in_reach(members: Iterable[Member]) -> dict[UUID, OwnersInReach]:
    """The owners within reach by member id: `owned_within_reach` for many members, in one query at most."""
    members = list(members)
    through = Member.teams.through._base_manager
    in_teams = [member.pk for member in members if member.reach == Reach.TEAM]
    colleagues: dict[UUID, set[UUID]] = defaultdict(set)
    if in_teams:
        pairs = through.filter(member__in=in_teams).values_list("member_id", "team__members__user_id")
        for member_id, user_id in pairs:
            colleagues[member_id].add(user_id)
    reaches = {}
    for member in members:
        if member.reach == Reach.ALL:
            reaches[member.pk] = OwnersInReach(everybody=True)
        elif member.reach == Reach.ASSIGNED:
            reaches[member.pk] = OwnersInReach(users=frozenset([member.user_id]))
        else:
            users = frozenset(colleagues[member.pk] | {member.user_id})
            reaches[member.pk] = OwnersInReach(users=users, nobody=True)
    return reaches


def within_reach(member: Member, customer: str = "customer") -> Q:
    """The condition on records of a customer: theirs is within the member's reach, and was not deleted."""
    return Q(**{f"{customer}__deleted_at__isnull": True}) & owned_within_reach(member, f"{customer}__assigned_to")


def matching(text: str, customer: str = "") -> Q:
    """The condition on a customer (or on the path to one) that every word of the text is found."""
    path = f"{customer}__search_text__contains" if customer else "search_text__contains"
    condition = Q()
    for pattern in search_patterns(text):
        condition &= Q(**{path: pattern})
    return condition


class CustomerQuerySet(models.QuerySet["Customer"]):
    def visible_to(self, member: Member) -> Self:
        """Those within the member's reach."""
        return self.present().within_reach_of(member)

    def within_reach_of(self, member: Member) -> Self:
        """The deleted ones too."""
        return self.filter(owned_within_reach(member, "assigned_to"))

    def present(self) -> Self:
        """Neither deleted nor merged into another."""
        return self.filter(deleted_at__isnull=True)

    def deleted(self) -> Self:
        """Those that can be restored: a merged one comes back by undoing the merge, an erased one never."""
        return self.filter(deleted_at__isnull=False, merged_into__isnull=True, erased_at__isnull=True)

    def matching(self, text: str) -> Self:
        """Part of a name, e-mail, phone, company or code; any case, accents ignored; every word has to be found.

        Words of one or two letters have to begin a word: no index finds them inside of one.
        """
        return self.filter(matching(text))

    def owned_by(self, user_id: object) -> Self:
        return self.filter(assigned_to=user_id)

    def without_owner(self) -> Self:
        return self.filter(assigned_to__isnull=True)

    def tagged(self, *names: str) -> Self:
        """Those that carry every one of these tags."""
        rows = self
        for name in names:
            rows = rows.filter(tags__name__iexact=name)
        return rows

    def with_list_relations(self) -> Self:
        """All that a row of a list shows, in a constant number of queries."""
        return self.select_related("stage", "assigned_to").prefetch_related("tags")


class OfCustomerQuerySet(models.QuerySet[Record]):
    """Records of a customer: contacts, interactions, deals, files."""

    def visible_to(self, member: Member) -> Self:
        """Those of customers within the member's reach."""
        return self.filter(within_reach(member))


class TaskQuerySet(models.QuerySet["Task"]):
    def visible_to(self, member: Member) -> Self:
        """Those of customers within reach; those without one that are within reach by who is to do them; one's own."""
        of_customers = Q(customer__isnull=False) & within_reach(member)
        of_nobody = Q(customer__isnull=True)
        if member.reach != Reach.ALL:
            # Not for who reaches everything: an empty condition or another one is the other one alone.
            of_nobody &= owned_within_reach(member, "assigned_to") | Q(created_by=member.user_id)
        own = Q(assigned_to=member.user_id) & (Q(customer__isnull=True) | Q(customer__deleted_at__isnull=True))
        rows = self.filter(of_customers | of_nobody | own)
        # What somebody made for others they see, and who manages them does not: nor as they would.
        viewer = member.looked_through_by
        return rows if viewer is None else rows.visible_to(viewer)

    def open(self) -> Self:
        return self.filter(status__in=["open", "in_progress"])

    def overdue(self, at: datetime) -> Self:
        return self.open().filter(due_at__lt=at)


class SegmentQuerySet(models.QuerySet["Segment"]):
    def visible_to(self, member: Member) -> Self:
        """The member's own, and those that are shared; the latter alone for who only looks as the member would."""
        shared = Q(is_shared=True)
        return self.filter(shared if member.looked_through_by is not None else shared | Q(owner=member.user_id))
