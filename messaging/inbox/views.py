"""The inbox: list, thread, customer; and what changed, for the live updates."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access.pages import requires
from accounts.access.viewing import only_reads
from core.htmx import render_page
from core.http import Request, listed
from core.ids import parse_uuid, parse_uuids
from messaging.inbox import context
from messaging.models import Conversation

# So many rows are asked for at once when something changed.
MAX_ROWS = 200
PARTIALS = {
    "conversation": "messaging/inbox/conversation.html",
    "conversation-list": "messaging/inbox/conversation_list.html",
    "more-conversations": "messaging/inbox/conversation_rows.html",
    "earlier-messages": "messaging/inbox/messages.html",
}


@requires("conversations.view")
@require_safe
def inbox(request: Request, organization: str) -> HttpResponse:
    """The list, and an invitation to open something."""
    return render_page(request, "messaging/inbox/page.html", context.list_context(request), partials=PARTIALS)


@requires("conversations.view")
@require_safe
def conversation(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """One conversation beside the list."""
    opened, others = context.open_conversation(request, pk)
    page_context = context.thread_context(request, opened) | context.panel_context(request, opened, others)
    if not request.htmx or request.htmx.target in ("conversation-list", "") or request.htmx.boosted:
        page_context |= context.list_context(request)
    else:
        page_context |= {"list_query": context.list_query(request)}
    return render_page(request, "messaging/inbox/page.html", page_context, partials=PARTIALS)


@requires("conversations.view")
@only_reads
@require_http_methods(["GET", "HEAD", "POST"])
def changes(request: Request, organization: str) -> HttpResponse:
    """The parts of the screen that changed: rows, counts, the open thread; only what the member may see.

    Changes nothing; the ids of the rows, which may be many, come in a POST's body.
    """
    page_context: dict[str, object] = {}
    has_list = "filter" in request.GET
    page_context |= context.list_context(request, with_rows=has_list and "all" in request.GET)
    if has_list and "all" not in request.GET:
        page_context |= {"conversations": _requested_rows(request), "next_cursor": "x"}
    if not has_list:
        del page_context["filters"]
    if pk := parse_uuid(request.GET.get("open", "")):
        try:
            opened, others = context.open_conversation(request, pk)
        except Http404:
            pass  # out of reach by now: the page keeps what it showed until it is left
        else:
            page_context |= context.changes_context(request, opened) | context.panel_context(request, opened, others)
    return render(request, "messaging/inbox/changes.html", page_context)


def _requested_rows(request: Request) -> list[Conversation]:
    keys = parse_uuids(listed(request, "conversations")[:MAX_ROWS])
    return list(context.rows_of(request).filter(pk__in=keys).order_by("-last_message_at", "-id"))
