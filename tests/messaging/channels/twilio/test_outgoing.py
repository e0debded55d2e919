"""Files and approved templates, as Twilio's Messages resource takes them."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import pytest

from messaging.channels.base import Kind, OutgoingFile, OutgoingMessage, Retry, SendError
from messaging.channels.registry import provider
from tests.fakes.twilio import Content, Step
from tests.messaging.channels.conftest import OUR_NUMBER, THEIR_NUMBER

twilio_provider = provider("twilio")
send = twilio_provider.send
SID = "HX" + "0a" * 16


def file(number: int = 1, **changes: Any) -> OutgoingFile:
    one = OutgoingFile(
        "Plan.pdf", "application/pdf", 1000, f"https://crm.example.com/media/{number}?s=a%2Bb", lambda: io.BytesIO()
    )
    return replace(one, **changes)


def refused(account: Any, message: OutgoingMessage) -> SendError:
    with pytest.raises(SendError) as caught:
        send(account, message)
    assert caught.value.retry is Retry.FIX
    return caught.value


def template(message: OutgoingMessage, **variables: str) -> OutgoingMessage:
    return replace(message, body="Hello Zoë", provider_template_id=SID, content_variables=variables)


def test_a_file_goes_by_its_address_with_the_text(twilio, whatsapp_account, message):
    send(whatsapp_account, replace(message, files=[file()]))
    assert twilio.store.requests == [
        {
            "To": f"whatsapp:{THEIR_NUMBER}",
            "From": f"whatsapp:{OUR_NUMBER}",
            "Body": message.body,
            "MediaUrl": ["https://crm.example.com/media/1?s=a%2Bb"],
        }
    ]
    assert twilio.violations == []


def test_a_file_needs_no_text(twilio, whatsapp_account, message):
    send(whatsapp_account, replace(message, body=" \n", files=[file()]))
    assert "Body" not in twilio.store.requests[0]


def test_an_mms_carries_ten_files(twilio, sms_account, message):
    send(sms_account, replace(message, files=[file(number) for number in range(10)]))
    assert len(twilio.store.requests[0]["MediaUrl"]) == 10
    assert twilio.violations == []


@pytest.mark.parametrize(("kind", "count", "said"), [(Kind.WHATSAPP, 2, "one file"), (Kind.SMS, 11, "10 files")])
def test_more_files_are_refused_before_a_request(twilio, whatsapp_account, message, kind, count, said):
    error = refused(replace(whatsapp_account, kind=kind), replace(message, files=[file()] * count))
    assert error.code == "21623"
    assert said in error.message
    assert twilio.store.requests == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"url": ""}, "21620"),
        ({"url": "ftp://crm.example.com/1"}, "21620"),
        ({"url": "https://crm.example.com/a b"}, "21620"),
        ({"size": 16_000_001}, "63034"),
    ],
)
def test_a_file_that_twilio_could_not_take_is_refused(twilio, whatsapp_account, message, changes, code):
    assert refused(whatsapp_account, replace(message, files=[file(**changes)])).code == code
    assert twilio.store.requests == []


@pytest.mark.parametrize("content_type", ["audio/ogg", "image/webp", "text/vcard"])
def test_a_text_that_whatsapp_would_drop_is_refused(twilio, whatsapp_account, sms_account, message, content_type):
    with_file = replace(message, files=[file(content_type=content_type)])
    assert "own message" in refused(whatsapp_account, with_file).message
    send(whatsapp_account, replace(with_file, body=""))
    send(sms_account, with_file)


def test_an_sms_through_twilio_may_carry_files():
    limits = twilio_provider.kinds[Kind.SMS]
    assert (limits.max_files, limits.max_file_bytes) == (10, 5_000_000)
    assert "image/" in limits.file_types
    assert twilio_provider.kinds[Kind.WHATSAPP].max_files == 1


def test_a_template_goes_by_its_id_and_values_and_never_by_its_text(twilio, whatsapp_account, message):
    send(whatsapp_account, template(message, **{"1": "Zoë", "2": '9:00 "sharp"'}))
    [request] = twilio.store.requests
    assert request["ContentSid"] == SID
    assert json.loads(request["ContentVariables"]) == {"1": "Zoë", "2": '9:00 "sharp"'}
    assert "Body" not in request
    assert request["From"] == f"whatsapp:{OUR_NUMBER}"
    assert twilio.violations == []


def test_a_template_without_values_and_through_a_messaging_service(twilio, whatsapp_account, message):
    service = "MG" + "0" * 32
    account = replace(whatsapp_account, credentials={**whatsapp_account.credentials, "messaging_service_sid": service})
    send(account, template(message))
    assert twilio.store.requests == [
        {"To": f"whatsapp:{THEIR_NUMBER}", "MessagingServiceSid": service, "ContentSid": SID}
    ]


def test_the_message_says_what_the_template_says(twilio, whatsapp_account, message):
    twilio.contents.append(Content(types={"twilio/text": {"body": "Hello {{1}}, at {{2}}"}}, sid=SID))
    send(whatsapp_account, template(message, **{"1": "Zoë", "2": "9"}))
    assert twilio.store.all()[0].body == "Hello Zoë, at 9"


@pytest.mark.parametrize("sid", ["HX", "HX" + "g" * 32, "MG" + "0" * 32, SID + "0", SID + "\n", "../" + SID])
def test_a_template_that_can_be_none_is_refused(twilio, whatsapp_account, message, sid):
    assert refused(whatsapp_account, replace(template(message), provider_template_id=sid)).code == "21655"
    assert twilio.store.requests == []


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("\u00a0", "empty"),
        ("a\nb", "line break"),
        ("a\tb", "line break"),
        ("a\u2028b", "line break"),
        ("a\x00b", "line break"),
        ("a     b", "4 spaces"),
        ("x" * 1025, "1024"),
    ],
)
def test_a_value_that_whatsapp_refuses_is_named_and_not_reported(twilio, whatsapp_account, message, value, said):
    error = refused(whatsapp_account, template(message, **{"1": "fine", "name": value}))
    assert error.code == "21656"
    assert "{{name}}" in error.message
    assert said in error.message
    assert len(error.message) < 140
    assert twilio.store.requests == []


@pytest.mark.parametrize("value", ["a    b", "x" * 1024, "ü" * 1024, "שלום", "{{1}}", "0"])
def test_a_value_at_the_limit_is_sent(twilio, whatsapp_account, message, value):
    send(whatsapp_account, template(message, **{"1": value}))
    assert json.loads(twilio.store.requests[0]["ContentVariables"]) == {"1": value}


def test_a_template_takes_no_files_beside_its_own(twilio, whatsapp_account, message):
    assert refused(whatsapp_account, replace(template(message), files=[file()])).code == "21620"


def test_a_value_that_can_not_be_written_down_is_refused_before_a_request(twilio, whatsapp_account, message):
    assert refused(whatsapp_account, template(message, **{"1": "\ud83d"})).code == "text"
    assert twilio.store.requests == []


def test_a_closed_window_asks_for_a_template_however_it_is_learnt(twilio, whatsapp_account, message):
    twilio.plan(Step.refused(63016))
    with pytest.raises(SendError) as caught:
        send(whatsapp_account, message)
    assert (caught.value.code, caught.value.retry) == ("63016", Retry.TEMPLATE)
    assert twilio_provider.explain("63016").retry is Retry.TEMPLATE
