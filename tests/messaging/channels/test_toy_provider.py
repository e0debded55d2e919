"""A provider is one folder and one line: what docs/recipes.md says, followed with a service on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.test import Client

from core.tenancy import organization_scope
from messaging.channels import registry
from messaging.delivery import queue as outbound
from messaging.delivery import sending
from messaging.intake import processing
from messaging.models import Arrival, Channel, Message
from tests.messaging.channels.toy.adapter import HEADER, ToyProvider, signed
from tests.messaging.conftest import OUR_NUMBER, THEIR_NUMBER, arrived, current, make_channel, messages_of, open_thread

KEY = "a-signing-key"


class Service(ThreadingHTTPServer):
    """What the toy's adapter sends to: takes every message."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.taken: list[dict[str, Any]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        self.server.taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        body = json.dumps({"id": f"toy-{len(self.server.taken)}"}).encode()
        self.send_response(201)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def toy(alice: Any, service: Service, monkeypatch: Any, settings: Any) -> Channel:
    """A channel of Alice's at the toy, registered for this test alone."""
    settings.TWILIO_WEBHOOK_BASE_URL = "http://testserver"
    monkeypatch.setattr(registry, "_PROVIDERS", registry._PROVIDERS.copy())
    registry.register(ToyProvider())
    url = f"http://127.0.0.1:{service.server_port}"
    return make_channel(
        alice.organization, "sms", provider="toy", name="Toy", address=OUR_NUMBER, rate_per_second=1000,
        credentials={"url": url, "team": "harbour", "signing_key": KEY},
    )  # fmt: skip


def post(hook: str, key: str = KEY, query: str = "", **fields: str) -> Any:
    body = json.dumps(fields).encode()
    headers = {HEADER: signed(key, body)}
    return Client().post(f"/webhooks/toy/{hook}{query}", body, content_type="application/json", headers=headers)


def write(key: str = KEY, **more: str) -> Any:
    return post("message", key, **{"id": "m1", "from": THEIR_NUMBER, "to": OUR_NUMBER, "text": "Hello", **more})


def send(alice: Any, toy: Channel, customer: Any) -> Message:
    thread = open_thread(toy, customer)
    with organization_scope(toy.organization):
        return outbound.queue_message(
            conversation=thread, body="See you at nine.", actor=alice.actor, author=alice.user
        )


def test_a_signed_webhook_becomes_a_message_in_a_conversation(toy: Channel):
    answer = write()
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.json() == {"taken": True}
    processing.process_due()
    (message,) = messages_of(toy.organization)
    assert (message.body, message.direction, message.channel_id) == ("Hello", "inbound", toy.pk)
    assert message.conversation_id is not None


def test_the_same_webhook_twice_is_one_message(toy: Channel):
    assert [write().status_code, write().status_code] == [200, 200]
    processing.process_due()
    assert len(messages_of(toy.organization)) == 1


def test_a_wrong_signature_is_refused_and_nothing_kept(toy: Channel):
    assert write("another-key").status_code == 403
    assert arrived() == []


def test_the_channel_is_found_by_its_account(toy: Channel):
    make_channel(toy.organization, "sms", provider="toy", name="Other", address="+15005550199",
        credentials={"url": "http://127.0.0.1:9", "team": "other", "signing_key": "other"})  # fmt: skip
    assert write(to="", team="harbour").status_code == 200
    assert [arrival.channel_id for arrival in arrived()] == [toy.pk]


def test_without_a_channel_it_waits_and_says_what_is_needed(toy: Channel):
    with organization_scope(toy.organization):
        Channel.objects.filter(pk=toy.pk).delete()
    assert write().status_code == 200
    (arrival,) = arrived()
    assert arrival.state == Arrival.State.UNROUTABLE
    assert "signing key" in arrival.last_error


@pytest.mark.parametrize("path", ["toy/other", "smtp/message", "nobody/message"])
def test_an_address_that_no_provider_has_is_not_found(path: str, toy: Channel):
    assert Client().post(f"/webhooks/{path}", b"{}", content_type="application/json").status_code == 404


def test_a_large_body_is_refused(toy: Channel):
    assert write(text="x" * 20_000).status_code == 413


def test_a_message_leaves_by_it_and_its_status_comes_back(
    alice: Any, toy: Channel, service: Service, make_customer: Any
):
    message = send(alice, toy, make_customer(phone=THEIR_NUMBER))
    sending.deliver_due()
    report_to = f"http://testserver/webhooks/toy/status?message={message.pk}"
    assert service.taken == [{"to": THEIR_NUMBER, "text": "See you at nine.", "report_to": report_to}]
    assert (current(message).status, current(message).provider_message_id) == ("sent", "toy-1")
    status = {"id": "toy-1", "from": OUR_NUMBER, "status": "delivered"}
    assert post("status", query=f"?message={message.pk}", **status).status_code == 200
    processing.process_due()
    assert current(message).status == "delivered"
