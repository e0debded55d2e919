"""What a member writes, saved while they write it."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpResponse, JsonResponse
from django.views.decorators.http import require_http_methods

from accounts.access.pages import requires
from core.http import Request
from messaging.delivery.drafts import InvalidText
from messaging.inbox import context, reply_costs
from messaging.inbox import drafts as saved_drafts
from messaging.inbox.requests import template_of
from messaging.models import Conversation, Draft


@requires("conversations.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def draft(request: Request, organization: str, pk: UUID, mode: str) -> HttpResponse:
    """The member's own draft, as JSON. A POST saves it over the `version` that it names; 409 brings what is there."""
    if mode not in Draft.Mode.values:
        raise Http404("There is no such draft.")
    conversation, _ = context.open_conversation(request, pk)
    if request.method != "POST":
        return JsonResponse(_as_json(saved_drafts.draft_of(conversation, request.member, mode)))
    try:
        saved = saved_drafts.save(
            conversation=conversation,
            member=request.member,
            mode=mode,
            body=request.POST.get("body", ""),
            subject=request.POST.get("subject", ""),
            cc=request.POST.get("cc", ""),
            template=template_of(request, conversation.channel.kind),
            version=_version(request.POST.get("version", "")),
        )
    except InvalidText as error:
        return JsonResponse({"field": error.field, "error": str(error)}, status=422)
    except saved_drafts.Outdated as error:
        return JsonResponse(_as_json(error.draft), status=409)
    return JsonResponse({**_as_json(saved), "cost": _cost(conversation, saved)})


def _cost(conversation: Conversation, draft: Draft) -> dict[str, str] | None:
    """What the reply would cost as it stands; none for a note, which nobody is sent."""
    if draft.mode != Draft.Mode.REPLY:
        return None
    return reply_costs.of(conversation, draft.body)


def _version(text: str) -> int:
    """Raises InvalidText: a text without one could bring back what was sent."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise InvalidText("The version of the draft is needed.", field="version")
    return int(text)


def _as_json(draft: Draft) -> dict[str, object]:
    return {
        "mode": draft.mode,
        "version": draft.version,
        "body": draft.body,
        "subject": draft.subject,
        "cc": draft.cc,
        "template": str(draft.template_id or ""),
        "files": "|".join(file.name for file in draft.template.files.all()) if draft.template is not None else "",
    }
