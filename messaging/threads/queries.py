"""Lists of conversations and messages, as the API and the pages ask for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Member
from core.counting import capped_counts
from customers.models import Customer
from messaging.models import Arrival, Conversation, Message
from messaging.models.querysets import ConversationQuerySet, MessageQuerySet

BUCKETS = ("followup_due", "open", "waiting", "closed")
COUNTED_TO = 1000

VIEWS: Mapping[str, tuple[str, Callable[[ConversationQuerySet, Member], ConversationQuerySet]]] = {
    "open": ("Open", lambda rows, member: rows.open()),
    "mine": ("Mine", lambda rows, member: rows.open().of_member(member)),
    "unassigned": ("Unassigned", lambda rows, member: rows.open().unassigned()),
    "mentions": ("Mentions", lambda rows, member: rows.mentioning(member)),
    "waiting": ("Waiting", lambda rows, member: rows.waiting()),
    "resolved": ("Resolved", lambda rows, member: rows.resolved()),
    "all": ("All", lambda rows, member: rows),
}


def conversations_for(member: Member, filters: Mapping[str, Any]) -> ConversationQuerySet:
    """Within the member's reach, by `status`, `bucket`, `channel` (a kind or an id), `assigned_to`, `unread`, `tag`,
    `stage` and `q`."""
    rows = Conversation.objects.visible_to(member)
    if filters.get("status"):
        rows = rows.filter(status=filters["status"])
    if filters.get("bucket"):
        rows = rows.in_bucket(filters["bucket"])
    if filters.get("channel"):
        channel = filters["channel"]
        rows = rows.filter(channel=channel) if not isinstance(channel, str) else rows.filter(channel__kind=channel)
    if filters.get("unread") is not None:
        rows = rows.unread() if filters["unread"] else rows.filter(unread_count=0)
    if filters.get("tag"):
        for name in filters["tag"]:
            rows = rows.filter(customer__tags__name__iexact=name)
    if filters.get("stage"):
        rows = rows.filter(customer__stage__key=filters["stage"])
    if filters.get("q"):
        rows = rows.matching(filters["q"])
    return _owned(rows, member, filters.get("assigned_to"))


def latest_conversations(member: Member, filters: Mapping[str, object]) -> ConversationQuerySet:
    """One row a customer: the conversation with the newest activity, where that one fits."""
    return conversations_for(member, filters).newest_of_their_customer()


def inbox_counts(member: Member) -> dict[str, int]:
    """How many customers wait in each bucket, for what the member may see; each counted to 1000 at most."""
    rows = Conversation.objects.visible_to(member).newest_of_their_customer()
    parts: dict[str, QuerySet[Conversation]] = {bucket: rows.in_bucket(bucket) for bucket in BUCKETS}
    parts |= {
        "mine": rows.open().of_member(member),
        "unassigned": rows.open().unassigned(),
        "unread": rows.open().unread(),
    }
    return capped_counts(parts, cap=COUNTED_TO)


def bucket_of(conversation: Conversation) -> str:
    """The same first match as `in_bucket`, for one row."""
    customer = conversation.customer
    if customer.stage.is_terminal or conversation.status == Conversation.Status.RESOLVED:
        return "closed"
    if customer.next_follow_up_at is not None and customer.next_follow_up_at <= timezone.now():
        return "followup_due"
    inbound_at, outbound_at = conversation.last_inbound_at, conversation.last_outbound_at
    return "waiting" if inbound_at is None or (outbound_at is not None and outbound_at >= inbound_at) else "open"


def set_aside_for(member: Member) -> QuerySet[Arrival]:
    """The organization's deliveries that were set aside, for who may change channels."""
    if not member.may("channels.edit"):
        return Arrival.objects.none()
    waiting = [Arrival.State.SET_ASIDE, Arrival.State.UNROUTABLE]
    return Arrival.objects.filter(organization=member.organization_id, channel__isnull=False, state__in=waiting)


def messages_of(conversation: Conversation) -> MessageQuerySet:
    """A conversation's messages and notes, with all that a bubble shows."""
    return Message.objects.filter(conversation=conversation).with_thread_relations()


def thread_of_customer(customer: Customer) -> MessageQuerySet:
    """Every channel's messages with a customer."""
    return Message.objects.filter(customer=customer).with_thread_relations()


def _owned(rows: ConversationQuerySet, member: Member, owner: Any) -> ConversationQuerySet:
    if owner == "me":
        return rows.of_member(member)
    if owner == "none":
        return rows.unassigned()
    return rows.filter(customer__assigned_to=owner) if owner else rows
