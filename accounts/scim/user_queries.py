"""Members as SCIM users: found by filters, and shown.

What a directory said of somebody is shown as it said it; who has not been touched by it, as Parley has them. Whether
somebody may come in, and their teams, are Parley's own at any moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from django.db.models import CharField, Prefetch, Q
from django.db.models.functions import Coalesce, Lower

from accounts.models import Member, ScimConnection, ScimUser, Team
from accounts.models.member import MemberQuerySet
from accounts.scim import lookups
from accounts.scim.filters import Node, Scalar
from accounts.scim.lookups import Condition
from accounts.scim.schemas import GROUPS, USER, USERS, Resource
from accounts.scim.versions import location_of, with_meta

_PROFILE: Final = ("displayName", "name", "title", "emails", "phoneNumbers")


def rows(*, with_teams: bool = True) -> MemberQuerySet:
    """The people who were not removed, active or not, the oldest first: no services, which no directory knows."""
    found: MemberQuerySet = (
        Member.objects.present().people().select_related("user", "role", "organization", "scim_user")
    )
    found = found.alias(
        known_as=Coalesce(Lower("scim_user__user_name"), Lower("user__email"), output_field=CharField()),
        address=Lower("user__email"),
    )
    if with_teams:
        found = found.prefetch_related(Prefetch("teams", Team.objects.order_by("name", "pk")))
    return found.order_by("created_at", "pk")


def matching(found: MemberQuerySet, node: Node | None) -> MemberQuerySet:
    """Those for whom the filter is so. Raises InvalidFilter."""
    return found if node is None else found.filter(lookups.condition(node, _LOOK_UPS))


def known_as(user_name: str) -> MemberQuerySet:
    """Whoever has this name already: to the directory, or as an e-mail address of a member it has not touched."""
    return rows(with_teams=False).filter(Q(known_as=user_name.lower()))


def find(pk: str) -> Member | None:
    """The member with this id."""
    try:
        return rows().filter(pk=UUID(pk)).first()
    except ValueError:
        return None


def link_of(member: Member) -> ScimUser | None:
    """What the directory has said of the member."""
    return getattr(member, "scim_user", None)


def as_written(member: Member) -> Resource:
    """What of a person a directory can set, as it is now."""
    link = link_of(member)
    written: Resource = {"userName": link.user_name if link is not None else member.user.email}
    if link is not None and link.external_id:
        written["externalId"] = link.external_id
    profile = _own_profile(member) if link is None else link.profile
    written |= {name: profile[name] for name in _PROFILE if name in profile}
    is_active = member.is_active and member.user.is_active
    if "emails" not in written or (is_active and not _has_address(written["emails"], member.user.email)):
        # Taken from the userName, or changed here. What is said of who is inactive waits until they come back.
        written["emails"] = [{"value": member.user.email, "type": "work", "primary": True}]
    written["active"] = is_active
    return written


def resource_of(member: Member, connection: ScimConnection) -> Resource:
    """The person as they are answered."""
    link = link_of(member)
    shown: Resource = {"schemas": [USER], "id": str(member.pk), **as_written(member)}
    if connection.maps_groups:
        groups = [
            {"value": str(team.pk), "$ref": location_of(GROUPS, team.pk), "display": team.name}
            for team in member.teams.all()
        ]
        if groups:
            shown["groups"] = groups
    return with_meta(
        shown,
        kind="User",
        location=location_of(USERS, member.pk),
        created=member.created_at,
        changed=link.changed_at if link is not None else member.created_at,
    )


def _own_profile(member: Member) -> Resource:
    user = member.user
    own: Resource = {"displayName": user.name, "name": {"formatted": user.name}} if user.name else {}
    if member.phone:
        own["phoneNumbers"] = [{"value": member.phone, "type": "work"}]
    return own


def _has_address(emails: object, address: str) -> bool:
    return isinstance(emails, list) and any(str(one.get("value", "")).lower() == address for one in emails)


def _known_as(operator: str, value: Scalar) -> Q:
    if operator == "pr":
        return ~lookups.NOTHING
    return lookups.text("known_as", exact="known_as")(operator, value.lower() if isinstance(value, str) else value)


def _profile(*path: str) -> Condition:
    return lookups.text("__".join(("scim_user__profile", *path)))


_FULL_NAME: Final = lookups.text("user__name")
_ADDRESS: Final = lookups.text("user__email", exact="address")
_PHONE: Final = lookups.text("phone")
_LOOK_UPS: Final[Mapping[str, Condition]] = {
    "id": lookups.key("pk"),
    "username": _known_as,
    "externalid": lookups.text("scim_user__external_id", is_exact=True),
    "displayname": _FULL_NAME,
    "name.formatted": _FULL_NAME,
    "name.givenname": _profile("name", "givenName"),
    "name.familyname": _profile("name", "familyName"),
    "title": _profile("title"),
    "active": lookups.boolean("is_active"),
    "emails": _ADDRESS,
    "emails.value": _ADDRESS,
    "emails.type": lookups.constant("work"),
    "emails.primary": lookups.constant(True),
    "phonenumbers": _PHONE,
    "phonenumbers.value": _PHONE,
    "phonenumbers.type": lookups.constant("work"),
    "groups": lookups.belonging("member_id", "team_id"),
    "groups.value": lookups.belonging("member_id", "team_id"),
    "meta.created": lookups.moment("created_at"),
    "meta.lastmodified": lookups.either(lookups.moment("scim_user__changed_at")),
    "meta.resourcetype": lookups.constant("User"),
}
# By what a list can be sorted (`sortBy`, in small letters).
ORDERINGS: Final[Mapping[str, str]] = {
    "id": "pk", "username": "known_as", "displayname": "user__name", "name.formatted": "user__name",
    "emails": "address", "emails.value": "address", "externalid": "scim_user__external_id", "active": "is_active",
    "meta.created": "created_at", "meta.lastmodified": "scim_user__changed_at",
}  # fmt: skip
