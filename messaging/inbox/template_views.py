"""The templates that a conversation's channel offers while a reply is written."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access.pages import requires
from core.http import Request
from messaging.inbox import context
from messaging.models import Template
from messaging.texts import placeholders, rendering


@requires("conversations.edit")
@require_safe
def offered(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """The templates of a conversation's channel, filled in for its customer, to be put into the composer.

    Of one key that for the customer's language comes first, the others after it.
    """
    conversation, _ = context.open_conversation(request, pk)
    if not request.member.may("templates.view"):
        return render(request, "messaging/inbox/offered.html", {"offers": []})
    requested = request.GET.get("q", "").strip()[:100]
    rows = Template.objects.visible_to(request.member).filter(channel=conversation.channel.kind)
    rows = rows.exclude(content_status=Template.ContentStatus.GONE)
    is_closed = not conversation.is_window_open
    if is_closed:
        rows = rows.exclude(provider_template_id="")
    if requested:
        rows = rows.filter(name__icontains=requested)
    results = list(rows.prefetch_related("files").order_by("name", "language", "id")[:MAX_OFFERED])
    language = conversation.customer.language.lower()
    results.sort(key=lambda one: (one.is_content, one.name.casefold(), not _serves(one, language), one.language))
    values = rendering.values_for(conversation.customer, request.member.user)
    offers = [_offer(one, values) for one in results]
    page_context = {
        "conversation": conversation,
        "offers": offers,
        "requested": requested,
        "is_window_closed": is_closed,
        "can_edit": request.member.may("templates.edit"),
    }
    return render(request, "messaging/inbox/offered.html", page_context)


def _serves(template: Template, language: str) -> bool:
    own = template.language.lower()
    return bool(language) and own in (language, language.split("-")[0])


def _offer(template: Template, values: Mapping[str, str]) -> dict[str, object]:
    if template.is_content:
        return {"template": template}  # its values are asked for when it is chosen
    try:
        filled = rendering.fill(template, values)
    except (placeholders.MissingValue, rendering.InvalidVariable) as error:
        return {"template": template, "error": str(error)}
    return {"template": template, "subject": filled.subject, "body": filled.body}


MAX_OFFERED = 60
