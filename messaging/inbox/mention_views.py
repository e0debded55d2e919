"""Whom a note can name, while it is written."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access.pages import requires
from core.http import Request
from messaging.threads import mentions

MAX_LENGTH = 60


@requires("conversations.edit")
@require_safe
def offered(request: Request, organization: str) -> HttpResponse:
    """Colleagues and teams whose name begins with `q`, as options of a list."""
    wanted = request.GET.get("q", "")[:MAX_LENGTH]
    return render(request, "messaging/inbox/mentions.html", {"offers": mentions.offered(wanted)})
