"""What the stand-in promises to the tests that lean on it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl

import pytest
import requests

from messaging.channels.twilio.signature import verify
from tests.fakes.twilio import ACCOUNT_SID, AUTH_TOKEN, FakeTwilio, File, Step, inbound_webhook, post_signed

AUTH = (ACCOUNT_SID, AUTH_TOKEN)
MESSAGES = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
TO = "+15005550101"


@pytest.fixture
def twilio() -> Iterator[FakeTwilio]:
    with FakeTwilio() as fake:
        yield fake


class Receiver:
    """A web server of ours: it keeps the statuses that it is told, and whether their signature is right."""

    def __init__(self, status: int = 200) -> None:
        receiver = self
        self.told: list[dict[str, str]] = []
        self.valid: list[bool] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.told.append(dict(parse_qsl(body.decode())))
                header = self.headers["X-Twilio-Signature"]
                receiver.valid.append(verify(urls=[receiver.url], body=body, signature=header, token=AUTH_TOKEN))
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/status?message=1"
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    yield one
    one.stop()


def create(twilio: FakeTwilio | str, *, to: str = TO, body: str = "Hello", **form: str) -> requests.Response:
    url = twilio if isinstance(twilio, str) else twilio.url
    return requests.post(
        url + MESSAGES, data={"To": to, "From": "+15005550006", "Body": body, **form}, auth=AUTH, timeout=5
    )


def test_statuses_are_signed_and_come_in_their_order(twilio, receiver):
    twilio.plan(Step.backwards(gap=0))
    sid = create(twilio, StatusCallback=receiver.url).json()["sid"]
    assert twilio.statuses.wait()
    assert [told["MessageStatus"] for told in receiver.told] == ["read", "delivered", "sent"]
    assert {told["MessageSid"] for told in receiver.told} == {sid}
    assert receiver.valid == [True, True, True]
    assert twilio.store.get(sid).status == "read"


def test_a_failure_comes_with_its_code(twilio, receiver):
    twilio.plan(Step.failing(30003, gap=0))
    create(twilio, StatusCallback=receiver.url)
    assert twilio.statuses.wait()
    assert [(told["MessageStatus"], told.get("ErrorCode")) for told in receiver.told] == [
        ("sent", None),
        ("undelivered", "30003"),
    ]


def test_statuses_can_come_before_the_answer(twilio, receiver):
    twilio.plan(Step(callbacks_first=True))
    create(twilio, StatusCallback=receiver.url)
    assert [told["MessageStatus"] for told in receiver.told] == ["sent", "delivered"]


def test_a_callback_that_nobody_takes_is_noted(twilio):
    create(twilio, StatusCallback="http://127.0.0.1:1/x")
    assert twilio.statuses.wait()
    assert [(call.status, call.answer) for call in twilio.statuses.calls] == [("sent", 0), ("delivered", 0)]


def test_an_inbound_message_can_be_sent_signed(receiver):
    assert post_signed(receiver.url, {"MessageSid": "SM1", "Body": "Grüße"}, AUTH_TOKEN) == 200
    assert post_signed(receiver.url, {"MessageSid": "SM1"}, "wrong") == 200
    assert receiver.valid == [True, False]


def test_steps_are_used_up_for_each_recipient_then_for_anybody(twilio):
    twilio.plan(Step.refused(21211), to=TO)
    twilio.plan(Step.broken(times=2))
    statuses = [create(twilio, to=to).status_code for to in (TO, TO, "+15005550102", TO)]
    assert statuses == [400, 500, 500, 201]


def test_a_step_can_be_for_ever(twilio):
    twilio.plan(Step.rate_limited("3", times=0))
    answers = [create(twilio) for _ in range(3)]
    assert {(one.status_code, one.headers["Retry-After"], one.json()["code"]) for one in answers} == {(429, "3", 20429)}


def test_dropped_is_stored_and_lost_is_not(twilio):
    twilio.plan(Step.dropped(), Step.lost())
    for body in ("dropped", "lost"):
        with pytest.raises(requests.ConnectionError):
            create(twilio, body=body)
    assert (twilio.creates(TO, "dropped"), twilio.creates(TO, "lost")) == (1, 0)
    assert len(twilio.store.requests) == 2


@pytest.mark.parametrize(
    ("form", "code"), [({"To": ""}, 21604), ({"Body": ""}, 21602), ({"From": ""}, 21603), ({"Body": "x" * 1601}, 21617)]
)
def test_what_twilio_always_refuses(twilio, form, code):
    url = twilio.url + MESSAGES
    answer = requests.post(url, data={"To": TO, "From": "+1", "Body": "Hi", **form}, auth=AUTH, timeout=5)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.parametrize("auth", [None, (ACCOUNT_SID, "wrong"), ("AC" + "9" * 32, AUTH_TOKEN), (ACCOUNT_SID, "")])
def test_nobody_gets_in_without_the_token(twilio, auth):
    answer = requests.get(twilio.url + MESSAGES, auth=auth, timeout=5)
    assert (answer.status_code, answer.json()["code"]) == (401, 20003)


def test_an_account_sees_only_its_own():
    other = "AC" + "2" * 32
    with FakeTwilio(tokens={ACCOUNT_SID: AUTH_TOKEN, other: "t2"}) as twilio:
        create(twilio)
        assert requests.get(twilio.url + MESSAGES, auth=(other, "t2"), timeout=5).status_code == 404
        own = requests.get(twilio.url + MESSAGES.replace(ACCOUNT_SID, other), auth=(other, "t2"), timeout=5)
        assert own.json()["messages"] == []


def test_the_list_is_filtered_by_day_moment_and_address(twilio):
    twilio.plan(Step(gap=0), Step(statuses=(), gap=0))
    first, waiting = create(twilio).json()["sid"], create(twilio, to="+15005550102").json()["sid"]
    assert twilio.statuses.wait()
    day = time.strftime("%Y-%m-%d", time.gmtime())

    def listed(**query: str) -> list[str]:
        answer = requests.get(twilio.url + MESSAGES, params=query, auth=AUTH, timeout=5)
        return [one["sid"] for one in answer.json()["messages"]]

    assert listed() == [waiting, first]
    assert listed(To=TO) == [first]
    assert listed(From="+1") == []
    assert listed(DateSent=day) == listed(**{"DateSent>": day}) == listed(**{"DateSent<": day}) == [first]
    assert listed(**{"DateSent>": "2099-01-01T00:00:00Z"}) == listed(DateSent="2001-01-01") == []


def test_two_hundred_requests_a_second_at_a_delay_of_50_ms():
    """As many as the outbound benchmark asks for, on a machine that others use as well; half of it must do here."""
    with FakeTwilio(delay=0.05) as twilio, ThreadPoolExecutor(24) as pool:
        sessions = [requests.Session() for _ in range(24)]

        def one(number: int) -> int:
            form = {"To": TO, "From": "+1", "Body": str(number)}
            return sessions[number % 24].post(twilio.url + MESSAGES, data=form, auth=AUTH, timeout=10).status_code

        started = time.monotonic()
        assert set(pool.map(one, range(200))) == {201}
        assert time.monotonic() - started < 2.0
        for session in sessions:
            session.close()


class TestProcess:
    """The stand-in as its own process, steered over HTTP."""

    @pytest.fixture
    def url(self) -> Iterator[str]:
        command = [sys.executable, "-m", "tests.fakes.twilio", "--control", "--delay-ms", "1", "--statuses", ""]
        root = Path(__file__).resolve().parents[2]
        with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0

    def control(self, url: str, name: str, data: object = None) -> Any:
        if data is None:
            return requests.get(f"{url}/_control/{name}", timeout=5).json()
        answer = requests.post(f"{url}/_control/{name}", data=json.dumps(data), timeout=5)
        return {"status": answer.status_code, **answer.json()}

    def test_it_is_scripted_counted_and_emptied(self, url, receiver):
        script = {"to": TO, "steps": [{"kind": "drop"}, {"kind": "refuse", "http": 429, "code": 20429}]}
        assert self.control(url, "script", script)["status"] == 200
        with pytest.raises(requests.ConnectionError):
            create(url)
        assert create(url).status_code == 429
        sid = create(url, StatusCallback=receiver.url).json()["sid"]
        counted = self.control(url, "messages")
        assert counted["created"] == 2
        assert counted["creates"] == [{"to": TO, "body": "Hello", "count": 2}]
        assert counted["requests"] == [{"to": TO, "body": "Hello", "count": 3}]
        assert self.control(url, "status", {"sid": sid, "statuses": ["read", "sent"]})["status"] == 200
        assert [told["MessageStatus"] for told in receiver.told] == ["read", "sent"]
        assert [call["answer"] for call in self.control(url, "callbacks")["callbacks"]] == [200, 200]
        self.control(url, "reset", {})
        assert self.control(url, "messages")["created"] == 0

    @pytest.mark.parametrize("data", [{"steps": [{"kind": "fly"}]}, {"steps": [{"speed": 1}]}, {}, {"steps": 1}])
    def test_a_script_that_makes_no_sense_is_refused(self, url, data):
        assert self.control(url, "script", data)["status"] == 400


def test_without_control_there_is_none():
    with FakeTwilio(has_control=False) as twilio:
        assert requests.get(f"{twilio.url}/_control/messages", timeout=5).status_code == 401


def test_what_came_in_is_reported_with_its_files_as_twilio_would(twilio, receiver):
    service = "MG" + "0" * 32
    file = File(b"abc", "image/png")
    message = twilio.receive(sender="whatsapp:+15005550101", to="whatsapp:+15005550006", files=[file], service=service)
    assert post_signed(receiver.url, inbound_webhook(message, ProfileName="Zoë"), AUTH_TOKEN) == 200
    [told] = receiver.told
    assert receiver.valid == [True]
    assert (told["NumMedia"], told["MediaContentType0"], told["ProfileName"]) == ("1", "image/png", "Zoë")
    assert (told["WaId"], told["MessagingServiceSid"]) == ("15005550101", service)
    path = told["MediaUrl0"].removeprefix("https://api.twilio.com")
    assert requests.get(twilio.url + path, timeout=5).status_code == 401
    assert requests.get(twilio.url + path, auth=AUTH, timeout=5).content == b"abc"


def test_a_file_is_given_out_after_its_steps(twilio):
    file = File(b"abc", steps=[404, 307])
    message = twilio.receive(sender="+15005550101", to="+15005550006", files=[file])
    url = twilio.url + file.url(message).removeprefix("https://api.twilio.com")
    first, second, third = (requests.get(url, auth=AUTH, timeout=5, allow_redirects=False) for _ in range(3))
    assert (first.status_code, second.status_code, third.content) == (404, 307, b"abc")
    stored = second.headers["Location"].removeprefix("https://mms.twiliocdn.com")
    assert requests.get(twilio.url + stored, timeout=5).content == b"abc"
    assert requests.get(twilio.url + "/store/ME1", timeout=5).status_code == 403
