"""The stand-in against Twilio's documents for files, templates and typing: what it answers, and what we ask it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from messaging.channels.base import Account, Kind, OutgoingFile, OutgoingMessage, SendError
from messaging.channels.twilio.adapter import TwilioProvider
from messaging.channels.twilio.content_types import _READERS
from tests.fakes import openapi
from tests.fakes.twilio import ACCOUNT_SID, AUTH_TOKEN, Content, FakeTwilio, File
from tests.fakes.twilio.schema import problems as problems_of_form

MESSAGES = "twilio_api_v2010.messages.json"
CONTENT = "twilio_content_v1.json"
TYPING = "twilio_messaging_v2.typing.json"
LIST = "/2010-04-01/Accounts/{AccountSid}/Messages.json"
MEDIA = "/2010-04-01/Accounts/{AccountSid}/Messages/{MessageSid}/Media.json"
ONE_MEDIA = "/2010-04-01/Accounts/{AccountSid}/Messages/{MessageSid}/Media/{Sid}.json"
CONTENTS = "/v1/ContentAndApprovals"
INDICATOR = "/v2/Indicators/Typing.json"
SERVICE = "MG" + "0" * 32
HX = "HX" + "0" * 32
MESSAGE = OutgoingMessage("m1", "+15005550101", "Hello")
FILE = OutgoingFile("a.png", "image/png", 10, "https://crm.example.com/media/1?s=x", lambda: io.BytesIO())


@pytest.fixture
def twilio(settings: Any) -> Iterator[FakeTwilio]:
    with FakeTwilio() as fake:
        settings.TWILIO_API_BASE_URL = fake.url
        yield fake


@pytest.fixture
def account() -> Account:
    credentials = {"account_sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN}
    return Account("c", Kind.WHATSAPP, "+15005550006", "Clinic", credentials)


@pytest.fixture
def asked(twilio: FakeTwilio, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that were asked, with their queries."""
    targets: list[str] = []
    answer = twilio.answer

    def noting(method: str, target: str, *rest: Any) -> Any:
        targets.append(target)
        return answer(method, target, *rest)

    monkeypatch.setattr(twilio, "answer", noting)
    return targets


def get(twilio: FakeTwilio, path: str, **query: str) -> Any:
    answer = requests.get(twilio.url + path, params=query, auth=(ACCOUNT_SID, AUTH_TOKEN), timeout=5)
    assert answer.status_code == 200
    return answer.json()


def with_service(account: Account) -> Account:
    return replace(account, credentials={**account.credentials, "messaging_service_sid": SERVICE})


def check_answer(name: str, path: str, answer: Any) -> None:
    document = openapi.api(name)
    method = "post" if path == INDICATOR else "get"
    schema = openapi.answer_schema(document, path, method, "200")
    assert openapi.problems(document, schema, answer) == []
    assert set(answer) == set(openapi.resolved(document, schema)["properties"])


@pytest.mark.parametrize("number", ["0", "1", "2"])
def test_every_page_of_files_is_as_documented(twilio: FakeTwilio, number: str):
    message = twilio.receive(sender="+15005550101", to="+15005550006", files=[File(), File(), File()])
    path = MEDIA.format(AccountSid=ACCOUNT_SID, MessageSid=message.sid)
    listed = get(twilio, path, PageSize="2", Page=number)
    check_answer(MESSAGES, MEDIA, listed)
    assert len(listed["media_list"]) == {"0": 2, "1": 1, "2": 0}[number]


def test_a_file_is_as_documented(twilio: FakeTwilio):
    message = twilio.receive(sender="+15005550101", to="+15005550006", files=[File()])
    path = ONE_MEDIA.format(AccountSid=ACCOUNT_SID, MessageSid=message.sid, Sid=message.files[0].sid)
    check_answer(MESSAGES, ONE_MEDIA, get(twilio, path))


def test_a_message_that_came_in_is_as_documented(twilio: FakeTwilio):
    twilio.receive(sender="whatsapp:US.0001", to="whatsapp:+15005550006", files=[File()], service=SERVICE)
    listed = get(twilio, LIST.format(AccountSid=ACCOUNT_SID))
    check_answer(MESSAGES, LIST, listed)
    assert listed["messages"][0]["num_media"] == "1"


@pytest.mark.parametrize("number", ["0", "1", "2"])
def test_every_page_of_templates_is_as_documented(twilio: FakeTwilio, number: str):
    twilio.contents.extend([Content(), Content(approval=None), Content()])
    listed = get(twilio, CONTENTS, PageSize="2", Page=number)
    check_answer(CONTENT, CONTENTS, listed)
    document = openapi.api(CONTENT)
    for one in listed["contents"]:
        schema = document["components"]["schemas"]["content.v1.content_and_approvals"]
        assert set(one) == set(schema["properties"])


def test_every_type_of_the_document_is_known():
    types = openapi.api(CONTENT)["components"]["schemas"]["types"]["properties"]
    assert set(types) <= set(_READERS)


def test_typing_is_as_documented(twilio: FakeTwilio):
    form = {"channel": "whatsapp", "messageId": "SM" + "0" * 32}
    answer = requests.post(twilio.url + INDICATOR, data=form, auth=(ACCOUNT_SID, AUTH_TOKEN), timeout=5)
    assert answer.status_code == 200
    check_answer(TYPING, INDICATOR, answer.json())


@pytest.mark.parametrize(
    "message",
    [
        replace(MESSAGE, files=[FILE]),
        replace(MESSAGE, body="", files=[FILE], status_callback_url="https://crm.example.com/s"),
        replace(MESSAGE, provider_template_id=HX, content_variables={"1": "Zoë"}),
        replace(MESSAGE, provider_template_id=HX),
    ],
    ids=["file", "file-alone", "template", "template-without-values"],
)
def test_what_we_send_is_what_twilio_takes(twilio: FakeTwilio, account: Account, message: OutgoingMessage):
    for one in (account, with_service(account), replace(account, kind=Kind.SMS)):
        TwilioProvider().send(one, message)
    document = openapi.api(MESSAGES)
    assert len(twilio.store.requests) == 3
    for form in twilio.store.requests:
        assert openapi.problems(document, openapi.form_schema(document, LIST), form) == []
    assert twilio.violations == []


def test_the_typing_that_we_ask_for_is_what_twilio_takes(twilio: FakeTwilio, account: Account):
    document = openapi.api(TYPING)
    TwilioProvider().show_typing(account, "MM" + "a" * 32)
    form = {"channel": "whatsapp", "messageId": twilio.typing[0]}
    assert openapi.problems(document, openapi.form_schema(document, INDICATOR), form) == []


@pytest.mark.parametrize(
    ("document", "path", "ask"),
    [
        (CONTENT, CONTENTS, lambda one: TwilioProvider().list_content(one)),
        (MESSAGES, LIST, lambda one: listed(one)),
        (MESSAGES, LIST, lambda one: listed(with_service(one))),
        (MESSAGES, MEDIA, lambda one: listed(one)),
    ],
    ids=["templates", "messages", "service", "files"],
)
def test_what_we_ask_for_is_what_twilio_takes(
    twilio: FakeTwilio, account: Account, asked: list[str], document: str, path: str, ask: Callable[[Account], Any]
):
    api = openapi.api(document)
    twilio.receive(sender="whatsapp:+15005550101", to="whatsapp:+15005550006", files=[File()])
    ask(account)
    allowed = {parameter["name"] for parameter in api["paths"][path]["get"]["parameters"]}
    end = path.rpartition("/")[2]
    queries = [urlsplit(target).query for target in asked if urlsplit(target).path.endswith(end)]
    assert queries
    assert {name for query in queries for name in parse_qs(query)} <= allowed


def listed(account: Account) -> list[Any]:
    now = datetime.now(UTC)
    return list(TwilioProvider().list_messages(account, since=now - timedelta(hours=1), until=now + timedelta(hours=1)))


@pytest.mark.parametrize(
    "form",
    [
        {"To": "+1", "From": "+2", "Body": "Hi", "Colour": "red"},
        {"To": "+1", "From": "+2", "ContentSid": "HX1"},
        {"To": "+1", "MessagingServiceSid": "MG1", "Body": "Hi"},
    ],
)
def test_the_stand_in_refuses_what_is_not_documented(twilio: FakeTwilio, form: dict[str, str]):
    openapi.api(MESSAGES)
    assert problems_of_form(LIST, form)
    url = twilio.url + LIST.format(AccountSid=ACCOUNT_SID)
    answer = requests.post(url, data=form, auth=(ACCOUNT_SID, AUTH_TOKEN), timeout=5)
    assert answer.status_code == 400
    assert twilio.violations


@pytest.mark.parametrize(
    ("variables", "code"), [({"1": "a\nb"}, "21656"), ({"1": ""}, "21656"), ({"1": "a     b"}, "21656"), ({}, "21655")]
)
def test_the_stand_in_refuses_the_values_that_twilio_does(twilio: FakeTwilio, account: Account, variables, code):
    """With our own check out of the way."""
    twilio.contents.append(Content(sid="HX" + "1" * 32))
    sid = HX if code == "21655" else twilio.contents[0].sid
    message = replace(MESSAGE, provider_template_id=sid, content_variables=variables)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SendError) as caught:
        patch.setattr("messaging.channels.twilio.outgoing._refuse_unfit", lambda *_: None)
        TwilioProvider().send(account, message)
    assert caught.value.code == code
    assert twilio.store.all() == []
