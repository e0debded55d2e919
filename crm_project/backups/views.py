"""The backups in the admin, for superusers."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from core.refused_pages import as_message
from crm_project.backups import daily


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def backup_list(request: HttpRequest) -> HttpResponse:
    """Each backup with its rehearsal's result; POST has another taken."""
    if not request.user.is_superuser:
        raise PermissionDenied
    if request.method == "POST":
        with as_message(request):
            daily.request_now()
            messages.success(request, _("A worker takes a backup and rehearses it. Reload the page in a while."))
        return redirect("admin_backups")
    context = {
        **admin.site.each_context(request),
        "title": _("Backups"),
        "backups": daily.listed(),
        "folder": settings.BACKUP_DIR,
    }
    return TemplateResponse(request, "admin/backups.html", context)
