"""Channels of the stand-in for Twilio, its webhooks as they come, and the work that workers do."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone
from PIL import Image

from accounts.models import Organization
from activity.actor import SYSTEM
from core.tenancy import every_organization, organization_scope
from messaging.channels.base import Kind, ReceivedMessage
from messaging.delivery import confirmation, sending
from messaging.delivery import queue as outbound
from messaging.inbound_deliveries.store import store
from messaging.intake import inbound, processing
from messaging.models import Arrival, Channel, Conversation, Message
from messaging.settings import services as channels
from messaging.threads import services as conversations
from tests.fakes.twilio import ACCOUNT_SID, AUTH_TOKEN, FakeTwilio

PAYLOADS = Path(__file__).parent / "payloads"
OUR_NUMBER = "+15005550006"
THEIR_NUMBER = "+15005550101"
Params = dict[str, str] | Sequence[tuple[str, str]]


def recorded(name: str) -> dict[str, Any]:
    """A recorded delivery of Twilio's."""
    loaded: dict[str, Any] = json.loads((PAYLOADS / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


def make_channel(organization: Organization, kind: str = "whatsapp", **given: Any) -> Channel:
    """A channel of the stand-in's account, or of another provider."""
    with organization_scope(organization):
        return channels.create(
            organization=organization,
            actor=SYSTEM,
            kind=kind,
            **{
                "provider": "twilio",
                "name": f"Twilio {kind}",
                "address": OUR_NUMBER,
                "credentials": {"account_sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN},
                **given,
            },
        )


@pytest.fixture
def twilio(settings: Any) -> Iterator[FakeTwilio]:
    with FakeTwilio() as fake:
        settings.TWILIO_API_BASE_URL = fake.url
        settings.PROVIDER_TIMEOUT_SECONDS = 2
        # The stand-in can't reach a test's own client: what it would call is posted by hand.
        settings.TWILIO_WEBHOOK_BASE_URL = ""
        yield fake


@pytest.fixture
def whatsapp(alice: Any) -> Channel:
    return make_channel(alice.organization, "whatsapp", rate_per_second=1000)


@pytest.fixture
def sms(alice: Any) -> Channel:
    return make_channel(alice.organization, "sms", rate_per_second=1000)


def inbound_params(sid: str = "SM" + "1" * 32, **more: str) -> dict[str, str]:
    """A plain WhatsApp text."""
    return {
        "MessageSid": sid,
        "AccountSid": ACCOUNT_SID,
        "From": f"whatsapp:{THEIR_NUMBER}",
        "To": f"whatsapp:{OUR_NUMBER}",
        "Body": "Hello",
        "ProfileName": "Ada",
        "NumMedia": "0",
        **more,
    }


def sms_params(sid: str = "SM" + "1" * 32, **more: str) -> dict[str, str]:
    return {**inbound_params(sid), "From": THEIR_NUMBER, "To": OUR_NUMBER, **more}


def status_params(sid: str, status: str, **more: str) -> dict[str, str]:
    """A status of a message that we sent by WhatsApp."""
    return {
        "MessageSid": sid,
        "MessageStatus": status,
        "AccountSid": ACCOUNT_SID,
        "From": f"whatsapp:{OUR_NUMBER}",
        "To": f"whatsapp:{THEIR_NUMBER}",
        "ChannelPrefix": "whatsapp",
        **more,
    }


def sign(url: str, params: Params, token: str = AUTH_TOKEN) -> str:
    """As Twilio documents it; each value of a repeated parameter once, sorted."""
    pairs = list(params.items()) if isinstance(params, dict) else list(params)
    text = url + "".join(f"{name}{value}" for name, value in sorted(set(pairs)))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


@dataclass
class Webhooks:
    """Twilio's side of a webhook: signed, over HTTP as far as Django's handlers reach."""

    base: str = "http://testserver"

    def post(
        self, path: str, params: Params, *, token: str = AUTH_TOKEN, signature: str | None = None, **extra: Any
    ) -> Any:
        signed = signature if signature is not None else sign(self.base + path, params, token)
        headers = {"X-Twilio-Signature": signed} if signed else {}
        return Client().post(
            path, urlencode(params), content_type="application/x-www-form-urlencoded", headers=headers, **extra
        )

    def whatsapp(self, params: Params | None = None, **more: Any) -> Any:
        return self.post("/webhooks/twilio/whatsapp", inbound_params() if params is None else params, **more)

    def sms(self, params: Params | None = None, **more: Any) -> Any:
        return self.post("/webhooks/twilio/sms", sms_params() if params is None else params, **more)

    def status(self, params: Params, *, message: Message | None = None, **more: Any) -> Any:
        query = f"?message={message.pk}" if message else ""
        return self.post(f"/webhooks/twilio/status{query}", params, **more)


@pytest.fixture
def webhooks(settings: Any) -> Webhooks:
    settings.TWILIO_WEBHOOK_BASE_URL = "http://testserver"
    return Webhooks()


def work() -> None:
    """What workers do when they are rung: take in, then send."""
    processing.process_due()
    sending.deliver_due()


def make_due(model: Any = Message, **filters: Any) -> int:
    """Wind the clock on: what waits for its time, or for the end of a lease, is due now."""
    with every_organization("a test's clock is everybody's"):
        return int(model.objects.filter(due_at__isnull=False, **filters).update(due_at=timezone.now()))


def ask_provider() -> None:
    make_due(status=Message.Status.UNCONFIRMED)
    confirmation.confirm_due()


def arrived(**filters: Any) -> list[Arrival]:
    return list(Arrival.objects.filter(**filters).order_by("received_at"))


def messages_of(organization: Organization, **filters: Any) -> list[Message]:
    with organization_scope(organization):
        return list(Message.objects.filter(**filters).order_by("created_at"))


def current(message: Message) -> Message:
    """The row as it is now."""
    with every_organization("the test looks at a row that it made itself"):
        return Message.objects.select_related("channel", "conversation", "customer").get(pk=message.pk)


Queue = Callable[..., Message]


@pytest.fixture
def thread(alice: Any, whatsapp: Channel, make_customer: Any) -> Conversation:
    """A customer's WhatsApp conversation that is open for free text."""
    return open_thread(whatsapp, make_customer(phone=THEIR_NUMBER))


def open_thread(channel: Channel, customer: Any) -> Conversation:
    with organization_scope(channel.organization):
        conversation = conversations.begin(customer=customer, channel=channel)
        Conversation.objects.filter(pk=conversation.pk).update(last_inbound_at=timezone.now())
        return Conversation.objects.select_related("customer__organization", "channel", "organization").get(
            pk=conversation.pk
        )


@pytest.fixture
def queue(alice: Any, thread: Conversation) -> Queue:
    """Queue a text of Alice's in the thread."""

    def queue_text(body: str = "Your visit is at 9.", conversation: Conversation = thread, **more: Any) -> Message:
        with organization_scope(conversation.organization):
            return outbound.queue_message(
                conversation=conversation, body=body, actor=alice.actor, author=alice.user, **more
            )

    return queue_text


def in_threads(work: Callable[[int], Any], count: int) -> list[Any]:
    """Run it so often at once; each has a connection of its own, and they begin together."""
    import threading
    from concurrent.futures import ThreadPoolExecutor

    barrier = threading.Barrier(count)

    def run(number: int) -> Any:
        try:
            barrier.wait(10)
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


DESK = "desk@harbour.example"


@pytest.fixture
def disk(settings: Any, tmp_path: Path) -> Path:
    """Where files are kept; empty at first."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


def on_disk(folder: Path) -> list[Path]:
    """Every file that is kept there."""
    return sorted(path for path in folder.rglob("*") if path.is_file()) if folder.exists() else []


def picture(size: tuple[int, int] = (900, 600), form: str = "PNG") -> bytes:
    """A picture that a browser shows."""
    drawn = io.BytesIO()
    Image.new("RGB", size, (30, 120, 90)).save(drawn, form)
    return drawn.getvalue()


def all_of(model: Any, **filters: Any) -> list[Any]:
    """Rows of all organizations, oldest first."""
    with every_organization("the test looks at all"):
        return list(model.objects.filter(**filters).order_by("pk"))


def only(model: Any, **filters: Any) -> Any:
    """The one row; fails where there are none or more."""
    (row,) = all_of(model, **filters)
    return row


def make_mailbox(alice: Any, port: int = 25, address: str = DESK, **given: Any) -> Channel:
    """An e-mail channel of the clinic with a mail server on this machine."""
    credentials = {"host": "127.0.0.1", "port": str(port), "use_starttls": "false", **given.pop("credentials", {})}
    with organization_scope(alice.organization):
        return channels.create(
            organization=alice.organization, actor=alice.actor, kind="email", provider="smtp", name="Front desk",
            address=address, rate_per_second=1000, credentials=credentials, **given,
        )  # fmt: skip


def raw_mail(body: str = "Hello", **headers: str) -> bytes:
    """A mail as it comes over the wire; underscores in a header's name stand for hyphens."""
    given = {"From": "Ada Lovelace <ada@example.com>", "To": DESK, "Subject": "Question", **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in given.items()]
    return "\r\n".join([*lines, "", *body.splitlines(), ""]).encode()


def mail_arrives(channel: Channel, raw: bytes, key: str = "") -> Arrival:
    """A mail as a mailbox's reader hands it over, worked on at once."""
    count = Arrival.objects.count()
    store(
        key=key or f"mail:{count}", provider="smtp", kind="email", arrival_type=Arrival.Type.MESSAGE, body=raw,
        channel=channel, query=f"test={count}",
    )  # fmt: skip
    processing.process_due()
    return Arrival.objects.get(query=f"test={count}")


@pytest.fixture
def write_in(alice: Any) -> Callable[..., Message]:
    """Somebody writes to Alice's clinic on one of its simulator channels."""
    count = 0

    def write(body: str = "Hello", sender: str = "+447700900201", kind: str = "whatsapp", **fields: Any) -> Message:
        nonlocal count
        count += 1
        with organization_scope(alice.organization):
            channel = Channel.objects.select_related("organization").get(kind=kind, provider="simulator")
            received = ReceivedMessage(
                kind=Kind(kind),
                provider_message_id=f"in-{count}",
                to=channel.address,
                sender=sender,
                body=body,
                **fields,
            )
            return inbound.receive(channel=channel, received=received)

    return write
