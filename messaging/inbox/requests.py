"""What the inbox reads from a request."""

from __future__ import annotations

from core.http import Request
from core.ids import parse_uuid
from messaging.models import Template


def template_of(request: Request, kind: str) -> Template | None:
    """The template that a text came from, so that it is counted; one for free texts only."""
    pk = parse_uuid(request.POST.get("template", ""))
    if pk is None:
        return None
    rows = Template.objects.visible_to(request.member).filter(channel=kind, provider_template_id="")
    row: Template | None = rows.filter(pk=pk).first()
    return row
