from __future__ import annotations

import logging
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from messaging.channels.base import Retry, SendError, SendUnconfirmed
from messaging.channels.registry import provider
from messaging.channels.twilio.signature import OVERRIDES
from tests.fakes.twilio import AUTH_TOKEN, FakeTwilio, Step
from tests.messaging.channels.conftest import OUR_NUMBER, THEIR_NUMBER

TO_WHATSAPP = f"whatsapp:{THEIR_NUMBER}"
send = provider("twilio").send


def refused(account, message) -> SendError:
    with pytest.raises(SendError) as caught:
        send(account, message)
    return caught.value


def test_a_whatsapp_message_leaves_from_the_channels_number(twilio, whatsapp_account, message):
    result = send(whatsapp_account, message)
    [stored] = twilio.store.all()
    assert (result.provider_message_id, result.status, list(result.later)) == (stored.sid, "sent", [])
    assert twilio.store.requests == [{"To": TO_WHATSAPP, "From": f"whatsapp:{OUR_NUMBER}", "Body": message.body}]


def test_a_whatsapp_user_without_a_phone_number_is_reached(twilio, whatsapp_account, message):
    send(whatsapp_account, replace(message, to="US.0001"))
    assert twilio.creates("whatsapp:US.0001", message.body) == 1


def test_an_sms_leaves_through_the_messaging_service(twilio, sms_account, message):
    service = "MG" + "0" * 32
    account = replace(sms_account, credentials={**sms_account.credentials, "messaging_service_sid": service})
    send(account, replace(message, status_callback_url="http://127.0.0.1:9/status?message=1"))
    assert twilio.store.requests == [
        {
            "To": THEIR_NUMBER,
            "MessagingServiceSid": service,
            "Body": message.body,
            "StatusCallback": f"http://127.0.0.1:9/status?message=1{OVERRIDES}",
        }
    ]


def test_letters_of_every_script_arrive(twilio, sms_account, message):
    body = "Grüße 日本 🙂\n+&=%\t2"
    send(sms_account, replace(message, body=body))
    assert twilio.creates(THEIR_NUMBER, body) == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"body": "x" * 1601}, "21617"), ({"body": " \n"}, "21602"), ({"to": ""}, "21604"), ({"body": "\ud83d"}, "text")],
)
def test_what_cannot_be_sent_is_refused_before_a_request(twilio, sms_account, message, changes, code):
    error = refused(sms_account, replace(message, **changes))
    assert (error.code, error.retry) == (code, Retry.FIX)
    assert twilio.store.requests == []


def test_1600_characters_are_sent(twilio, sms_account, message):
    send(sms_account, replace(message, body="ü" * 1600))
    assert len(twilio.store.all()) == 1


@pytest.mark.parametrize(
    "credentials",
    [{}, {"account_sid": "AC../../x", "auth_token": "t"}, {"account_sid": "AC" + "0" * 32, "auth_token": ""}],
)
def test_credentials_that_cannot_be_right_are_refused_before_a_request(twilio, sms_account, message, credentials):
    error = refused(replace(sms_account, credentials=credentials), message)
    assert (error.code, error.retry) == ("credentials", Retry.FIX)


def test_a_wrong_token_is_for_the_administrators(twilio, sms_account, message):
    error = refused(replace(sms_account, credentials={**sms_account.credentials, "auth_token": "old"}), message)
    assert (error.code, error.retry) == ("20003", Retry.FIX)


def test_the_process_environment_is_not_asked(twilio, sms_account, message, monkeypatch):
    monkeypatch.setenv("TWILIO_REGION", "ie1")
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "another")
    send(sms_account, message)
    assert refused(replace(sms_account, credentials={"account_sid": "AC" + "0" * 32}), message).code == "credentials"


@pytest.mark.parametrize(
    ("code", "retry"),
    [(21211, Retry.NEVER), (21610, Retry.SUPPRESS), (63016, Retry.TEMPLATE), (21606, Retry.FIX), (29999, Retry.FIX)],
)
def test_a_refusal_has_the_class_of_its_code(twilio, sms_account, message, code, retry):
    twilio.plan(Step.refused(code))
    error = refused(sms_account, message)
    assert (error.code, error.retry) == (str(code), retry)
    assert twilio.store.all() == []


def test_going_too_fast_is_reported_with_the_time_to_wait(twilio, sms_account, message):
    in_a_minute = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    twilio.plan(*[Step.rate_limited(after) for after in ("7", in_a_minute, "", "soon", "99999999")])
    waits = [refused(sms_account, message).retry_after for _ in range(5)]
    assert waits[0] == timedelta(seconds=7)
    assert timedelta(seconds=50) < (waits[1] or timedelta()) <= timedelta(seconds=60)
    assert waits[2:] == [None, None, timedelta(hours=1)]
    assert len(twilio.store.requests) == 5


def test_a_refusal_is_not_tried_again_by_itself(twilio, sms_account, message):
    twilio.plan(Step.broken(503, 20503), Step.lost(), Step.rate_limited())
    for expected in (SendUnconfirmed, SendUnconfirmed, SendError):
        with pytest.raises(expected):
            send(sms_account, message)
    assert len(twilio.store.requests) == 3


@pytest.mark.parametrize(
    "step",
    [
        Step.broken(500, 20500),
        Step.broken(503, 20503),
        Step.broken(502, None),
        Step.broken(500, 20500, stored=True),
        Step.dropped(),
        Step.lost(),
        Step(kind="garbage"),
        Step.slow(1.0),
    ],
    ids=lambda step: f"{step.kind}-{step.http}-{step.is_stored}",
)
def test_where_nobody_knows_the_message_is_unconfirmed(twilio, sms_account, message, settings, step):
    settings.PROVIDER_TIMEOUT_SECONDS = 0.4
    twilio.plan(step)
    with pytest.raises(SendUnconfirmed):
        send(sms_account, message)
    assert len(twilio.store.requests) == 1
    assert twilio.creates(THEIR_NUMBER, message.body) == step.is_stored


def test_the_time_out_is_kept(twilio, sms_account, message, settings):
    settings.PROVIDER_TIMEOUT_SECONDS = 0.3
    twilio.plan(Step.slow(2.0))
    started = time.monotonic()
    with pytest.raises(SendUnconfirmed):
        send(sms_account, message)
    assert time.monotonic() - started < 1.0


class _Raw:
    """A server that writes what it is told, byte by byte if need be."""

    def __init__(self, answer: bytes, *, pause: float = 0.0) -> None:
        self._answer, self._pause = answer, pause
        self._socket = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def _serve(self) -> None:
        connection, _ = self._socket.accept()
        with self._socket, connection:
            connection.recv(65536)
            try:
                for position in range(0, len(self._answer), 1 if self._pause else 65536):
                    connection.sendall(self._answer[position : position + (1 if self._pause else 65536)])
                    time.sleep(self._pause)
            except OSError:
                return


@pytest.mark.parametrize(
    ("answer", "pause"),
    [
        (b"", 0),
        (b"not http at all\r\n\r\n", 0),
        (b"HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n{", 0),
        (b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}", 0),
        (b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n[]", 0),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0),
        (b"HTTP/1.1 201 Created\r\nContent-Length: 400\r\n\r\n" + b" " * 400, 0.05),
        (b"HTTP/1.1 201 Created\r\nContent-Length: 9000000\r\n\r\n" + b" " * 9_000_000, 0),
    ],
    ids=["closed", "no-http", "cut", "no-sid", "list", "empty", "drip", "huge"],
)
def test_an_unreadable_answer_is_unconfirmed_within_the_time(settings, sms_account, message, answer, pause):
    settings.PROVIDER_TIMEOUT_SECONDS = 0.5
    settings.TWILIO_API_BASE_URL = _Raw(answer, pause=pause).url
    started = time.monotonic()
    with pytest.raises(SendUnconfirmed):
        send(sms_account, message)
    assert time.monotonic() - started < 4


def test_a_redirect_is_not_followed(settings, twilio, sms_account, message):
    location = f"{twilio.url}/2010-04-01/Accounts/AC/Messages.json"
    raw = _Raw(f"HTTP/1.1 307 Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode())
    settings.TWILIO_API_BASE_URL = raw.url
    assert refused(sms_account, message).code == "307"
    assert twilio.store.requests == []


@pytest.mark.parametrize("host", ["http://127.0.0.1:1", "http://no-such-host.invalid"])
def test_without_a_connection_it_is_tried_again_later(settings, sms_account, message, host):
    settings.TWILIO_API_BASE_URL = host
    settings.PROVIDER_TIMEOUT_SECONDS = 1
    error = refused(sms_account, message)
    assert (error.code, error.retry) == ("connection", Retry.LATER)


def test_a_connection_that_does_not_come_about_is_given_up_in_time(settings, sms_account, message):
    """A full backlog: the kernel lets further connections wait without an answer."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(server.getsockname())
        settings.TWILIO_API_BASE_URL = f"http://127.0.0.1:{server.getsockname()[1]}"
        settings.PROVIDER_TIMEOUT_SECONDS = 0.3
        error = refused(sms_account, message)
        for one in waiting:
            one.close()
    assert (error.code, error.retry) == ("connection", Retry.LATER)


def test_a_server_with_a_certificate_of_nobody_is_refused(settings, sms_account, message, untrusted_tls):
    settings.TWILIO_API_BASE_URL = f"https://127.0.0.1:{untrusted_tls}"
    settings.PROVIDER_TIMEOUT_SECONDS = 1
    error = refused(sms_account, message)
    assert (error.code, error.retry) == ("certificate", Retry.FIX)


def test_a_twilio_that_is_restarted_is_found_again(settings, sms_account, message):
    """The kept connections are dead, and a send over one of them must not be taken for lost."""
    settings.PROVIDER_TIMEOUT_SECONDS = 2
    with FakeTwilio() as first:
        settings.TWILIO_API_BASE_URL = first.url
        send(sms_account, message)
        port = int(first.url.rpartition(":")[2])
    time.sleep(0.05)
    with FakeTwilio(port=port) as second:
        send(sms_account, message)
        assert second.creates(THEIR_NUMBER, message.body) == 1


def test_many_threads_share_the_connections_and_each_gets_its_own_answer(twilio, sms_account, message):
    twilio.delay = 0.005

    def one(number: int) -> tuple[str, str]:
        body = f"text {number}"
        return body, send(sms_account, replace(message, body=body)).provider_message_id

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(one, range(200)))
    assert {sid: body for body, sid in answers} == {stored.sid: stored.body for stored in twilio.store.all()}
    assert len(answers) == len(twilio.store.all()) == 200


def test_connections_are_kept(twilio, sms_account, message):
    for _ in range(5):
        send(sms_account, message)
    assert len(twilio._server.connections) == 1


def test_nothing_confidential_is_logged_or_reported(twilio, sms_account, message, caplog):
    caplog.set_level(logging.DEBUG)
    twilio.plan(Step(), Step.refused(21211), Step.dropped())
    send(sms_account, message)
    error = refused(sms_account, message)
    with pytest.raises(SendUnconfirmed) as unconfirmed:
        send(sms_account, message)
    said = f"{caplog.text} {error} {error.message} {unconfirmed.value} {sms_account!r}"
    for secret in (AUTH_TOKEN, message.body, THEIR_NUMBER):
        assert secret not in said


def test_without_a_stand_in_only_twilio_is_spoken_to(settings):
    from messaging.channels.twilio.http import Unsendable, pooled_client

    settings.TWILIO_API_BASE_URL = ""
    for address in ("https://evil.example.com/x", "http://api.twilio.com/x", "https://api.twilio.com.evil.example/x"):
        with pytest.raises(Unsendable):
            pooled_client().request("GET", address, auth=("AC", "secret"))
