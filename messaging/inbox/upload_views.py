"""A file taken for sending in a conversation."""

from __future__ import annotations

from uuid import UUID

from django.core.files.base import File
from django.http import HttpResponse, JsonResponse
from django.views.decorators.http import require_POST

from accounts.access.pages import requires
from activity.actor import current_actor
from core.http import Request
from core.refused_pages import Attempt
from messaging.files import services as media
from messaging.inbox import context


@requires("conversations.edit")
@require_POST
def upload(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Take a file that is to be sent in this conversation; its id goes into the composer's form."""
    conversation, _ = context.open_conversation(request, pk)
    content: File | None = request.FILES.get("file")
    if content is None:
        return JsonResponse({"error": "Choose a file first."}, status=422)
    with Attempt(request) as attempt:
        file = media.upload(
            organization=request.organization,
            content=content,
            name=content.name or "file",
            content_type=getattr(content, "content_type", "") or "application/octet-stream",
            capabilities=conversation.channel.capabilities,
            actor=current_actor(),
        )
        answer = {"id": str(file.pk), "name": file.name, "size": file.size, "type": file.content_type}
        return JsonResponse(answer, status=201)
    return JsonResponse({"error": attempt.error}, status=422)
