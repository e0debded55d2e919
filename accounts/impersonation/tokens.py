"""The token of a call that acts as another member: half an hour, and nothing renews it."""

from __future__ import annotations

from typing import Any, Final

from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken

from accounts.credentials.readiness import require_open
from accounts.credentials.tokens import InvalidToken
from accounts.impersonation import services
from accounts.models import Impersonation, Member
from core.ids import parse_uuid

CLAIM: Final = "impersonation"


def token_for(row: Impersonation) -> str:
    """The token of one that was begun by a call; it says which, and every call looks it up."""
    token = AccessToken()
    token["sub"] = str(row.member.user_id)
    token[CLAIM] = str(row.pk)
    token.set_exp(from_time=row.began_at, lifetime=services.LASTS)
    return str(token)


def member_of(token: str) -> Member | None:
    """The member that the token acts as; None for a token of another sort.

    Raises InvalidToken where it is over, or what it rests on has changed; OrganizationSuspended where that is why. One
    query.
    """
    try:
        payload: dict[str, Any] = AccessToken(token).payload  # type: ignore[arg-type]
    except TokenError as error:
        raise InvalidToken from error
    if CLAIM not in payload:
        return None
    row = services.find(parse_uuid(str(payload[CLAIM])))
    if row is None or not row.is_by_token:
        raise InvalidToken
    if not services.is_good(row):
        require_open(row.organization)
        raise InvalidToken
    return services.acting_member(row)
