"""What is done with one message of ours: taken back, sent again, marked as sent."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages as toasts
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from accounts.access.pages import requires
from activity.actor import current_actor
from core.htmx import toast
from core.http import Request
from core.lookups import first_or_404
from core.refused_pages import Attempt
from messaging.delivery import confirmation
from messaging.delivery import queue as outbound
from messaging.models import Message
from messaging.threads.senders import name_senders


@requires("conversations.edit")
@require_POST
def retry(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Send a failed or unconfirmed message again."""
    return _do(request, pk, lambda message: outbound.retry(message=message, actor=current_actor()))


@requires("conversations.edit")
@require_POST
def cancel(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Take a queued message back."""
    return _do(
        request, pk, lambda message: outbound.cancel(message=message, actor=current_actor(), reason="taken back")
    )


@requires("conversations.edit")
@require_POST
def mark_as_sent(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Somebody has seen that an unconfirmed message arrived."""
    return _do(request, pk, lambda message: confirmation.mark_as_sent(message=message, actor=current_actor()))


def _do(request: Request, pk: UUID, act: Callable[[Message], Message]) -> HttpResponse:
    rows = Message.objects.visible_to(request.member).outbound().with_thread_relations()
    rows = rows.select_related("conversation__customer", "conversation__channel").filter(pk=pk)
    message = first_or_404(rows, "There is no such message, or it is not yours to see.")
    with Attempt(request) as attempt:
        act(message)
    if attempt.error:
        message.refresh_from_db()
    if not request.htmx:
        if attempt.error:
            toasts.error(request, attempt.error)
        return redirect("messaging:conversation", request.organization.slug, message.conversation_id)
    name_senders([message], request.member)
    response = render(
        request, "messaging/inbox/message.html", {"message": message, "conversation": message.conversation}
    )
    return toast(response, attempt.error, level="error") if attempt.error else response
