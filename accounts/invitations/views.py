"""The page that an invitation's link leads to."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.credentials import sign_in
from accounts.invitations import accepting
from accounts.invitations.forms import JoinForm
from accounts.models import Invitation, Member, User
from accounts.sign_in.entering import admit
from core.http import redirect_to
from core.refused_pages import Attempt, on_form

PAGE = "accounts/invitations/page.html"


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation_page(request: HttpRequest, token: str) -> HttpResponse:
    """Join: with a name and a password, or as who is signed in; who has an account is asked to sign in first."""
    with Attempt(request) as attempt:
        invitation = accepting.open_link(token=token, request=request)
        if isinstance(request.user, User):
            return _as_oneself(request, invitation, request.user)
        if accepting.account_of(invitation) is not None:
            query = urlencode({"next": request.path})
            return _page(request, invitation, sign_in_url=f"{reverse('accounts:sign_in')}?{query}")
        return _as_new(request, invitation)
    return render(request, PAGE, {"error": attempt.error}, status=attempt.status)


def _as_oneself(request: HttpRequest, invitation: Invitation, user: User) -> HttpResponse:
    if request.method == "POST":
        member = accepting.join(invitation=invitation, user=user)
        sign_in.note_seen(member)
        return redirect_to(_first_page(member))
    return _page(request, invitation, is_other=user.email.lower() != invitation.email)


def _as_new(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    form = JoinForm(request.POST or None, email=invitation.email)
    if request.method == "POST" and form.is_valid():
        with on_form(request, form):
            member = accepting.join_as_new(invitation=invitation, **form.cleaned_data)
            return admit(request, member.user, _first_page(member), member)
    return _page(request, invitation, form=form)


def _page(request: HttpRequest, invitation: Invitation, **context: object) -> HttpResponse:
    return render(request, PAGE, {"invitation": invitation, **context})


def _first_page(member: Member) -> str:
    return reverse("organization:home", args=[member.organization.slug])
