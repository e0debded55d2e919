"""An answer of Twilio's that can't be read is a failed reading, and never an empty list or a bad account."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from messaging.channels.base import SendError
from messaging.channels.registry import provider
from tests.fakes.twilio import Content
from tests.fakes.twilio.answers import Answer
from tests.fakes.twilio.media import File

OUR_NUMBER = "+15005550006"
SERVICE = "MG" + "a" * 32
twilio_provider: Any = provider("twilio")


def without_list(body: Any, key: str) -> Any:
    return {name: value for name, value in body.items() if name != key}


def without_end(body: Any, key: str) -> Any:
    return {key: body[key]}


def of_nothing(body: Any, key: str) -> Any:
    return {**body, key: [{}]}


def whole(text: bytes | str) -> Callable[[Any, str], Any]:
    return lambda body, key: text if isinstance(text, bytes) else text.encode()


# Of a list; each from the answer as it is right, and the name of its list.
BROKEN_LISTS: dict[str, Callable[[Any, str], Any]] = {
    "no list": without_list,
    "another list": lambda body, key: {**without_list(body, key), "errors": []},
    "another list, named": lambda body, key: {"errors": [], "meta": {"key": "errors", "next_page_url": None}},
    "null": lambda body, key: {**body, key: None},
    "an object for the list": lambda body, key: {**body, key: {}},
    "a text for the list": lambda body, key: {**body, key: ""},
    "a list alone": lambda body, key: [],
    "no word of its end": without_end,
    "a number for the next page": lambda body, key: {**body, "meta": {"key": key, "next_page_url": 0}},
    "an empty record": of_nothing,
    "a text for a record": lambda body, key: {**body, key: ["x"]},
    "an id that is none": lambda body, key: {**body, key: [{**row, "sid": None} for row in body[key] or [{}]]},
}
BROKEN: dict[str, Callable[[Any, str], Any]] = {
    "a page of HTML": whole("<!doctype html><title>Sign in to the network</title>"),
    "nothing": whole(b""),
    "cut off": lambda body, key: json.dumps(body).encode()[:-9],
    "a text": whole(b'"ok"'),
    "null": whole(b"null"),
    "an empty object": whole(b"{}"),
    "bytes": whole(b"\xff\xfe\x00\x01"),
}


def _list_content(twilio, account):
    twilio.contents.append(Content("visit"))
    return lambda: twilio_provider.list_content(account)


def _list_messages(twilio, account):
    now = datetime.now(UTC)
    twilio.receive(sender="whatsapp:+15005550101", to=f"whatsapp:{OUR_NUMBER}", at=now - timedelta(minutes=5))
    return lambda: list(twilio_provider.list_messages(account, since=now - timedelta(hours=1), until=now))


def _files_of_a_message(twilio, account):
    now = datetime.now(UTC)
    given = {"files": [File()], "at": now - timedelta(minutes=5)}
    twilio.receive(sender="whatsapp:+15005550101", to=f"whatsapp:{OUR_NUMBER}", **given)
    return lambda: list(twilio_provider.list_messages(account, since=now - timedelta(hours=1), until=now))


LISTS: dict[str, tuple[str, str, Any]] = {
    "templates": ("/ContentAndApprovals", "contents", _list_content),
    "messages": ("/Messages.json", "messages", _list_messages),
    "files of a message": ("/Media.json", "media_list", _files_of_a_message),
}


def break_answers(twilio: Any, monkeypatch: Any, path: str, key: str, broken: Callable[[Any, str], Any]) -> list[str]:
    """Let what is asked for below the path be answered wrongly; which addresses were."""
    right, asked = twilio.answer, []

    def answer(method: str, target: str, *rest: Any) -> Answer:
        given = right(method, target, *rest)
        if path not in target.partition("?")[0] or given.status != 200:
            return given
        asked.append(target)
        body = given.body if not isinstance(given.body, bytes) else json.loads(given.body)
        return replace(given, body=broken(body, key))

    monkeypatch.setattr(twilio, "answer", answer)
    return asked


@pytest.mark.parametrize("broken", [*BROKEN_LISTS.values(), *BROKEN.values()], ids=[*BROKEN_LISTS, *BROKEN])
@pytest.mark.parametrize("reading", LISTS)
def test_a_list_that_cannot_be_read_is_a_failed_reading(twilio, whatsapp_account, monkeypatch, reading, broken):
    path, key, prepare = LISTS[reading]
    read = prepare(twilio, whatsapp_account)
    assert read()  # as it is right
    asked = break_answers(twilio, monkeypatch, path, key, broken)
    with pytest.raises(SendError) as caught:
        read()
    assert asked
    assert caught.value.code == "unreadable"


@pytest.mark.parametrize("broken", [*BROKEN_LISTS.values(), *BROKEN.values()], ids=[*BROKEN_LISTS, *BROKEN])
def test_a_list_without_what_we_sent_is_no_proof_that_it_was_not_sent(
    twilio, whatsapp_account, message, monkeypatch, broken
):
    twilio_provider.send(whatsapp_account, message)
    since = datetime.now(UTC) - timedelta(minutes=1)
    assert twilio_provider.find_sent(whatsapp_account, message, since=since)
    break_answers(twilio, monkeypatch, "/Messages.json", "messages", broken)
    with pytest.raises(SendError) as caught:
        twilio_provider.find_sent(whatsapp_account, message, since=since)
    assert caught.value.code == "unreadable"


def _number(twilio, account, sms_account):
    twilio.numbers[OUR_NUMBER] = True
    return sms_account, "/IncomingPhoneNumbers.json", "incoming_phone_numbers"


def _sender(twilio, account, sms_account):
    twilio.senders[f"whatsapp:{OUR_NUMBER}"] = "ONLINE"
    return account, "/Channels/Senders", "senders"


@pytest.mark.parametrize("broken", [*BROKEN_LISTS.values(), *BROKEN.values()], ids=[*BROKEN_LISTS, *BROKEN])
@pytest.mark.parametrize("prepare", [_number, _sender])
def test_a_number_is_not_gone_because_the_list_cannot_be_read(
    twilio, whatsapp_account, sms_account, monkeypatch, prepare, broken
):
    account, path, key = prepare(twilio, whatsapp_account, sms_account)
    assert not twilio_provider.check(account)
    break_answers(twilio, monkeypatch, path, key, broken)
    assert [problem.code for problem in twilio_provider.check(account)] == ["unreadable"]
    rows = twilio_provider.webhooks(account, inbound_url="https://crm.example/in", status_url="https://crm.example/st")
    assert {row.is_right for row in rows} == {None}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_an_account_is_not_closed_because_it_cannot_be_read(twilio, sms_account, monkeypatch, broken):
    twilio.numbers[OUR_NUMBER] = True
    asked = break_answers(twilio, monkeypatch, "/2010-04-01/Accounts/", "", broken)
    assert [problem.code for problem in twilio_provider.check(sms_account)] == ["unreadable"]
    assert asked


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_service_that_cannot_be_read_is_neither_well_nor_wrong(twilio, sms_account, monkeypatch, broken):
    twilio.services.add(SERVICE)
    account = replace(sms_account, credentials={**sms_account.credentials, "messaging_service_sid": SERVICE})
    assert not twilio_provider.check(account)
    break_answers(twilio, monkeypatch, "/v1/Services/", "", broken)
    assert [problem.code for problem in twilio_provider.check(account)] == ["unreadable"]
    rows = twilio_provider.webhooks(account, inbound_url="https://crm.example/in", status_url="https://crm.example/st")
    assert {row.is_right for row in rows} == {None}
