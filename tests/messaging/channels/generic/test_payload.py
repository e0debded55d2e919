from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.channels.base import InvalidPayload, Kind, Media
from messaging.channels.generic.payload import parse_inbound

EMAIL = json.loads((Path(__file__).parents[1] / "payloads" / "generic-email.json").read_text())
SMS = {"message_id": "m-1", "from": "07700 900123", "body": "Hi", "sent_at": "2026-11-21T09:30:00Z"}


def test_an_email():
    message = parse_inbound(EMAIL, channel="email")
    assert message.kind is Kind.EMAIL
    assert message.provider_message_id == "CAF-1@mail.example.com"
    assert (message.sender, message.sender_name) == ("ada@example.com", "Ada Lovelace")
    assert (message.to, message.subject) == ("desk@clinic.example", "Appointment")
    assert message.body == "Could I come on Tuesday?\nAda"
    assert message.sent_at == datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
    assert message.reply_to == "<0190a0a0@clinic.example>"
    assert message.media == [Media("https://files.example.com/1", "application/pdf", "scan.pdf")]
    assert message.extra == {"campaign": {"name": "spring", "tags": ["ab"]}}


def test_a_phone_number_is_left_to_who_knows_the_country():
    message = parse_inbound(SMS, channel="sms")
    assert (message.kind, message.sender, message.to) == (Kind.SMS, "07700 900123", "")
    assert parse_inbound({**SMS, "from": "whatsapp:+1500"}, channel="whatsapp").sender == "+1500"


@pytest.mark.parametrize(("sender", "expected"), [("Ada <a@b.c>", "a@b.c"), ("+447700900123", "+447700900123")])
def test_a_form_on_a_site_may_give_either(sender, expected):
    message = parse_inbound({**SMS, "from": sender}, channel="web")
    assert (message.kind, message.sender) == (Kind.WEB, expected)


def test_the_name_given_goes_before_the_one_in_the_address():
    assert parse_inbound({**EMAIL, "from_name": "Countess"}, channel="email").sender_name == "Countess"


def test_a_file_alone_is_a_message():
    message = parse_inbound({**SMS, "body": "", "attachments": [{"url": "https://x.example/1"}]}, channel="sms")
    assert message.media == [Media("https://x.example/1", "application/octet-stream")]


def test_a_part_of_a_file_that_has_no_field_is_kept():
    files = [{"url": "https://x.example/1", "checksum": "abc"}]
    message = parse_inbound({**SMS, "attachments": files}, channel="sms")
    assert message.extra == {"attachments": files}


def test_a_time_without_a_zone_is_utc():
    message = parse_inbound({**SMS, "sent_at": "2026-11-21T09:30:00"}, channel="sms")
    assert message.sent_at == datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


def test_a_number_as_an_id_is_taken():
    assert parse_inbound({**SMS, "message_id": 17}, channel="sms").provider_message_id == "17"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"message_id": None}, "message_id"),
        ({"message_id": "x" * 256}, "message_id"),
        ({"message_id": {"a": 1}}, "message_id"),
        ({"message_id": True}, "message_id"),
        ({"from": " "}, "from"),
        ({"body": ""}, "body"),
        ({"body": "x" * 100_001}, "body"),
        ({"body": 1.5}, "body"),
        ({"sent_at": None}, "sent_at"),
        ({"sent_at": "0001-01-01T00:00:00+23:00"}, "sent_at"),
        ({"attachments": {}}, "attachments"),
        ({"attachments": ["x"]}, r"attachments\[0\]"),
        ({"attachments": [{"url": "https://x.example"}, {"url": "file:///etc/passwd"}]}, r"attachments\[1\].url"),
        ({"attachments": [{"url": "https://x.example", "size": -1}]}, r"attachments\[0\].size"),
        ({"attachments": [{"url": "https://x.example"}] * 21}, "attachments"),
        ({"subject": ["x"]}, "subject"),
    ],
)
def test_a_wrong_field_is_named(changes, field):
    with pytest.raises(InvalidPayload, match=f"^{field}:"):
        parse_inbound({**SMS, **changes}, channel="sms")


@pytest.mark.parametrize("field", ["from", "to"])
def test_an_address_that_is_none_is_named(field):
    with pytest.raises(InvalidPayload, match=f"^{field}:"):
        parse_inbound({**EMAIL, field: "nobody"}, channel="email")


@pytest.mark.parametrize("channel", ["pigeon", "", "EMAIL"])
def test_an_unknown_channel_is_named(channel):
    with pytest.raises(InvalidPayload, match="channel"):
        parse_inbound(SMS, channel=channel)


@pytest.mark.parametrize("data", [None, [], "x", 1])
def test_a_body_that_is_no_object_is_refused(data):
    with pytest.raises(InvalidPayload, match="object"):
        parse_inbound(data, channel="sms")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*EMAIL, "from_name", "other"]), JSON), st.sampled_from(list(Kind)))
def test_whatever_comes_is_a_message_or_a_named_problem(data, channel):
    try:
        message = parse_inbound({**EMAIL, **data}, channel=channel)
    except InvalidPayload:
        return
    json.dumps(message.extra, allow_nan=False).encode("utf-8")
    message.body.encode("utf-8")
