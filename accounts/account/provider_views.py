"""Connecting one's own account at the organization's sign-in provider, and undoing it."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access.pages import requires
from accounts.account.access import about_oneself, confirmed
from accounts.account.tabs import account_context
from accounts.models import User
from accounts.openid import flow, queries, services
from accounts.permissions import MEMBERSHIP
from activity.actor import current_actor
from core.http import Request, local_path
from core.refused_pages import as_message


@about_oneself
@require_http_methods(["GET", "HEAD", "POST"])
def connect_provider(request: HttpRequest, organization: str) -> HttpResponse:
    """Ask once; a POST begins the way to the provider. Outside of the organization, since it may take no one in who has
    not connected an account."""
    user = cast("User", request.user)
    provider = queries.open_provider(organization)
    if provider is None or queries.membership_of(user, provider) is None:
        raise Http404(_("There is no sign-in provider to connect with."))
    security = reverse("organization:security", args=[organization])
    path = local_path(request.POST.get("next") or request.GET.get("next")) or security
    context = {"provider": provider, "next": path, "leads_to": ""}
    if request.method == "POST":
        # A page that leads on, no redirect: our forms lead to no other host (Content-Security-Policy, form-action).
        context["leads_to"] = flow.begin(
            request, provider, purpose=flow.CONNECT, path=path, user_id=str(user.pk), again=False
        )
    return render(request, "accounts/account/connect_provider.html", context)


@requires(MEMBERSHIP)
@require_http_methods(["GET", "HEAD", "POST"])
def disconnect_provider(request: Request, organization: str) -> HttpResponseBase:
    """Ask once; a POST disconnects one's own account. 404 where none is connected, before anything is asked."""
    if getattr(request.member, "provider_link", None) is None:
        raise Http404(_("No account is connected."))
    return confirmed(_disconnect)(request)


def _disconnect(request: Request) -> HttpResponse:
    slug = request.organization.slug
    if request.method != "POST":
        context = {
            "question": _("Disconnect your account at %(provider)s?")
            % {"provider": request.member.provider_link.provider.name},
            "text": _("It signs you in no more, and sessions that it began end."),
            "action": _("Disconnect"),
            **account_context(request, "organization:security"),
        }
        return render(request, "accounts/account/ask.html", context)
    with as_message(request):
        services.disconnect(member=request.member, actor=current_actor(), keep=request.session.session_key)
        messages.success(request, _("The account is disconnected."))
    return redirect("organization:security", slug)
