"""Roles with who has them, and what a change of one comes to."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import grants
from accounts.models import Member, Role
from accounts.permissions import MANAGES_ROLES, NEW, RESOURCES, Reach
from accounts.roles.words import PHRASES, REACHES, Group, Permission, groups


def roles_of(member: Member) -> QuerySet[Role]:
    """Every role of the member's organization, each with `member_count`; the system's first, then by name."""
    rows = Role.objects.filter(organization=member.organization).select_related("organization")
    count = Count("members", filter=Q(members__removed_at=None))
    return rows.annotate(member_count=count).order_by("-is_system", "name", "pk")


def members_with(role: Role) -> list[Member]:
    """Who has the role, those who were shut out last."""
    rows = Member.objects.present().filter(role=role).select_related("user")
    return list(rows.order_by("-is_active", "user__name", "user__email"))


def assignable(by: Member, *, without: Role) -> list[Role]:
    """The roles that the member may give to others, but for one."""
    return [role for role in roles_of(by) if role.pk != without.pk and grants.covers(by, role)]


def new_beside(role: Role) -> list[Permission]:
    """New permissions that a role of one's own lacks although it has all others of the same resource: what whoever made
    it would most likely have given as well."""
    if role.is_system:
        return []
    missing = []
    for key in sorted(NEW - role.permissions):
        resource = key.partition(".")[0]
        if {f"{resource}.{action}" for action in RESOURCES[resource]} - NEW <= role.permissions:
            missing.append(Permission(key, PHRASES[key]))
    return missing


@dataclass(frozen=True, slots=True)
class Holders:
    """A permission, and the roles that have it."""

    permission: Permission
    roles: tuple[Role, ...]


def holders(roles: Collection[Role]) -> Iterator[tuple[Group, tuple[Holders, ...]]]:
    """For each permission of the catalog, by resource, which of the roles have it."""
    for group in groups():
        yield (
            group,
            tuple(
                Holders(permission, tuple(role for role in roles if permission.key in role.permissions))
                for permission in group.permissions
            ),
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """What a change comes to for those who have the role; empty texts where nothing of the kind changes."""

    holders: str
    lost: tuple[Promise, ...]
    gained: tuple[Promise, ...]
    reach: str
    name: str
    # Whether whoever does it can't manage roles any more.
    is_own_loss: bool

    @property
    def lost_title(self) -> str:
        return _("%(who)s will no longer be able to") % {"who": self.holders}

    @property
    def gained_title(self) -> str:
        return _("%(who)s will be able to") % {"who": self.holders}


def difference(
    *,
    before: Role,
    permissions: frozenset[str],
    reach: Reach,
    name: str = "",
    having: Sequence[Member],
    by: Member,
) -> Difference:
    """What becomes of the members with the role `before` when they have these permissions and this reach instead."""
    holders = in_words(having, by)
    narrower, wider = (
        _("%(who)s will see %(to)s, instead of %(from)s."),
        _("%(who)s will see %(to)s, not only %(from)s."),
    )
    sentence = wider if reach.includes(before.reach) else narrower
    lost = before.permissions - permissions
    texts = {"who": holders, "to": REACHES[reach], "from": REACHES[before.reach]}
    return Difference(
        holders=holders,
        lost=_phrases(lost),
        gained=_phrases(permissions - before.permissions),
        reach=sentence % texts if reach != before.reach else "",
        name=_("The role will be called “%(name)s”.") % {"name": name} if name and name != before.name else "",
        is_own_loss=bool(MANAGES_ROLES & lost) and any(member.pk == by.pk for member in having),
    )


def in_words(members: Sequence[Member], by: Member) -> str:
    """The active ones of the members, as a sentence begins: “You and 2 others”."""
    active = [member for member in members if member.is_active]
    if not active:
        return _("Whoever gets this role")
    first = next((member for member in active if member.pk == by.pk), active[0])
    name = _("You") if first.pk == by.pk else first.user.get_short_name()
    others = [member for member in active if member.pk != first.pk]
    if not others:
        return name
    if len(others) == 1:
        return _("%(first)s and %(second)s") % {"first": name, "second": others[0].user.get_short_name()}
    words = ngettext("%(first)s and %(count)s other", "%(first)s and %(count)s others", len(others))
    return words % {"first": name, "count": len(others)}


def _phrases(permissions: Collection[str]) -> tuple[Promise, ...]:
    return tuple(phrase for key, phrase in PHRASES.items() if key in permissions)
