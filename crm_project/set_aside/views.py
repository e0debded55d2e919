"""The page of what was set aside, in the admin, for superusers."""

from __future__ import annotations

from typing import Final, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.models import User
from activity.actor import Actor
from core.refused_pages import as_message
from crm_project.set_aside import services

MAX_AT_ONCE: Final = 2000


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def set_aside_page(request: HttpRequest) -> HttpResponse:
    """Everything that waits for a person; POST starts the chosen again, or gives them up with a reason."""
    if not request.user.is_superuser:
        raise PermissionDenied
    if request.method == "POST":
        _act(request)
        return redirect("admin_set_aside")
    context = {
        **admin.site.each_context(request),
        "title": _("Set-aside work"),
        "sections": services.sections(),
        "of_members": services.of_members(),
        "most": services.MAX_SHOWN,
    }
    return TemplateResponse(request, "admin/set_aside.html", context)


def _act(request: HttpRequest) -> None:
    keys = request.POST.getlist("row")[:MAX_AT_ONCE]
    if not keys:
        messages.error(request, _("Choose what to do it with first."))
        return
    actor = Actor.for_user(cast("User", request.user))
    with as_message(request):
        if request.POST.get("action") == "give_up":
            done, left = services.give_up(keys=keys, reason=request.POST.get("reason", ""), actor=actor)
            messages.success(request, _("%(count)s given up.") % {"count": done})
        else:
            done, left = services.retry(keys=keys, actor=actor)
            messages.success(request, _("%(count)s are tried again.") % {"count": done})
        if left:
            text = _("%(count)s were left: they do not wait any more, or have no channel to be read by.")
            messages.warning(request, text % {"count": left})
