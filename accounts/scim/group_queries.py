"""Teams as SCIM groups: found by filters, and shown with who belongs to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from accounts.models import Member, ScimGroup, Team
from accounts.scim import lookups
from accounts.scim.filters import Node
from accounts.scim.lookups import Condition
from accounts.scim.schemas import GROUP, GROUPS, USERS, Resource
from accounts.scim.versions import location_of, with_meta


def rows(*, with_members: bool = True) -> QuerySet[Team]:
    """The teams, the oldest first. Their members are the people who were not removed."""
    found = Team.objects.select_related("organization", "scim_group").order_by("pk")
    if with_members:
        people = Member.objects.present().people().order_by("created_at", "pk")
        found = found.prefetch_related(Prefetch("members", people))
    return found


def matching(found: QuerySet[Team], node: Node | None) -> QuerySet[Team]:
    """Those for which the filter is so. Raises InvalidFilter."""
    return found if node is None else found.filter(lookups.condition(node, _LOOK_UPS))


def find(pk: str, *, with_members: bool = True) -> Team | None:
    """The team with this id."""
    try:
        return rows(with_members=with_members).filter(pk=UUID(pk)).first()
    except ValueError:
        return None


def link_of(team: Team) -> ScimGroup | None:
    """What the directory has said of the team."""
    return getattr(team, "scim_group", None)


def as_written(team: Team, *, with_members: bool = True) -> Resource:
    """What of a team a directory can set, as it is now."""
    link = link_of(team)
    written: Resource = {"displayName": team.name}
    if link is not None and link.external_id:
        written["externalId"] = link.external_id
    members = [_member(one) for one in team.members.all()] if with_members else []
    if members:
        written["members"] = members
    return written


def resource_of(team: Team, *, with_members: bool = True) -> Resource:
    """The team as it is answered."""
    link = link_of(team)
    shown = {"schemas": [GROUP], "id": str(team.pk), **as_written(team, with_members=with_members)}
    made = link.created_at if link is not None else team.organization.created_at
    return with_meta(
        shown,
        kind="Group",
        location=location_of(GROUPS, team.pk),
        created=made,
        changed=link.changed_at if link is not None else made,
    )


def _member(member: Member) -> Resource:
    return {"value": str(member.pk), "$ref": location_of(USERS, member.pk), "type": "User"}


_NAME: Final = lookups.text("name")
_LOOK_UPS: Final[Mapping[str, Condition]] = {
    "id": lookups.key("pk"),
    "displayname": _NAME,
    "externalid": lookups.text("scim_group__external_id", is_exact=True),
    "members": lookups.belonging("team_id", "member_id"),
    "members.value": lookups.belonging("team_id", "member_id"),
    "members.type": lookups.constant("User"),
    "meta.lastmodified": lookups.moment("scim_group__changed_at"),
    "meta.resourcetype": lookups.constant("Group"),
}
# By what a list can be sorted (`sortBy`, in small letters).
ORDERINGS: Final[Mapping[str, str]] = {
    "id": "pk", "displayname": "name", "externalid": "scim_group__external_id",
    "meta.lastmodified": "scim_group__changed_at",
}  # fmt: skip
