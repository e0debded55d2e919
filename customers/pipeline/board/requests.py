"""What the board of customers and the board of deals read from a request."""

from __future__ import annotations

from uuid import UUID

from django.http import QueryDict
from django.utils.translation import gettext as _

from core.http import Request, listed
from core.ids import parse_uuids
from customers.models import Stage

# So many cards are asked about at once when something changed.
MAX_CARDS = 400


MAX_STATE_LENGTH = 4000


def wants_json(request: Request) -> bool:
    """Whether a script asks, which says by itself what was done."""
    return "application/json" in request.headers.get("Accept", "")


def moved_meanwhile(request: Request, now: Stage | None, target: Stage) -> str:
    """The text for a card that is in neither the stage where it was shown (`was`) nor the target; empty otherwise."""
    was = request.POST.get("was", "")
    if now is None or not was or now.pk == target.pk or was in (now.key, str(now.pk)):
        return ""
    return _("Somebody moved it to %(stage)s meanwhile. Move it again if you still want to.") % {"stage": now.name}


def ids_of(request: Request) -> list[UUID]:
    """The `ids` of a request for cards; what is none is left out."""
    return parse_uuids(listed(request, "ids")[:MAX_CARDS])


def without(request: Request, *names: str) -> QueryDict:
    """The address's query without these."""
    requested = request.GET.copy()
    for name in names:
        requested.pop(name, None)
    return requested
