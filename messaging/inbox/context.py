"""The context of the inbox's templates; one function for each pane."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, Subquery
from django.http import Http404
from django.urls import reverse
from django.utils import timezone

from accounts.frame import menu
from accounts.models import Member
from core.counting import capped_counts
from core.http import Request
from core.list_query import ListQuery
from core.pagination import page_after
from customers.models import Consent, Stage
from customers.people.owners import possible_owners
from customers.work import customer_work
from messaging.delivery import checks, drafts
from messaging.inbox import drafts as saved_drafts
from messaging.inbox import reply_costs
from messaging.models import Conversation, Draft, Message
from messaging.models.querysets import ConversationQuerySet
from messaging.threads import answer_addresses, channel_choice
from messaging.threads.queries import VIEWS, messages_of
from messaging.threads.senders import name_senders

ROWS = 30
MESSAGES = 40
COUNTED_TO = 100  # shown as 99+
COUNTED = ("mine", "unassigned", "waiting")
# A transaction may commit later than its row's time; so far back a change is shown once more.
OVERLAP = timedelta(seconds=5)
DEFAULT_VIEW = "open"


def list_context(request: Request, *, with_rows: bool = True) -> dict[str, object]:
    """The left pane: the chosen view, its rows, and the counts."""
    member = request.member
    view, q = _view(request), request.GET.get("q", "").strip()[:200]
    visible = Conversation.objects.visible_to(member)
    badges = menu.waiting(member)
    parts = {key: VIEWS[key][1](visible, member) for key in COUNTED} | {f"badge {key}": badges[key] for key in badges}
    counts = capped_counts(parts, cap=COUNTED_TO)
    request.badges = {key: counts[f"badge {key}"] for key in badges}
    counts["unread"] = request.badges["inbox"]
    query = _query(view, q)
    context: dict[str, object] = {
        "filter": view,
        "is_refused": view not in VIEWS,
        "q": q,
        "list_query": query,
        "unread_total": counts["unread"],
        "can_simulate": member.may("channels.edit"),
        "filters": [
            {
                "key": key,
                "label": label,
                "count": counts.get(key),
                "url": reverse("messaging:inbox", args=[member.organization.slug]) + _query(key, q),
                "is_current": key == view,
            }
            for key, (label, _) in VIEWS.items()
        ],
    }
    return context | (rows_context(request) if with_rows else {})


def list_query(request: Request) -> str:
    """The list's own part of an address, for links that lead back to it."""
    return _query(_view(request), request.GET.get("q", "").strip()[:200])


def rows_of(request: Request) -> ConversationQuerySet:
    """Every conversation of the chosen view, joined with what a row shows; none where there is no such view."""
    view = _view(request)
    visible = Conversation.objects.visible_to(request.member)
    rows = VIEWS[view][1](visible, request.member) if view in VIEWS else visible.none()
    if q := request.GET.get("q", "").strip()[:200]:
        rows = rows.matching(q)
    return rows.select_related("customer", "customer__stage", "customer__assigned_to", "channel")


def rows_context(request: Request) -> dict[str, Any]:
    page = page_after(
        rows_of(request), cursor=request.GET.get("after", ""), size=ROWS, order=("-last_message_at", "-id")
    )
    return {"conversations": page.rows, "next_cursor": page.next_cursor}


def open_conversation(request: Request, pk: UUID) -> tuple[Conversation, list[Conversation]]:
    """The conversation, if within reach, and the customer's others, in one query. Raises Http404."""
    opted = (
        Consent.objects.filter(customer=OuterRef("customer"), purpose=Consent.Purpose.MESSAGES)
        .filter(channel__in=[OuterRef("channel__kind"), ""])
        .order_by("-created_at", "-id")
        .values("is_granted")[:1]
    )
    rows = (
        Conversation.objects.visible_to(request.member)
        .filter(customer__conversations=pk)
        .select_related("customer__stage", "customer__assigned_to", "customer__organization", "channel", "organization")
        .annotate(
            consent_in_force=Subquery(opted),
            real_name=Subquery(channel_choice.real_name_of(OuterRef("channel__kind"))),
            **answer_addresses.subqueries(),
            **saved_drafts.subqueries(request.member),
        )
        .order_by("-last_message_at")
    )
    results = list(rows)
    for conversation in results:
        if conversation.pk == pk:
            return conversation, [other for other in results if other.pk != pk]
    raise Http404("There is no such conversation, or it is not yours to see.")


def thread_context(request: Request, conversation: Conversation) -> dict[str, object]:
    """The middle pane: messages up to `before`, oldest first, and what the composer needs."""
    page = page_after(messages_of(conversation), cursor=request.GET.get("before", ""), size=MESSAGES)
    return {
        "conversation": conversation,
        "open_id": conversation.pk,
        "thread_messages": _displayed(request.member, conversation, reversed(page.rows)),
        "earlier_cursor": page.next_cursor,
        "cursor": timezone.now().isoformat(),
        **composer_context(
            conversation,
            request.member,
            subject=drafts.answering(next((message.subject for message in page.rows if message.subject), "")),
        ),
    }


def changes_context(request: Request, conversation: Conversation) -> dict[str, object]:
    """The open thread's messages that changed since the cursor, oldest first."""
    rows = messages_of(conversation).newest_first()
    since = _a_little_before(request.GET.get("cursor", ""))
    if since is not None:
        rows = rows.filter(changed_at__gte=since)
    return {
        "conversation": conversation,
        "thread_messages": _displayed(request.member, conversation, reversed(rows[:200])),
        "cursor": timezone.now().isoformat(),
        **refusal_context(conversation),
    }


def composer_context(conversation: Conversation, member: Member, *, subject: str = "") -> dict[str, Any]:
    """Both of the member's drafts, the mode to begin in, and whether a reply can be sent.

    `subject` stands in a reply that has none of its own yet.
    """
    saved = saved_drafts.drafts_of(conversation, member)
    reply, note = saved[Draft.Mode.REPLY], saved[Draft.Mode.NOTE]
    if reply.is_empty and not reply.subject:
        reply.subject = subject
    is_note = not note.is_empty and (reply.is_empty or note.updated_at > reply.updated_at)
    return {
        "drafts": saved,
        "composer_mode": Draft.Mode.NOTE if is_note else Draft.Mode.REPLY,
        "reply_cost": reply_costs.of(conversation, reply.body),
        **refusal_context(conversation),
    }


def refusal_context(conversation: Conversation) -> dict[str, object]:
    """Whether a reply can be sent now, and if not, why, in plain words; and what could be done instead."""
    refused = checks.reason_against(conversation, at=timezone.now())
    return {
        "reply_refusal": "" if refused is None else str(refused),
        "is_window_closed": isinstance(refused, checks.WindowClosed),
        "is_on_simulator": isinstance(refused, checks.OnSimulator),
        "simulated_beside": "" if refused else channel_choice.real_name_beside(conversation),
        "is_address_stopped": isinstance(refused, checks.AddressStopped),
        "answers": answer_addresses.choice(conversation),
        "channel_trouble": conversation.channel.last_error,
    }


def panel_context(request: Request, conversation: Conversation, others: list[Conversation]) -> dict[str, object]:
    """The right pane."""
    return {
        "customer": conversation.customer,
        "stages": Stage.objects.all(),
        "owners": possible_owners(),
        "can_edit_customer": request.member.may("customers.edit"),
        "other_conversations": others,
        "work": customer_work.of(conversation.customer, request.member),
    }


def _displayed(member: Member, conversation: Conversation, rows: Iterable[Message]) -> list[Message]:
    messages = list(rows)
    name_senders(messages, member)
    for message in messages:
        message.conversation = conversation  # known already; a bubble must not ask for it again
    return messages


def _view(request: Request) -> str:
    """The view as the address names it. An unknown one is kept, so that what is opened from it is refused as it is."""
    return request.GET.get("filter", "") or DEFAULT_VIEW


def _query(view: str, q: str) -> str:
    query = ListQuery({"filter": view, "q": q}, {"filter": DEFAULT_VIEW}).encoded()
    return f"?{query}" if query else ""


def _a_little_before(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) - OVERLAP if moment.tzinfo else None
    except (ValueError, OverflowError):  # the calendar ends on both sides
        return None
