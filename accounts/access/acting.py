"""A browser that acts as another member, or only looks as one: what is open to it meanwhile.

One middleware for both. Whoever acts for somebody comes to every view as that member; what concerns the person alone is
closed by the address (PERSONAL, and all that is no page of the organization), what nobody does in another's name by the
permission (`NEVER_BY_IMPERSONATION`). What is not named here is closed where it is about oneself, and open where it is
the organization's work.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.contrib import messages
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import ResolverMatch, reverse

from accounts.access import viewing
from accounts.credentials import ways
from accounts.impersonation import services as impersonation
from accounts.models import Impersonation
from core import outage
from core.htmx import toast
from core.http import redirect_to
from core.ids import parse_uuid
from core.refused import Refused

SAFE: Final = viewing.SAFE
PAGES: Final = "o/<slug:organization>/"
CALLS: Final = "api/v1/"
# The way out, where the browser is itself again: nobody signs another person out.
OUT: Final = frozenset({"organization:end_impersonation", "accounts:sign_out"})
# Lists that somebody takes along as a file, which the ledger says: not for who only looks.
LISTS: Final = frozenset(
    {"organization:hand_over_list", "organization:hand_over_file", "user-hand-over-list", "user-hand-over-file"}
)
# About the person alone, a way for data to leave, or what nobody can take back: closed whatever the role permits.
PERSONAL_ROUTES: Final = (f"{PAGES}account/", f"{CALLS}auth/", f"{CALLS}notifications/preferences")
PERSONAL: Final = frozenset(
    {
        "customers:calendar_feed", "customers:revoke_calendar_feed", "customers:export_personal_data",
        "customers:personal_data_download", "organization:audit_head", *LISTS,
        "customers:import_rejected", "customer-import-rejected", "lead-import-rejected",
        "customer-personal-data-export", "customer-personal-data-download", "lead-personal-data-export",
        "lead-personal-data-download",
        "organization:impersonate", "organization:view_as_role", "organization:view_as_member",
        "customers:erase", "customer-personal-data-erase", "lead-personal-data-erase",
    }
)  # fmt: skip
# What is nobody's to look at as somebody else: their account, their keys.
PRIVATE_ROUTES: Final = (f"{PAGES}account/", f"{PAGES}settings/api-keys/", f"{CALLS}admin/integrations/api-keys")
# Addresses outside of every organization that say nothing of a person.
OPEN: Final = frozenset({"accounts:home", "auth-me", "health", "health-ready", "auth-impersonation"})
# Where nothing is changed in another's name, whatever the permission.
READ_ONLY_ROUTES: Final = (
    f"{PAGES}settings/", f"{PAGES}channels/", f"{CALLS}admin/", f"{CALLS}channels", f"{CALLS}workflow",
)  # fmt: skip


def is_closed(match: ResolverMatch | None, method: str | None) -> bool:
    """Whether this address is closed to who acts as another member, whatever that member may do."""
    if match is None:
        return True
    if match.view_name in OPEN:
        return False
    if match.view_name in PERSONAL or match.route.startswith(PERSONAL_ROUTES):
        return True
    if not match.route.startswith((PAGES, CALLS)):
        return True
    return method not in SAFE and match.route.startswith(READ_ONLY_ROUTES)


def is_personal(match: ResolverMatch | None) -> bool:
    """Whether this address shows what is the person's own: not for who looks as they would."""
    return match is not None and (match.view_name in PERSONAL or match.route.startswith(PRIVATE_ROUTES))


class ActingMiddleware:
    """Puts the member that a browser acts as in the place of its user, and refuses what is closed to it meanwhile."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], object]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> object:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: object, args: object, kwargs: object) -> HttpResponseBase | None:
        """403 with the code of the refusal; the ways out stay open. 503 where the session can't be read: what is raised
        before a view begins comes to nobody else."""
        try:
            return self._look(request, view)
        except (OperationalError, InterfaceError) as error:
            if not outage.is_outage(error):
                raise
            return outage.answer(request, error)

    def _look(self, request: HttpRequest, view: object) -> HttpResponseBase | None:
        if settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return None  # no session, and nothing that varies by one
        if impersonation.KEY in request.session:
            return self._acting(request)
        match = request.resolver_match
        if not viewing.is_on(request) or (match is not None and match.view_name in viewing.WAYS_OUT):
            return None
        is_list = match is not None and match.view_name in LISTS
        is_private = viewing.is_as_person(request) and is_personal(match)
        if not viewing.is_question(request, view) or is_list or is_private:
            return refusal(request, viewing.ReadOnlyView())
        return None

    def _acting(self, request: HttpRequest) -> HttpResponseBase | None:
        match = request.resolver_match
        row = impersonation.find(parse_uuid(str(request.session[impersonation.KEY])))
        is_good = row is not None and self._is_own(request, row) and impersonation.is_good(row, ways.of(request))
        if match is not None and match.view_name in OUT:
            if is_good and row is not None and match.view_name == "accounts:sign_out":
                impersonation.end(row, how=Impersonation.How.SIGN_OUT)
            return None
        if row is None or not is_good:
            # What the browser asked for was meant for another: nothing of it is done as oneself.
            request.session.pop(impersonation.KEY, None)  # gone already where the sign-in is over as well
            return _over(request)
        member = impersonation.acting_member(row)
        request.impersonation = row  # type: ignore[attr-defined]
        request.user = member.user
        if is_closed(match, request.method):
            return refusal(request, impersonation.ClosedToImpersonators(member.user.get_full_name()))
        return None

    def _is_own(self, request: HttpRequest, row: Impersonation) -> bool:
        """Whether the browser is still signed in as who began it."""
        return bool(request.user.is_authenticated and request.user.pk == row.impersonator.user_id)


def refusal(request: HttpRequest, refused: Refused) -> HttpResponseBase:
    """The refusal as whoever asked can show it: a call's error, a toast, or a page."""
    if request.path.startswith("/api/"):
        error = {"code": refused.code, "detail": str(refused), "attr": None}
        return JsonResponse({"type": "client_error", "errors": [error]}, status=refused.status)
    if request.headers.get("HX-Request"):
        response = toast(HttpResponse(status=refused.status), str(refused), level="error")
        response.headers["HX-Reswap"] = "none"
        return response
    context = {"words": str(refused), "is_look": request.method in SAFE}
    return render(request, "accounts/access/read_only.html", context, status=refused.status)


def _over(request: HttpRequest) -> HttpResponseBase:
    over = impersonation.ImpersonationOver()
    is_page = not request.path.startswith("/api/") and not request.headers.get("HX-Request")
    if is_page and request.method in SAFE:
        messages.warning(request, str(over))
        return redirect_to("/")
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": reverse("accounts:home")})
    return refusal(request, over)
