"""Issuing, rotating, narrowing and revoking API keys: who may do it, and for whom.

A key is one's own or a service member's. Nobody issues one for another person, and none is good for more than who
issues it may do (`accounts.grants`).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import events, grants
from accounts.api_keys import queries
from accounts.credentials import api_keys
from accounts.members.authority import Above
from accounts.models import APIKey, KeyState, Member
from activity.actor import Actor
from activity.ledger import record
from core.moments import LAST_YEAR
from core.refused import Invalid, Refused

MAX_NAME_LENGTH: Final = 80
MAX_ACTIVE: Final = 500


class SomebodyElses(Refused):
    """A person's keys are issued by themselves."""

    status, field = 403, "member"

    def __init__(self) -> None:
        super().__init__(_("Keys are issued for oneself or for a service. Make a service member for another system."))


class KeyEnded(Refused):
    """The key was revoked or has expired."""

    status = 409

    def __init__(self) -> None:
        super().__init__(_("This key has ended. Issue a new one."))


class NothingLeft(Refused):
    """Without these permissions the key would be good for nothing."""

    status, field = 409, "scopes"

    def __init__(self) -> None:
        super().__init__(_("The key would be good for nothing. Revoke it instead."))


class TooManyKeys(Refused):
    """There are as many keys in use as one page can show."""

    status = 409

    def __init__(self) -> None:
        super().__init__(_("There are %(count)s keys already. Revoke one first.") % {"count": MAX_ACTIVE})


@transaction.atomic
def issue(
    *,
    owner: Member,
    by: Member,
    actor: Actor,
    name: str,
    scopes: Collection[str],
    expires_at: datetime | None = None,
    networks: Collection[str] = (),
) -> tuple[APIKey, str]:
    """A new key, with the secret that is shown this once.

    Raises NotPermitted without `api_keys.create`, SomebodyElses, BeyondOwn for a service that may do more,
    UnknownScope, Invalid with the field, TooManyKeys.
    """
    grants.lock(owner.organization)
    acting = grants.acting(by, "api_keys.create")
    current = _require_own_or_service(acting, owner)
    if not scopes:
        raise Invalid("scopes", _("Choose at least one permission."))
    if expires_at is not None and expires_at <= timezone.now():
        raise Invalid("expires_at", _("Choose a time to come."))
    if expires_at is not None and expires_at.year > LAST_YEAR:
        raise Invalid("expires_at", _("Choose a year until %(year)s.") % {"year": LAST_YEAR})
    if APIKey.objects.filter(organization=owner.organization).in_state(KeyState.ACTIVE).count() >= MAX_ACTIVE:
        raise TooManyKeys
    return api_keys.issue(
        member=current, name=_name(name), actor=actor, scopes=scopes, expires_at=expires_at, networks=networks
    )


@transaction.atomic
def rotate(*, key: APIKey, by: Member, actor: Actor) -> tuple[APIKey, str]:
    """A new secret for the key; the one of before stays good for a day.

    Raises as `issue`, and KeyEnded.
    """
    grants.lock(key.organization)
    acting = grants.acting(by, "api_keys.create")
    locked = _read_again(key)
    _require_own_or_service(acting, locked.member)
    if not locked.is_usable:
        raise KeyEnded
    return locked, api_keys.rotate(key=locked, actor=actor)


@transaction.atomic
def narrow(*, key: APIKey, by: Member, actor: Actor, scopes: Collection[str]) -> list[str]:
    """Take these permissions from the key, but for those that were used meanwhile; which were taken.

    Raises NotPermitted without `api_keys.delete`, Above, KeyEnded, NothingLeft.
    """
    grants.lock(key.organization)
    locked = _to_take_from(key, by)
    if not locked.is_usable:
        raise KeyEnded
    granted = queries.granted(locked)
    removed = sorted(queries.unused_of(locked).intersection(scopes))
    if not removed:
        return []
    # What the owner's role does not permit now is not kept for the day when it does again.
    left = granted - set(removed)
    if not left:
        raise NothingLeft
    locked.scopes = sorted(left)
    locked.save(update_fields=["scopes"])
    payload = {"name": locked.name, "prefix": locked.prefix, "removed": removed}
    record(events.API_KEY_NARROWED, subject=locked, actor=actor, payload=payload)
    return removed


@transaction.atomic
def revoke(*, key: APIKey, by: Member, actor: Actor) -> None:
    """The key is good for nothing from the next request on. Raises NotPermitted without `api_keys.delete`, or Above."""
    grants.lock(key.organization)
    api_keys.revoke(key=_to_take_from(key, by), actor=actor)


def _to_take_from(key: APIKey, by: Member) -> APIKey:
    """The key as it is now, for who may take something from it."""
    acting = grants.acting(by, "api_keys.delete")
    locked = _read_again(key)
    if locked.member_id != acting.pk:
        if not acting.may(queries.MANAGES_ALL):
            raise grants.NotPermitted(queries.MANAGES_ALL)
        if not grants.covers(acting, locked.member.role):
            raise Above
    return locked


def _require_own_or_service(acting: Member, owner: Member) -> Member:
    """The owner as they are now. Raises SomebodyElses, NotPermitted, BeyondOwn, or Invalid for who was shut out."""
    current = Member.objects.active().with_access().filter(pk=owner.pk, organization=acting.organization).first()
    if current is None:
        raise Invalid("member", _("There is no such active member."))
    if current.pk == acting.pk:
        return current
    if not current.user.is_service:
        raise SomebodyElses
    if not acting.may(queries.MANAGES_ALL):
        raise grants.NotPermitted(queries.MANAGES_ALL)
    grants.require_covered(acting, current.role, field="member")
    return current


def _read_again(key: APIKey) -> APIKey:
    rows = APIKey.objects.select_related("organization", "member__user", "member__role", "member__organization")
    current = rows.select_for_update(of=("self",)).filter(pk=key.pk).first()
    if current is None:
        raise grants.Gone
    return current


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not name:
        raise Invalid("name", _("Say what the key is for, such as “Website”."))
    if len(name) > MAX_NAME_LENGTH:
        raise Invalid("name", _("At most %(count)s characters.") % {"count": MAX_NAME_LENGTH})
    return name
