"""Signing in by an organization's own provider: the way there, and the way back."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.credentials import browser_sessions, recent, throttle, ways
from accounts.credentials.ways import ProviderWay
from accounts.models import SignInProvider, User
from accounts.openid import flow, queries, services
from accounts.openid.id_tokens import Identity
from accounts.sign_in.entering import admit
from accounts.sign_in.forms import OrganizationForm
from core.http import client_address, local_path, redirect_to
from core.refused_pages import Attempt


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def choose_provider(request: HttpRequest) -> HttpResponse:
    """Which organization; a POST leads to its page."""
    form = OrganizationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return redirect_to(reverse("accounts:provider", args=[form.cleaned_data["organization"]]))
    return render(request, "accounts/sign_in/choose_provider.html", {"form": form})


@never_cache
@require_safe
def provider_page(request: HttpRequest, organization: str) -> HttpResponse:
    """The button that leads to the provider; for a member who is signed in and has not connected an account, how to."""
    provider = _find(organization)
    user = request.user if isinstance(request.user, User) else None
    is_member = user is not None and queries.membership_of(user, provider) is not None
    context = {
        "provider": provider,
        "next": _next(request, provider),
        "is_signed_in": user is not None,
        "may_connect": is_member and user is not None and queries.link_of(user, provider) is None,
    }
    return render(request, "accounts/sign_in/provider.html", context)


@never_cache
@require_safe
def start(request: HttpRequest, organization: str) -> HttpResponse:
    """To the provider. With `?again=1` it is to ask who it is, whoever is signed in there."""
    provider = _find(organization)
    attempt = Attempt(request)
    with attempt:
        throttle.count_beginning(address=client_address(request))
        path, again = _next(request, provider), request.GET.get("again") == "1"
        return redirect_to(flow.begin(request, provider, purpose=flow.SIGN_IN, path=path, again=again))
    return _problem(request, provider, attempt)


@never_cache
@require_safe
def callback(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Back from the provider: sign in, or connect the account, as this browser was sent for."""
    provider = queries.find_provider(pk)
    if provider is None:
        raise Http404(_("There is no such sign-in provider."))
    attempt = Attempt(request)
    with attempt:
        journey = flow.take(request, provider)
        services.renew_endpoints(provider)
        identity = flow.identify(provider, journey, request.GET.dict())
        if journey.purpose == flow.CONNECT:
            return _connect(request, provider, journey, identity)
        member = services.member_for(provider=provider, identity=identity)
        return admit(request, member.user, journey.path, way=_way(provider, identity, is_fresh=journey.again))
    return _problem(request, provider, attempt)


def _problem(request: HttpRequest, provider: SignInProvider, attempt: Attempt) -> HttpResponse:
    context = {"provider": provider, "error": attempt.error}
    return render(request, "accounts/sign_in/provider_problem.html", context, status=attempt.status)


def _connect(request: HttpRequest, provider: SignInProvider, journey: flow.Journey, identity: Identity) -> HttpResponse:
    """Only whom the way was begun for, who has shown it a short while ago and is signed in still."""
    user = request.user
    if not isinstance(user, User) or str(user.pk) != journey.user_id or not recent.is_recent(request):
        raise flow.JourneyOver
    member = queries.membership_of(user, provider)
    if member is None:
        raise services.AccessEnded
    services.connect(member=member, provider=provider, identity=identity)
    ways.note(request, ways.of(request), _way(provider, identity))
    browser_sessions.note_provider(request, str(provider.pk))
    messages.success(request, _("Your account at %(provider)s is connected.") % {"provider": provider.name})
    return redirect_to(journey.path)


def _way(provider: SignInProvider, identity: Identity, *, is_fresh: bool = False) -> ProviderWay:
    has_factor = not identity.factors.isdisjoint(provider.factor_values)
    return ProviderWay(str(provider.organization_id), str(provider.pk), has_factor=has_factor, is_fresh=is_fresh)


def _find(organization: str) -> SignInProvider:
    provider = queries.open_provider(organization)
    if provider is None:
        raise Http404(_("No organization with this address signs in by a provider."))
    return provider


def _next(request: HttpRequest, provider: SignInProvider) -> str:
    home = reverse("organization:home", args=[provider.organization.slug])
    return local_path(request.GET.get("next")) or home
