"""API keys for pages and calls: whose one sees, and what of a key is not used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from django.db.models import Q
from django.utils import timezone
from django.utils.functional import Promise

from accounts import grants
from accounts.models import APIKey, KeyState, Member
from accounts.models.api_key import APIKeyQuerySet
from accounts.roles.words import PHRASES

# After so long without use a permission is proposed to be taken from the key.
UNUSED_AFTER: Final = timedelta(days=30)
# Who sees, issues for services and revokes the keys of others: who may shut their owners out.
MANAGES_ALL: Final = "users.edit"


class OwnerKind(StrEnum):
    """Whose keys a list is limited to."""

    ME = "me"
    PERSON = "person"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class ScopeUse:
    """A permission of a key, and when it was last used."""

    permission: str
    phrase: Promise
    last_used_at: datetime | None
    is_unused: bool


def visible_keys(member: Member) -> APIKeyQuerySet:
    """The member's own keys, and everybody's for who may change members; with their owners, the newest first."""
    rows: APIKeyQuerySet = APIKey.objects.filter(organization=member.organization)
    if not member.may(MANAGES_ALL):
        rows = rows.filter(member=member)
    rows = rows.select_related("organization", "member__user", "member__role", "member__organization")
    return rows.order_by("-created_at", "-id")


def matching(
    rows: APIKeyQuerySet, *, member: Member, search: str = "", state: str = "", owner: str = ""
) -> APIKeyQuerySet:
    """Those whose name, beginning or owner has the words, in this state, of this kind of owner; what is empty limits
    nothing. `member` is who asks."""
    for word in search.split()[:8]:
        of_owner = Q(member__user__name__icontains=word) | Q(member__user__email__icontains=word)
        rows = rows.filter(Q(name__icontains=word) | Q(prefix__startswith=word) | of_owner)
    if state:
        rows = rows.in_state(KeyState(state))
    match owner:
        case OwnerKind.ME:
            rows = rows.filter(member=member)
        case OwnerKind.SERVICE:
            rows = rows.filter(member__user__is_service=True)
        case OwnerKind.PERSON:
            rows = rows.filter(member__user__is_service=False)
    return rows


def owners_for(member: Member) -> list[Member]:
    """For whom the member may issue keys: themselves, and the services that may do no more than they."""
    if not member.may(MANAGES_ALL):
        return [member]
    rows = Member.objects.active().with_access().filter(user__is_service=True).order_by("user__name", "id")
    return [member, *(row for row in rows if grants.covers(member, row.role))]


def granted(key: APIKey) -> frozenset[str]:
    """What the key is good for by now: of its scopes what its member's role still permits."""
    return key.permitted & key.member.role.permissions


def uses_of(key: APIKey) -> list[ScopeUse]:
    """Each permission that the key is good for, in the catalog's order."""
    permissions, unused = granted(key), unused_of(key)
    return [
        ScopeUse(name, phrase, key.last_use_of(name), name in unused)
        for name, phrase in PHRASES.items()
        if name in permissions
    ]


def unused_of(key: APIKey) -> frozenset[str]:
    """The permissions that a usable key did not use for 30 days; none of a key that is watched for less."""
    before = timezone.now() - UNUSED_AFTER
    if not key.is_usable or max(key.created_at, key.uses_counted_since) > before:
        return frozenset()
    return frozenset(one for one in granted(key) if (at := key.last_use_of(one)) is None or at < before)
