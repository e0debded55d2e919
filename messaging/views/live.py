"""The stream: signals of what changed, to whoever may see it, until they may not.

The stream carries ids and event names only; the browser asks for what changed and is shown what it may see. Every
signal is asked again whether this member still is one and may see that conversation: who is shut out is out at once.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from accounts.access import streams
from accounts.models import Member
from activity.live import MISSED, Signal, feed
from core.tenancy import every_organization, organization_scope
from customers.models import Customer
from messaging.models import Conversation

HEARTBEAT_SECONDS = 15.0
# A stream ends by itself after this and the browser opens it anew, signed in or not.
LONGEST_SECONDS = 30 * 60
GATHER_SECONDS = 0.02


@streams("conversations.view")
async def live(request: HttpRequest, member: Member) -> HttpResponseBase:
    """Server-sent events: `conversation` and `customers` for what changed, `heartbeat` between."""
    if request.method != "GET":
        return HttpResponse(status=405)
    response = StreamingHttpResponse(_events(member), content_type="text/event-stream")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"  # nginx would hold the stream back
    return response


async def _events(member: Member) -> AsyncGenerator[str]:
    ends = time.monotonic() + LONGEST_SECONDS
    async with feed().listen(str(member.organization_id)) as queue:
        yield "retry: 1000\n\nevent: heartbeat\ndata: {}\n\n"
        while time.monotonic() < ends:
            try:
                signals = [await asyncio.wait_for(queue.get(), HEARTBEAT_SECONDS)]
            except TimeoutError:
                signals = []
            if signals:
                # What one transaction did comes as one: a message, its tags, the list.
                await asyncio.sleep(GATHER_SECONDS)
                while not queue.empty():
                    signals.append(queue.get_nowait())
            look = sync_to_async(_allowed_in_thread, thread_sensitive=False)
            allowed = await look(member.pk, member.organization_id, signals)
            if allowed is None:
                return
            for signal in allowed:
                kind = "customers" if "customers" in signal else "conversation"
                yield f"event: {kind}\ndata: {json.dumps(signal)}\n\n"
            if not signals:
                yield "event: heartbeat\ndata: {}\n\n"


def _allowed_in_thread(member_id: UUID, organization_id: UUID, signals: list[Signal]) -> list[dict[str, Any]] | None:
    close_old_connections()
    try:
        return allowed_signals(member_id, organization_id, signals)
    finally:
        close_old_connections()


def allowed_signals(member_id: UUID, organization_id: UUID, signals: list[Signal]) -> list[dict[str, Any]] | None:
    """The signals that the member may have; None when they are no member any more."""
    with every_organization("a stream outlives its request: the membership is looked up anew"):
        member = Member.objects.active().with_access().filter(pk=member_id, organization=organization_id).first()
    if member is None or not member.may("conversations.view"):
        return None
    with organization_scope(member.organization):
        return _visible(member, signals)


def _visible(member: Member, signals: list[Signal]) -> list[dict[str, Any]]:
    if any(signal.type == MISSED for signal in signals):
        return [{"all": True}]
    wanted = {signal.customer for signal in signals if signal.customer}
    if not wanted:
        return []
    rows = Conversation.objects.visible_to(member).filter(customer_id__in=wanted).values_list("pk", "customer_id")
    conversations: dict[str, list[str]] = {}
    for pk, customer_id in rows:
        conversations.setdefault(str(customer_id), []).append(str(pk))
    # One signal a conversation; of several the message received is the one that is announced.
    found: dict[str, dict[str, Any]] = {}
    for signal in signals:
        mine = conversations.get(signal.customer, [])
        for pk in [signal.conversation] if signal.conversation in mine else mine:
            kept = found.get(pk)
            if kept is None or signal.type == "message.received":
                found[pk] = {"conversation": pk, "customer": signal.customer, "type": signal.type}
        if not mine and signal.type == "customer.assigned":
            # Perhaps out of reach by this very change: the screen looks at everything anew, and no id is told.
            found.setdefault("", {"all": True})
    return list(found.values()) + _customers(member, wanted)


def _customers(member: Member, wanted: set[str]) -> list[dict[str, Any]]:
    """One signal for the lists of customers: who of these may have changed on the screen, within reach."""
    rows = Customer.objects.visible_to(member).filter(pk__in=wanted).values_list("pk", flat=True)
    visible = [str(pk) for pk in rows]
    return [{"customers": visible}] if visible else []
