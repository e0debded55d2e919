"""The page after the sign-in."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.access.pages import requires
from accounts.frame import home
from accounts.permissions import MEMBERSHIP
from activity import installation
from core.htmx import render_page
from core.http import Request


@requires(MEMBERSHIP)
@never_cache
@require_safe
def home_page(request: Request, organization: str) -> HttpResponse:
    """What waits for the member now, in the order to do it; `scope` is theirs or everybody's within reach."""
    scope = home.scope_of(request.member, request.GET.get("scope", ""))
    result = home.find(request.member, scope)
    hour = timezone.localtime().hour
    context = {
        "greeting": "Good morning" if 4 <= hour < 12 else "Good afternoon" if 12 <= hour < 18 else "Good evening",
        "today": timezone.localdate(),
        "scope": scope,
        "scopes": home.scopes_of(request.member),
        "next": home.next_of(result),
        "sections": result,
        "copy": installation.held() if request.member.may("settings.edit") else None,
    }
    return render_page(request, "accounts/frame/home_page.html", context, partials={"home": "accounts/frame/home.html"})
