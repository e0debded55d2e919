from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from messaging.channels.base import InvalidPayload, Kind, Location, Media
from messaging.channels.simulator.payload import parse_inbound

PHONE = json.loads((Path(__file__).parents[1] / "payloads" / "simulator-phone.json").read_text())


def test_a_message_with_everything():
    message = parse_inbound(PHONE)
    assert message.kind is Kind.WHATSAPP
    assert (message.provider_message_id, message.sender, message.to) == ("sim-in-1", "+447700900123", "+447700900999")
    assert (message.sender_name, message.body) == ("Zoë", "Where are you?\n🙂")
    assert message.location == Location(51.5, -0.12, "Big Ben", "London")
    assert message.button == {"kind": "button", "text": "Yes", "payload": "confirm"}
    assert message.media == [Media("https://example.com/a.png", "image/png", "a.png", 12)]
    assert (message.reply_to, message.opt_out) == ("sim-1", "STOP")
    assert message.sent_at == datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
    assert message.extra == {"mood": "good"}


def test_a_mail():
    message = parse_inbound({**PHONE, "channel": "email", "from": "ada@example.com", "subject": "Hi"})
    assert (message.kind, message.sender, message.subject) == (Kind.EMAIL, "ada@example.com", "Hi")


def test_a_person_without_a_phone_number():
    message = parse_inbound({**PHONE, "from": None, "from_user_id": "GB.1"})
    assert (message.sender, message.sender_user_id) == ("", "GB.1")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"message_id": ""}, "message_id"),
        ({"channel": "web"}, "channel"),
        ({"channel": None}, "channel"),
        ({"from": ""}, "from"),
        ({"channel": "email", "from": "ada"}, "from"),
        ({"sent_at": "yesterday"}, "sent_at"),
        ({"location": {"latitude": 91, "longitude": 0}}, "location.latitude"),
        ({"location": {"latitude": 1, "longitude": True}}, "location.longitude"),
        ({"location": []}, "location"),
        ({"button": {"payload": "x"}}, "button.text"),
    ],
)
def test_a_wrong_field_is_named(changes, field):
    with pytest.raises(InvalidPayload, match=f"^{field}:"):
        parse_inbound({**PHONE, **changes})
