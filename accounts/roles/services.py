"""Roles of the organization's own: made, changed, deleted. `members.services` gives them to members.

The system's three roles are what `accounts.permissions` says, in every organization; nobody changes or deletes them.
`by` is the member who does it: nobody grants what they lack (`accounts.grants`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import cast

from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts import events, grants
from accounts.members import services as members
from accounts.models import Member, Organization, Role
from accounts.permissions import CATALOG, COUNSELOR, MANAGES_ROLES, Reach
from activity.actor import Actor
from activity.ledger import record
from core.fields import one_line
from core.refused import Invalid, Refused

SETTABLE = frozenset({"name", "permissions", "reach"})
MAX_ROLES = 100
MAX_NAME_LENGTH, MAX_KEY_LENGTH = 80, 40


class InvalidRole(Invalid):
    """A value that a role can't have."""


class TooManyRoles(Refused):
    """The organization has as many roles as anybody could tell apart."""

    status = 409

    def __init__(self) -> None:
        super().__init__(_("There are %(count)s roles already. Delete one first.") % {"count": MAX_ROLES})


class SystemRoleStays(Refused):
    """One of the system's roles, which are the same everywhere."""

    status = 403

    def __init__(self, role: Role) -> None:
        super().__init__(
            _("“%(role)s” is one of the system’s roles and stays as it is. Copy it, and change the copy.")
            % {"role": role.name}
        )


class RoleInUse(Refused):
    """Members have the role: they need another one first."""

    status, code, field = 409, "in_use", "successor"

    def __init__(self) -> None:
        super().__init__(_("Members have this role. Choose the role that they get instead."))


class OwnRights(Refused):
    """It would take from whoever does it the right to manage roles, and they did not say that they know."""

    status, code, field = 409, "own_rights", "accepts_own_loss"

    def __init__(self) -> None:
        super().__init__(_("This takes your own right to manage roles away; only somebody else could give it back."))


@transaction.atomic
def create(
    *,
    organization: Organization,
    by: Member,
    actor: Actor,
    name: str,
    permissions: Collection[str],
    reach: str,
    key: str = "",
) -> Role:
    """A new role. Its key, by which programs know it, is made of the name where none is given, and stays for good.

    Raises InvalidRole, BeyondOwn for more than `by` has, TooManyRoles, NotPermitted.
    """
    grants.lock(organization)
    acting = grants.acting(by, "roles.create")
    existing = list(Role.objects.filter(organization=organization))
    if len(existing) >= MAX_ROLES:
        raise TooManyRoles
    wanted = _permissions(permissions)
    role = Role(
        organization=organization,
        key=_key(key, name, {one.key for one in existing}),
        name=_name(name, existing),
        stored_permissions=sorted(wanted),
        stored_reach=_reach(reach),
    )
    grants.require_grantable(acting, wanted, role.reach)
    role.save(force_insert=True)
    payload = {"key": role.key, "name": role.name, "permissions": sorted(wanted), "reach": role.reach.value}
    record(events.ROLE_CREATED, subject=role, actor=actor, payload=payload)
    return role


@transaction.atomic
def update(
    *, role: Role, by: Member, actor: Actor, changes: Mapping[str, object], accepts_own_loss: bool = False
) -> Role:
    """Set name, permissions or reach of a role of the organization's own; its members feel it on their next request.

    Raises InvalidRole, SystemRoleStays, BeyondOwn (also for a role that permits more than `by` has), NotPermitted, and
    OwnRights unless `accepts_own_loss`; ValueError for what is not settable.
    """
    if unknown := set(changes) - SETTABLE:
        raise ValueError(f"Not settable: {', '.join(sorted(unknown))}.")
    grants.lock(role.organization)
    acting = grants.acting(by, "roles.edit")
    current = grants.read_again(role)
    _require_own(current)
    grants.require_covered(acting, current)
    had, reached, called = current.permissions, current.reach, current.name
    has = _permissions(cast("Iterable[str]", changes["permissions"])) if "permissions" in changes else had
    if "reach" in changes:
        current.stored_reach = _reach(str(changes["reach"]))
    if "name" in changes:
        others = Role.objects.filter(organization=role.organization).exclude(pk=role.pk)
        current.name = _name(str(changes["name"]), others)
    grants.require_grantable(acting, has, current.reach)
    if has - had or not reached.includes(current.reach):
        _require_own_teams(acting, current, current)
    if acting.role_id == current.pk:
        _require_known(had, has, accepts_own_loss)
    current.stored_permissions = sorted(has)
    texts = {
        name: {"from": before, "to": after}
        for name, before, after in (("name", called, current.name), ("reach", reached.value, current.reach.value))
        if before != after
    }
    if texts or has != had:
        current.save(update_fields=["name", "stored_permissions", "stored_reach"])
        payload = {"key": current.key, "changes": texts, "added": sorted(has - had), "removed": sorted(had - has)}
        record(events.ROLE_UPDATED, subject=current, actor=actor, payload=payload)
    return current


@transaction.atomic
def delete(
    *, role: Role, by: Member, actor: Actor, successor: Role | None = None, accepts_own_loss: bool = False
) -> None:
    """Delete a role of the organization's own; who has it gets the successor.

    Raises SystemRoleStays, RoleInUse without a successor where members have it (those who were shut out count),
    BeyondOwn where role or successor is more than `by` has, InvalidRole, NotPermitted, and OwnRights unless
    `accepts_own_loss`.
    """
    grants.lock(role.organization)
    acting = grants.acting(by, "roles.delete")
    current = grants.read_again(role)
    _require_own(current)
    grants.require_covered(acting, current)
    if successor is not None and (successor.pk == current.pk or successor.organization_id != current.organization_id):
        raise InvalidRole("successor", _("Choose another role of this organization."))
    having = list(Member.objects.present().with_access().filter(role=current).order_by("pk"))
    if having and successor is None:
        raise RoleInUse
    if having and successor is not None:
        grants.require_covered(acting, successor)
        _require_own_teams(acting, current, successor)
        for member in having:
            _give(member, successor, acting, actor, accepts_own_loss)
    # Whoever was removed comes back with the role of a new invitation; until then the row needs one that is there.
    least = Role.objects.get(organization=current.organization, is_system=True, key=COUNSELOR.key)
    Member.objects.filter(role=current).exclude(removed_at=None).update(role=least)
    payload = {
        "key": current.key,
        "name": current.name,
        "members": [str(member.pk) for member in having],
        "successor": successor.key if having and successor is not None else None,
    }
    record(events.ROLE_DELETED, subject=current, actor=actor, payload=payload)
    current.delete()


def _give(member: Member, role: Role, acting: Member, actor: Actor, accepts_own_loss: bool) -> None:
    if member.pk == acting.pk:
        _require_known(member.role.permissions, role.permissions, accepts_own_loss)
    before = members.access_of(member)
    member.role = role
    member.save(update_fields=["role"])
    members.record_saved(member=member, before=before, actor=actor)


def _require_own_teams(acting: Member, of: Role, given: Role) -> None:
    """Raises BeyondOwn where somebody who has the one role would get more by the other in a team that is not theirs to
    give who does it."""
    holders = Member.objects.present().filter(role=of).values_list("pk", flat=True)
    teams = acting.teams.values_list("pk", flat=True)
    grants.require_own_teams(acting.reach, list(teams), role=given, holders=list(holders))


def _require_own(role: Role) -> None:
    if role.is_system:
        raise SystemRoleStays(role)


def _require_known(had: frozenset[str], has: frozenset[str], accepts_own_loss: bool) -> None:
    """Of whoever does it themselves. Raises OwnRights."""
    if MANAGES_ROLES & (had - has) and not accepts_own_loss:
        raise OwnRights


def _name(name: str, others: Iterable[Role]) -> str:
    """The name as it is kept; no two roles are called alike."""
    text = one_line(" ".join(name.split()))
    if not text or len(text) > MAX_NAME_LENGTH:
        raise InvalidRole("name", _("1 to %(count)s characters.") % {"count": MAX_NAME_LENGTH})
    if text.casefold() in {one.name.casefold() for one in others}:
        raise InvalidRole("name", _("There is a role of this name already."))
    return text


def _key(key: str, name: str, used: Collection[str]) -> str:
    if key:
        if slugify(key) != key or len(key) > MAX_KEY_LENGTH:
            raise InvalidRole("key", _("Small letters, digits and single hyphens, at most %(count)s.") % {
                "count": MAX_KEY_LENGTH
            })  # fmt: skip
        if key in used:
            raise InvalidRole("key", _("There is a role with this key already."))
        return key
    base = slugify(name)[: MAX_KEY_LENGTH - 4].strip("-_") or "role"
    numbered = (f"{base}-{number}" for number in range(2, MAX_ROLES + 2))
    return base if base not in used else next(one for one in numbered if one not in used)


def _permissions(permissions: Iterable[str]) -> frozenset[str]:
    wanted = frozenset(permissions)
    if unknown := sorted(wanted - CATALOG):
        raise InvalidRole(
            "permissions", _("There are no such permissions: %(permissions)s.") % {"permissions": ", ".join(unknown)}
        )
    return wanted


def _reach(reach: str) -> Reach:
    if reach not in set(Reach):
        raise InvalidRole("reach", _("One of: %(choices)s.") % {"choices": ", ".join(Reach)})
    return Reach(reach)
