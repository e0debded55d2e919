"""Tokens for the API: short access tokens, and refresh tokens that are good for one refresh each.

Refresh tokens of one sign-in form a family. A spent one that is used again was stolen from somebody: the whole family
is revoked, and with it the access tokens, since each request looks the family up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

from accounts import events
from accounts.credentials.devices import Device
from accounts.credentials.readiness import require_open
from accounts.credentials.recording import record_of_user
from accounts.models import Member, TokenFamily, User
from activity.actor import Actor
from activity.ledger import record
from core.refused import Refused
from core.tenancy import every_organization, organization_scope

FAMILY_CLAIM = "family"


class InvalidToken(Refused):
    """Not a token of ours, spent, or ended."""

    status = 401

    def __init__(self) -> None:
        super().__init__("The token is not valid, or no longer. Sign in again.")


@dataclass(frozen=True, slots=True)
class Pair:
    access_token: str
    refresh_token: str
    expires_in: int  # seconds, of the access token
    member: Member


def _lifetime() -> timedelta:
    return timedelta(days=settings.REFRESH_TOKEN_DAYS)


def _pair(family: TokenFamily, refresh: RefreshToken) -> Pair:
    access = AccessToken()
    for token in (refresh, access):
        token["sub"] = str(family.member.user_id)
        token[FAMILY_CLAIM] = str(family.pk)
    seconds = int(timedelta(minutes=settings.ACCESS_TOKEN_MINUTES).total_seconds())
    access.set_exp(lifetime=timedelta(seconds=seconds))
    refresh.set_exp(lifetime=_lifetime())
    return Pair(str(access), str(refresh), seconds, family.member)


@transaction.atomic
def begin(*, member: Member, device: Device | None = None) -> Pair:
    """A first pair for a member who has just shown who they are, by this device."""
    refresh = RefreshToken()
    with organization_scope(member.organization):
        family = TokenFamily.objects.create(
            organization=member.organization,
            member=member,
            current_token_id=refresh["jti"],
            user_agent=device.user_agent if device else "",
            address=device.address if device else "",
            expires_at=timezone.now() + _lifetime(),
        )
        Member.objects.filter(pk=member.pk).update(last_seen_at=timezone.now())
    return _pair(family, refresh)


def refresh(*, token: str) -> Pair:
    """A new pair for a refresh token, which is spent by it; reuse revokes the family.

    Raises InvalidToken, or OrganizationSuspended, which leaves the token as good as it was.
    """
    claims = _claims(RefreshToken, token)
    new = RefreshToken()
    with every_organization("the token names its family, the family its organization"):
        if (known := _family(claims)) is not None and known.is_usable:
            require_open(known.member.organization)
        # The spent token's id is the condition: of two refreshes at once one wins, and the other is a reuse.
        spent = TokenFamily.objects.filter(
            pk=claims[FAMILY_CLAIM], current_token_id=claims["jti"], revoked_at=None, expires_at__gt=timezone.now()
        ).update(current_token_id=new["jti"], expires_at=timezone.now() + _lifetime(), last_used_at=timezone.now())
        family = _family(claims)
        if spent != 1:
            if family is not None and family.is_usable and family.current_token_id != claims["jti"]:
                _revoke(family, reason="reused")
            raise InvalidToken
    if family is None:
        raise InvalidToken
    return _pair(family, new)


def revoke(*, token: str) -> Member | None:
    """Sign out: the refresh token's family ends. An unknown token changes nothing."""
    try:
        claims = _claims(RefreshToken, token)
    except InvalidToken:
        return None
    with every_organization("the token names its family, the family its organization"):
        family = _family(claims)
        if family is not None and family.is_usable:
            TokenFamily.objects.filter(pk=family.pk).update(revoked_at=timezone.now(), revoked_reason="signed out")
            return family.member
    return None


def revoke_all(*, member: Member, reason: str) -> None:
    """End every sign-in of a member, as after a change of password."""
    with organization_scope(member.organization):
        TokenFamily.objects.filter(member=member, revoked_at=None).update(
            revoked_at=timezone.now(), revoked_reason=reason
        )


def open_of(user: User) -> list[TokenFamily]:
    """The user's sign-ins by apps that are still good, in every organization that they may enter, the newest first."""
    with every_organization("a user's apps may be signed in to several"):
        rows = TokenFamily.objects.select_related("member__organization").filter(
            member__user=user,
            member__is_active=True,
            member__organization__is_active=True,
            revoked_at=None,
            expires_at__gt=timezone.now(),
        )
        return list(rows.order_by("-created_at", "-id"))


def has_seen(user: User, device: Device) -> bool:
    """Whether the user has signed in by an app that calls itself so, at any time."""
    with every_organization("a user's apps may be signed in to several"):
        return TokenFamily.objects.filter(member__user=user, user_agent=device.user_agent).exists()


@transaction.atomic
def end(*, user: User, pk: UUID | None = None) -> int:
    """End one of the user's sign-ins by apps, or all of them; how many. Each call looks, so it holds from the next."""
    with every_organization("a user's apps may be signed in to several"):
        rows = TokenFamily.objects.filter(member__user=user, revoked_at=None)
        if pk is not None:
            rows = rows.filter(pk=pk)
        count = rows.update(revoked_at=timezone.now(), revoked_reason="ended by the user")
    if count:
        record_of_user(events.SESSIONS_ENDED, user=user, payload={"count": count})
    return count


def member_of(token: str) -> Member:
    """The member that an access token speaks for, if it and its family still hold. One query.

    Raises InvalidToken, or OrganizationSuspended.
    """
    claims = _claims(AccessToken, token)
    with every_organization("the token names its family, the family its organization"):
        family = _family(claims)
    if family is None or not family.is_usable:
        raise InvalidToken
    require_open(family.member.organization)
    return family.member


def _claims(kind: type[Token], token: str) -> dict[str, Any]:
    try:
        payload: dict[str, object] = kind(token).payload  # type: ignore[arg-type]
    except TokenError as error:
        raise InvalidToken from error
    if FAMILY_CLAIM not in payload:
        raise InvalidToken
    return payload


def _family(claims: Mapping[str, Any]) -> TokenFamily | None:
    return (
        TokenFamily.objects.select_related("member__user", "member__organization", "member__role")
        .filter(
            pk=claims[FAMILY_CLAIM],
            member__is_active=True,
            member__user__is_active=True,
            member__organization__deleted_at=None,
        )
        .first()
    )


def _revoke(family: TokenFamily, *, reason: str) -> None:
    with transaction.atomic():
        TokenFamily.objects.filter(pk=family.pk).update(revoked_at=timezone.now(), revoked_reason=reason)
        record(events.TOKEN_REUSED, subject=family.member, actor=Actor.for_user(family.member.user))
