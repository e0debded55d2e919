"""The stand-in against Twilio's own OpenAPI document: what it answers, what it takes, and what we send."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests

from messaging.channels.base import Account, Kind, OutgoingMessage
from messaging.channels.registry import provider
from tests.fakes import openapi
from tests.fakes.openapi import answer_schema
from tests.fakes.twilio import ACCOUNT_SID, AUTH_TOKEN, FakeTwilio, Step

LIST = "/2010-04-01/Accounts/{AccountSid}/Messages.json"
FETCH = "/2010-04-01/Accounts/{AccountSid}/Messages/{Sid}.json"
MESSAGE = OutgoingMessage("m1", "+15005550101", "Hello")


@pytest.fixture(scope="module")
def api() -> dict[str, Any]:
    return openapi.api("twilio_api_v2010.messages.json")


@pytest.fixture
def twilio() -> Iterator[FakeTwilio]:
    with FakeTwilio() as fake:
        yield fake


def check(api: dict[str, Any], schema: dict[str, Any], instance: Any) -> None:
    assert openapi.problems(api, schema, instance) == []
    expected = schema.get("properties") or api["components"]["schemas"]["api.v2010.account.message"]["properties"]
    assert set(instance) == set(expected)


def get(twilio: FakeTwilio, path: str, **query: str) -> Any:
    answer = requests.get(twilio.url + path, params=query, auth=(ACCOUNT_SID, AUTH_TOKEN), timeout=5)
    assert answer.status_code == 200
    return answer.json()


def create(twilio: FakeTwilio, **form: str) -> requests.Response:
    url = twilio.url + LIST.format(AccountSid=ACCOUNT_SID)
    data = {"To": "+15005550101", "From": "+15005550006", "Body": "Hello", **form}
    return requests.post(url, data=data, auth=(ACCOUNT_SID, AUTH_TOKEN), timeout=5)


def test_a_created_message_is_as_documented(api, twilio):
    answer = create(twilio)
    assert answer.status_code == 201
    check(api, answer_schema(api, LIST, "post", "201"), answer.json())


@pytest.mark.parametrize(
    "step", [Step(statuses=()), Step(), Step.backwards(), Step.failing(30003), Step.failing(63024, "failed")]
)
def test_a_fetched_message_is_as_documented_in_every_state(api, twilio, step):
    twilio.plan(replace(step, gap=0))
    sid = create(twilio, MessagingServiceSid="MG" + "0" * 32).json()["sid"]
    assert twilio.statuses.wait()
    fetched = get(twilio, FETCH.format(AccountSid=ACCOUNT_SID, Sid=sid))
    check(api, answer_schema(api, FETCH, "get", "200"), fetched)


@pytest.mark.parametrize("number", ["0", "1", "2", "9"])
def test_every_page_of_a_list_is_as_documented(api, twilio, number):
    for _ in range(5):
        create(twilio)
    listed = get(twilio, LIST.format(AccountSid=ACCOUNT_SID), PageSize="2", Page=number, To="+15005550101")
    schema = answer_schema(api, LIST, "get", "200")
    check(api, schema, listed)
    for one in listed["messages"]:
        check(api, schema["properties"]["messages"]["items"], one)


@pytest.mark.parametrize("kind", [Kind.WHATSAPP, Kind.SMS])
@pytest.mark.parametrize("service", ["", "MG" + "0" * 32])
def test_what_we_send_is_what_twilio_takes(api, twilio, settings, kind, service):
    settings.TWILIO_API_BASE_URL = twilio.url
    credentials = {"account_sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN, "messaging_service_sid": service}
    account = Account("c", kind, "+15005550006", "Clinic", credentials)
    provider("twilio").send(account, replace(MESSAGE, status_callback_url="https://crm.example.com/s"))
    [form] = twilio.store.requests
    assert openapi.problems(api, openapi.form_schema(api, LIST), form) == []


def test_what_we_ask_the_list_for_is_what_twilio_takes(api, twilio, settings, monkeypatch):
    settings.TWILIO_API_BASE_URL = twilio.url
    account = Account("c", Kind.SMS, "+15005550006", "", {"account_sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN})
    asked: list[str] = []
    answer = twilio.answer

    def noting(method: str, target: str, *rest: Any) -> Any:
        asked.append(target)
        return answer(method, target, *rest)

    monkeypatch.setattr(twilio, "answer", noting)
    provider("twilio").find_sent(account, MESSAGE, since=datetime.now(UTC))
    allowed = {parameter["name"] for parameter in api["paths"][LIST]["get"]["parameters"]}
    names = {name for target in asked for name in parse_qs(target.partition("?")[2])}
    assert names
    assert names <= allowed


def test_the_paths_and_statuses_are_twilios(api):
    assert {LIST, FETCH} <= set(api["paths"])
    known = set(api["components"]["schemas"]["message_enum_status"]["enum"])
    for step in (Step(), Step.backwards(), Step.failing(30003)):
        assert set(step.statuses) <= known


def test_a_check_of_this_kind_finds_what_is_wrong(api, twilio):
    schema = answer_schema(api, LIST, "post", "201")
    good = create(twilio).json()
    for wrong in ({"status": "flying"}, {"sid": "x"}, {"date_created": "yesterday"}, {"error_code": "1"}, {"more": 1}):
        with pytest.raises(AssertionError):
            check(api, schema, {**good, **wrong})
