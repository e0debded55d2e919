"""Writing: a reply or a private note."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from accounts.access import requires
from activity.actor import current_actor
from core.http import Request
from messaging.models import Conversation, Message
from messaging.services import outbound, refusals
from messaging.views import context

COMPOSER = "messaging/partials/composer.html"


@requires("conversations.edit")
@require_POST
def reply(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Queue a reply; what can't be sent comes back with its text and the reason."""
    conversation, _ = context.open_conversation(request, pk)
    try:
        message = outbound.queue_message(
            conversation=conversation,
            body=request.POST.get("body", ""),
            subject=request.POST.get("subject", ""),
            actor=current_actor(),
            author=request.member.user,
            undo_for=timedelta(seconds=conversation.organization.undo_seconds),
        )
    except (refusals.Refused, outbound.InvalidText) as error:
        return _refused(request, conversation, "reply", str(error))
    return _written(request, conversation, "reply", message)


@requires("conversations.edit")
@require_POST
def note(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Write a note that only colleagues see."""
    conversation, _ = context.open_conversation(request, pk)
    try:
        message = outbound.add_note(
            conversation=conversation,
            body=request.POST.get("body", ""),
            actor=current_actor(),
            author=request.member.user,
        )
    except outbound.InvalidText as error:
        return _refused(request, conversation, "note", str(error))
    return _written(request, conversation, "note", message)


def _written(request: Request, conversation: Conversation, mode: str, message: Message) -> HttpResponse:
    if not request.htmx:
        return redirect("messaging:conversation", conversation.organization.slug, conversation.pk)
    message.conversation = conversation
    shown: dict[str, Any] = {
        **_composer(conversation, mode),
        "composer_subject": context.answering(request.POST.get("subject", "").strip()),
        "new_messages": [message],
    }
    return render(request, COMPOSER, shown)


def _refused(request: Request, conversation: Conversation, mode: str, reason: str) -> HttpResponse:
    shown = {
        **_composer(conversation, mode),
        "composer_body": request.POST.get("body", ""),
        "composer_subject": request.POST.get("subject", ""),
        "composer_error": reason,
    }
    if not request.htmx:
        opened, others = context.open_conversation(request, conversation.pk)
        page = context.list_context(request) | context.thread_context(request, opened)
        return render(
            request, "messaging/inbox.html", page | context.panel_context(request, opened, others) | shown, status=422
        )
    return render(request, COMPOSER, shown, status=422)


def _composer(conversation: Conversation, mode: str) -> dict[str, Any]:
    return {"conversation": conversation, **context.composer_context(conversation), "composer_mode": mode}
