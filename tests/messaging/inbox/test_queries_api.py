"""A list or page costs the same number of queries for one row and for 200, and twelve at most."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from activity.actor import SYSTEM
from core.tenancy import organization_scope
from customers.people.tags import services as tags
from messaging.models import Attachment, Channel, Conversation, Message
from messaging.threads import services as conversations

MAX_COUNT = 12
# No list: a query for each kind of row in the timeline, and for each panel.
WHOLE = {"page: customer"}
MAX_ON_A_PAGE = 34


def populate(alice: Any, make_customer: Any, count: int) -> Conversation:
    """So many customers with a conversation each, and so many messages in the last one."""
    organization = alice.organization
    with organization_scope(organization):
        channel = Channel.objects.select_related("organization").get(kind="whatsapp", provider="simulator")
        for number in range(count):
            customer = make_customer(alice if number % 2 else None)
            tags.add(customer=customer, names=["vip", f"group {number % 3}"], actor=SYSTEM)
            conversation = conversations.begin(customer=customer, channel=channel)
            write(conversation, alice, number)
        for number in range(count - 1):
            write(conversation, alice, number)
        return conversation


def write(conversation: Conversation, alice: Any, number: int) -> None:
    now = timezone.now()
    is_ours = bool(number % 2)
    message = Message.objects.create(
        organization=conversation.organization, conversation=conversation, customer=conversation.customer,
        channel=conversation.channel, direction="outbound" if is_ours else "inbound", body=f"text {number}",
        status="sent" if is_ours else "received", author=alice.user if is_ours else None, created_at=now,
        address="+447700900001", provider_message_id=f"{conversation.pk}-{Message.objects.count()}",
        reply_to=conversation.messages.order_by("-created_at").first(),
    )  # fmt: skip
    Attachment.objects.create(organization=conversation.organization, message=message, content_type="image/png")
    conversations.record_outbound(conversation, message)
    Conversation.objects.filter(pk=conversation.pk).update(last_inbound_at=now, unread_count=number)


def count(ask: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as queries:
        answer = ask()
    assert answer.status_code == 200, answer.content[:500]
    return len([query for query in queries if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))])


API = {
    "conversations": "/api/v1/conversations?limit=100",
    "conversations of a filter": "/api/v1/conversations?status=open&tag=vip&channel=whatsapp&q=customer&limit=100",
    "messages": "/api/v1/conversations/{conversation}/messages?limit=100",
    "thread": "/api/v1/inbox/customers/{customer}/thread?limit=100",
    "inbox": "/api/v1/inbox/customers?limit=100",
    "inbox counts": "/api/v1/inbox/counts",
    "outbound messages": "/api/v1/outbound-messages?limit=100",
    "channels": "/api/v1/channels",
    "customers": "/api/v1/customers?limit=100",
}
PAGES = {
    "inbox": "inbox/",
    "inbox of a filter": "inbox/?view=mine&q=customer",
    "conversation": "inbox/{conversation}/",
    "customers": "customers/",
    "customer": "customers/{customer}/",
    "home": "",
    "tasks": "tasks/?who=all",
    "calendar": "tasks/calendar/?who=all",
    "follow-ups": "followups/?who=all",
}


@pytest.mark.parametrize("size", [55])
def test_the_number_of_queries_does_not_grow(size: int, alice: Any, make_customer: Any):
    api, page = alice.api, alice.client

    def measured(conversation: Conversation) -> dict[str, int]:
        ids = {"conversation": conversation.pk, "customer": conversation.customer_id}
        found = {f"api: {name}": count(lambda p=path: api.get(p.format(**ids))) for name, path in API.items()}
        return found | {
            f"page: {name}": count(lambda p=path: page.get(alice.url(p.format(**ids)))) for name, path in PAGES.items()
        }

    first = populate(alice, make_customer, 2)
    measured(first)  # what a process asks once
    few = measured(first)
    many = measured(populate(alice, make_customer, size))
    assert {name: n for name, n in many.items() if n != few[name]} == {}, f"of {few}"
    assert {name: n for name, n in many.items() if n > (MAX_ON_A_PAGE if name in WHOLE else MAX_COUNT)} == {}
