"""Whether a request is one of somebody who acts as another member; the middleware in `acting` has said so."""

from __future__ import annotations

from django.http import HttpRequest

from accounts.impersonation.services import acting_member
from accounts.models import Impersonation, Member


def is_impersonating(request: HttpRequest) -> bool:
    """Whether the request's user is acted for."""
    return isinstance(getattr(request, "impersonation", None), Impersonation)


def acting_in(request: HttpRequest, member: Member) -> Member:
    """The member as whoever acts for them may be one; the member themselves where nobody does."""
    row = getattr(request, "impersonation", None)
    if not isinstance(row, Impersonation) or row.member_id != member.pk:
        return member
    return acting_member(row)
