"""Why members see a record: the rules of `querysets`, asked the other way round.

Each function answers for the same condition that the queryset of its name filters by. Whoever changes one changes both;
tests/accounts/explanations/test_reasons.py compares them over random organizations.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from accounts.explanations.reasons import Reason, Why
from accounts.models import Member, User
from accounts.permissions import Reach
from customers.models.customer import Customer
from customers.models.task import Task

Reasons = dict[UUID, Reason]


def of_owner(owner: User | None, members: Sequence[Member]) -> Reasons:
    """`owned_within_reach`: by whose a record is. One query at most."""
    shared = _teams_with(owner, members)
    found = {}
    for member in members:
        if owner is not None and member.user_id == owner.pk:
            found[member.pk] = Reason(Why.OWNER)
        elif member.reach == Reach.ALL:
            found[member.pk] = Reason(Why.ALL)
        elif member.reach == Reach.TEAM and owner is None:
            found[member.pk] = Reason(Why.POOL)
        elif member.reach == Reach.TEAM and owner is not None and (teams := shared.get(member.pk)):
            found[member.pk] = Reason(Why.TEAM, owner.get_short_name(), tuple(sorted(teams)))
    return found


def of_customer(customer: Customer, members: Sequence[Member]) -> Reasons:
    """`CustomerQuerySet.visible_to`, and `within_reach` for what is a customer's."""
    return {} if customer.deleted_at is not None else of_owner(customer.assigned_to, members)


def of_task(task: Task, members: Sequence[Member]) -> Reasons:
    """`TaskQuerySet.visible_to`."""
    if task.customer is not None:
        found = of_customer(task.customer, members)
    else:
        found = of_owner(task.assigned_to, members)
        made = {one.pk: Reason(Why.MAKER) for one in members if one.user_id == task.created_by_id}
        found = made | found
    if task.assigned_to_id is not None and (task.customer is None or task.customer.deleted_at is None):
        found |= {one.pk: Reason(Why.OWNER) for one in members if one.user_id == task.assigned_to_id}
    return found


def _teams_with(owner: User | None, members: Sequence[Member]) -> Mapping[UUID, list[str]]:
    """For each member who reaches their teams the names of those that the owner is in as well."""
    reaching = [member.pk for member in members if member.reach == Reach.TEAM]
    teams: dict[UUID, list[str]] = defaultdict(list)
    if owner is None or not reaching:
        return teams
    through = Member.teams.through._base_manager
    rows = through.filter(member__in=reaching, team__in=through.filter(member__user=owner).values("team"))
    for member_id, name in rows.values_list("member_id", "team__name"):
        teams[member_id].append(name)
    return teams
