"""What the installation is set to, to look at: it is changed in the environment or in .env, and takes a restart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from activity.doctor import queries
from activity.doctor.checks import Line, Status
from crm_project.environment import DECLARED

# What such a word stands in is never shown, and neither is an address with a name or password in it.
SECRET_WORDS: Final = ("KEY", "SECRET", "TOKEN", "PASSWORD", "CREDENTIAL")


@dataclass(frozen=True, slots=True)
class Setting:
    """`value` is empty where it is not set, and where it is not shown."""

    name: str
    is_set: bool
    is_secret: bool
    value: str


def settings_shown() -> list[Setting]:
    """Every setting that settings.py asks for, in its order."""
    results = []
    for name, value in DECLARED.items():
        is_secret = _is_secret(name, value)
        results.append(Setting(name, bool(value), is_secret, "" if is_secret else value))
    return results


def _is_secret(name: str, value: str) -> bool:
    if any(word in name for word in SECRET_WORDS):
        return True
    if value.startswith("{"):
        # An object of settings may hold anything.
        return value != "{}"
    if "://" not in value:
        return False
    try:
        parts = urlsplit(value)
    except ValueError:
        return True
    return bool(parts.username or parts.password or parts.query or "@" in value)


@never_cache
@require_safe
def configuration_page(request: HttpRequest) -> HttpResponse:
    """The settings, and what the doctor has to say."""
    if not request.user.is_superuser:
        raise PermissionDenied
    wrong: list[tuple[str, Line]] = [
        (str(finding.label), line)
        for finding in queries.installation(run_slow=False).findings
        for line in finding.lines
        if line.status in (Status.FAILED, Status.WARNING)
    ]
    context = {
        **admin.site.each_context(request),
        "title": _("Settings of the installation"),
        "settings": settings_shown(),
        "wrong": wrong,
    }
    return TemplateResponse(request, "admin/configuration.html", context)
