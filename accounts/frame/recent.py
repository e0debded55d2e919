"""What a member opened last, for the palette: a cookie of ids. Whether they may still see it is asked when shown."""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse

from core.http import Request
from core.ids import parse_uuids

Response = TypeVar("Response", bound=HttpResponse)

COOKIE = "recent"
KEPT = 8
MONTH = 30 * 24 * 60 * 60


def remembered(request: Request) -> list[UUID]:
    """The ids, last opened first."""
    return parse_uuids(request.COOKIES.get(COOKIE, "").split(".")[:KEPT])


def remember(request: Request, response: Response, pk: UUID) -> Response:
    """Put this one first."""
    if getattr(request, "viewing", None) is not None or getattr(request, "impersonation", None) is not None:
        return response  # it was opened as a role or as somebody else
    kept = [pk, *(one for one in remembered(request) if one != pk)][:KEPT]
    response.set_cookie(
        COOKIE,
        ".".join(one.hex for one in kept),
        max_age=MONTH,
        path=f"/o/{request.organization.slug}/",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response
