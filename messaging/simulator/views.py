"""The simulator: a phone and a mailbox in the browser, so that everything can be tried without an account anywhere.

What is written here takes the way of every provider's message: stored as an arrival, worked on by the worker.
"""

from __future__ import annotations

import base64
import json

from django.contrib import messages as toasts
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.access.pages import requires
from activity.actor import current_actor
from core.htmx import toast
from core.http import Request
from core.ids import uuid7
from core.row_locks import lock_rows, writes_at_once
from customers.people.identities import services as identities
from messaging.channels.base import Kind
from messaging.channels.simulator import people, presence
from messaging.channels.simulator.adapter import SimulatorProvider
from messaging.channels.simulator.outcomes import MAX_DELAY_SECONDS, OUTCOMES, behaviour_for
from messaging.inbound_deliveries.store import store
from messaging.models import Arrival, Channel, Conversation, Message
from messaging.settings import services as channels
from messaging.threads.queries import messages_of

MAX_MESSAGES = 60
MAX_TEXT_LENGTH = 4_000
LARGEST_FILE = 8_000_000


@requires("channels.edit")
@require_safe
def simulator(request: Request, organization: str) -> HttpResponse:
    """The chosen person's phone and mailbox."""
    person = people.find(request.GET.get("person", ""))
    return render(request, "messaging/simulator/page.html", _context(request, person))


@requires("channels.edit")
@require_POST
def send(request: Request, organization: str) -> HttpResponse:
    """Write to the organization as that person."""
    person = people.find(request.POST.get("person", ""))
    kind = request.POST.get("kind", "")
    body = request.POST.get("body", "").strip()[:MAX_TEXT_LENGTH]
    channel = _channels(request).get(kind)
    if channel is None:
        return _refused(request, person, kind, "There is no simulator channel of that kind any more.")
    upload = request.FILES.get("file")
    if upload is not None and (upload.size or 0) > LARGEST_FILE:
        return _refused(request, person, kind, f"The phone sends files of at most {LARGEST_FILE // 1_000_000} MB.")
    if not body and upload is None:
        return _refused(request, person, kind, "Write something first.")
    _arrive(channel, person, kind, body, request.POST.get("subject", "").strip()[:500], upload)
    return _done(request, person, kind)


@requires("channels.edit")
@require_POST
@writes_at_once
def behaviour(request: Request, organization: str) -> HttpResponse:
    """Choose what becomes of messages to that person."""
    person = people.find(request.POST.get("person", ""))
    try:
        delay = float(request.POST.get("delay_seconds", "1"))
    except ValueError:
        delay = -1
    if request.POST.get("outcome") not in OUTCOMES or not 0 <= delay <= MAX_DELAY_SECONDS:
        return _refused(request, person, "", "Choose one of the outcomes, and a delay of 0 seconds or more.")
    chosen = {"outcome": request.POST["outcome"], "delay_seconds": delay}
    results = sorted(_channels(request).values(), key=lambda channel: channel.pk)
    # Somebody else may just be changing the settings of one, of which this is a part.
    lock_rows(request, *results)
    for channel in results:
        address = person.address_on(channel.kind)
        now = behaviour_for(channel.as_account(), address)
        if (now.outcome.key, now.delay.total_seconds()) == (chosen["outcome"], delay):
            continue
        behaviours = {**channel.settings.get("behaviours", {}), address: chosen}
        channels.update(
            channel=channel, actor=current_actor(), changes={"settings": {**channel.settings, "behaviours": behaviours}}
        )
    return _done(request, person, "")


def _context(request: Request, person: people.Person) -> dict[str, object]:
    result = _channels(request)
    threads: dict[str, list[Message]] = {kind.value: [] for kind in (Kind.WHATSAPP, Kind.SMS, Kind.EMAIL)}
    conversation_ids: dict[str, object] = {}
    for kind, channel in result.items():
        conversation = _conversation(channel, person)
        if conversation is not None:
            conversation_ids[kind] = conversation.pk
            threads[kind] = _received(conversation)
    written = [message for message in threads[Kind.WHATSAPP] if message.direction == Message.Direction.INBOUND]
    seen = {message.pk for message in written if presence.is_read(message.provider_message_id)}
    first = next(iter(result.values()), None)
    set_now = behaviour_for(first.as_account(), person.address_on(first.kind)) if first else None
    return {
        "seen": seen,
        "is_typing": bool(written) and presence.is_typing(written[-1].provider_message_id),
        "people": people.PEOPLE,
        "person": person,
        "threads": threads,
        "outcomes": [(outcome.key, outcome.label) for outcome in OUTCOMES.values()],
        "behaviour": {
            "outcome": set_now.outcome.key if set_now else "",
            "delay_seconds": set_now.delay.total_seconds() if set_now else 1,
        },
        "numbers": {kind: channel.address for kind, channel in result.items()},
        "conversation_ids": conversation_ids,
        "tab": "sms" if request.GET.get("tab") == "sms" else "whatsapp",
    }


def _channels(request: Request) -> dict[str, Channel]:
    rows = Channel.objects.filter(provider=SimulatorProvider.key).select_related("organization").order_by("-created_at")
    return {channel.kind: channel for channel in rows}


def _conversation(channel: Channel, person: people.Person) -> Conversation | None:
    address = person.address_on(channel.kind)
    known = identities.email(address) if channel.kind == Kind.EMAIL else identities.phone(address)
    result = identities.find(organization=channel.organization, addresses=[known])
    if result is None:
        return None
    return Conversation.objects.filter(channel=channel, customer=result.customer).first()


def _received(conversation: Conversation) -> list[Message]:
    """What the person has on their side: what they wrote, and of ours what left."""
    left = [Message.Status.RECEIVED, Message.Status.SENT, Message.Status.DELIVERED, Message.Status.READ]
    rows = messages_of(conversation).filter(status__in=left, is_private=False).newest_first()[:MAX_MESSAGES]
    return list(reversed(rows))


def _arrive(
    channel: Channel, person: people.Person, kind: str, body: str, subject: str, upload: UploadedFile | None
) -> None:
    key = str(uuid7())
    files = []
    if upload is not None:
        content = base64.b64encode(upload.read()).decode("ascii")
        files.append({"filename": upload.name or "file", "content_type": upload.content_type, "content": content})
    payload = {
        "message_id": key if kind != Kind.EMAIL else f"<{key}@simulator.example>",
        "channel": kind,
        "from": person.address_on(kind),
        "from_name": person.name if kind != Kind.SMS else "",
        "to": channel.address,
        "subject": subject if kind == Kind.EMAIL else "",
        "body": body,
        "sent_at": timezone.now().isoformat(),
        "files": files,
    }
    store(
        key=f"simulator:{key}",
        provider=SimulatorProvider.key,
        kind=kind,
        arrival_type=Arrival.Type.MESSAGE,
        body=json.dumps(payload).encode(),
        channel=channel,
    )


def _done(request: Request, person: people.Person, kind: str) -> HttpResponse:
    return HttpResponse(status=204) if request.htmx else redirect(_address(request, person, kind))


def _refused(request: Request, person: people.Person, kind: str, reason: str) -> HttpResponse:
    if request.htmx:
        return toast(HttpResponse(status=422), reason, level="error")
    toasts.error(request, reason)
    return redirect(_address(request, person, kind))


def _address(request: Request, person: people.Person, kind: str) -> str:
    tab = "&tab=sms" if kind == Kind.SMS else ""
    return f"{reverse('messaging:simulator', args=[request.organization.slug])}?person={person.key}{tab}"
