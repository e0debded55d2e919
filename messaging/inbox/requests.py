"""What the inbox reads from a request."""

from __future__ import annotations

from uuid import UUID

from core.http import Request
from messaging.models import Template


def template_of(request: Request, kind: str) -> Template | None:
    """The template that a text came from, so that it is counted; one for free texts only."""
    try:
        pk = UUID(request.POST.get("template", ""))
    except ValueError:
        return None
    rows = Template.objects.visible_to(request.member).filter(channel=kind, content_sid="")
    found: Template | None = rows.filter(pk=pk).first()
    return found
