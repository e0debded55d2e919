"""The deliveries that Twilio was seen to make go in through the real webhook, and nothing of them is lost."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

import pytest

from core.tenancy import organization_scope
from messaging.models import Arrival, Message
from tests.messaging.conftest import PAYLOADS, Webhooks, arrived, make_channel, messages_of, recorded, work

INBOUND = sorted(path.stem for path in PAYLOADS.glob("*-inbound-*.json"))
STATUSES = sorted(path.stem for path in PAYLOADS.glob("*-status-*.json"))
TOKEN = "the recorded account's token"
CREDENTIALS = {"account_sid": "AC" + "0" * 32, "auth_token": TOKEN}
# The address and the kind of channel are the channel's, the profile's name is the customer's.
ELSEWHERE = {"To", "AccountSid", "ProfileName", "MessagingServiceSid"}


def path_of(record: dict[str, Any]) -> str:
    if record["kind"] == "status":
        return "/webhooks/twilio/status"
    return "/webhooks/twilio/" + ("whatsapp" if record["params"]["From"].startswith("whatsapp:") else "sms")


def flattened(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for one in value.values() for text in flattened(one)]
    if isinstance(value, list | tuple):
        return [text for one in value for text in flattened(one)]
    return [str(value)]


def everything_of(message: Message) -> str:
    """All that a message keeps, as one text."""
    files = [[file.source_url, file.content_type] for file in message.attachments.all()]
    fields = [message.body, message.address, message.provider_message_id, message.location, message.button]
    quoted = message.reply_to.provider_message_id if message.reply_to else ""
    identities = [identity.value for identity in message.customer.identities.all()]
    return "\n".join(flattened([*fields, message.referral, message.extra, files, quoted, identities]))


@pytest.fixture
def organization(alice: Any) -> Any:
    for kind in ("whatsapp", "sms"):
        make_channel(alice.organization, kind, credentials=CREDENTIALS)
    return alice.organization


@pytest.mark.parametrize("name", INBOUND)
def test_a_recorded_message_is_taken_in_without_loss(name: str, organization: Any, webhooks: Webhooks):
    record = recorded(name)
    pairs = parse_qsl(record["form"], keep_blank_values=True)
    answer = webhooks.post(path_of(record), pairs, token=TOKEN)
    assert answer.status_code == 200
    assert answer.content.endswith(b"<Response/>")
    work()
    (arrival,) = arrived()
    assert (arrival.state, arrival.last_error) == (Arrival.State.DONE, "")
    assert dict(parse_qsl(bytes(arrival.body).decode(), keep_blank_values=True)) == record["params"]
    (message,) = messages_of(organization, direction="inbound")
    with organization_scope(organization):
        kept = everything_of(message)
        for key, value in record["params"].items():
            if key not in ELSEWHERE:
                text = value.replace("\r\n", "\n").removeprefix("whatsapp:")
                assert text in kept or _is_same_number(text, kept), f"{key}={value!r} is nowhere"
        assert message.channel.address == record["params"]["To"].removeprefix("whatsapp:")
        if record["params"].get("ProfileName"):
            assert message.customer.name == record["params"]["ProfileName"]
    assert message.body == record["params"].get("Body", "").replace("\r\n", "\n")


def _is_same_number(text: str, kept: str) -> bool:
    """A coordinate is kept as a number, which may be written with fewer digits."""
    try:
        number = float(text)
    except ValueError:
        return False
    return str(number) in kept.split("\n")


@pytest.mark.parametrize("name", STATUSES)
def test_a_recorded_status_waits_for_its_message(name: str, organization: Any, webhooks: Webhooks):
    record = recorded(name)
    assert webhooks.post(path_of(record), record["params"], token=TOKEN).status_code == 200
    work()
    (arrival,) = arrived()
    assert arrival.state == Arrival.State.PENDING
    assert arrival.due_at is not None
    assert dict(parse_qsl(bytes(arrival.body).decode(), keep_blank_values=True)) == record["params"]


def test_all_of_them_together_are_as_many_messages(organization: Any, webhooks: Webhooks):
    for name in INBOUND:
        record = recorded(name)
        for _ in range(2):  # Twilio may deliver twice
            assert webhooks.post(path_of(record), record["params"], token=TOKEN).status_code == 200
    work()
    assert len(arrived(state=Arrival.State.DONE)) == len(INBOUND)
    assert len(messages_of(organization, direction="inbound")) == len(INBOUND)


def test_the_recordings_are_whole():
    assert len(INBOUND) >= 9
    assert len(STATUSES) >= 2
    for path in PAYLOADS.glob("*.json"):
        record = json.loads(path.read_text(encoding="utf-8"))
        assert dict(parse_qsl(record["form"], keep_blank_values=True)) == record["params"]
