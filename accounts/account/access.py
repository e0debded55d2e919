"""The doors of the pages about oneself: signed in, and for what changes credentials, known to be the same person."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar, cast
from urllib.parse import urlencode

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.views.decorators.cache import never_cache

from accounts.credentials import recent
from accounts.models import User
from core.http import local_path, redirect_to

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


def about_oneself(view: View) -> View:
    """For pages outside of every organization: signed in, with a password of one's own, confirmed a short while ago."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if not isinstance(request.user, User):
            return redirect_to_login(request.get_full_path())
        if request.user.must_change_password:
            return _to("accounts:new_password", request)
        return confirmed(view)(request, *args, **kwargs)

    return cast("View", never_cache(guarded))


def confirmed(view: View) -> View:
    """Ask who it is again where the last time is over 15 minutes ago, then come back here."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if recent.is_recent(request):
            return view(request, *args, **kwargs)
        return _to("accounts:confirm", request)

    return cast("View", guarded)


def next_of(request: HttpRequest) -> str:
    """Where the person was on the way to; the home page where that is nowhere of ours."""
    return local_path(request.POST.get("next") or request.GET.get("next")) or "/"


def _to(page: str, request: HttpRequest) -> HttpResponse:
    return redirect_to(f"{reverse(page)}?{urlencode({'next': request.get_full_path()})}")
