from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.http import QueryDict

from messaging.channels.base import InvalidPayload, Kind, Location, Media
from messaging.channels.twilio.payload import OUR_STATUS, form_pairs, parse_inbound, parse_status
from tests.fakes.documents import document, recorded_webhooks

OWN = sorted((Path(__file__).parents[1] / "payloads").glob("twilio-*.json"))
RECORDED = [*recorded_webhooks(), *(json.loads(path.read_text()) for path in OWN)]
MINIMAL = {"MessageSid": "SM1", "From": "+15005550101"}


def parsed(**params: str) -> Any:
    return parse_inbound(list({**MINIMAL, **params}.items()))


def values_of(result: Any) -> set[str]:
    """Every text and number that a result holds, wherever it stands."""
    if isinstance(result, dict):
        return set().union(*(values_of(value) for value in result.values()))
    if isinstance(result, list | tuple):
        return set().union(*(values_of(value) for value in result))
    if hasattr(result, "__slots__"):
        return set().union(*(values_of(getattr(result, name)) for name in result.__slots__))
    return {str(result)}


def is_kept(name: str, value: str, result: Any) -> bool:
    bare = value.removeprefix("whatsapp:")
    known = values_of(result)
    return (
        name in result.extra
        or value in known
        or bare in known
        or (name in ("MessageStatus", "SmsStatus") and OUR_STATUS.get(value) == getattr(result, "status", ""))
    )


@pytest.mark.parametrize("webhook", RECORDED, ids=lambda webhook: webhook["name"])
def test_a_recorded_webhook_is_read_without_losing_a_parameter(webhook):
    pairs = form_pairs(webhook["form"])
    assert dict(pairs) == webhook["params"]
    result = (parse_inbound if webhook["kind"] == "inbound" else parse_status)(pairs)
    assert result.provider_message_id == webhook["params"]["MessageSid"]
    lost = [name for name, value in webhook["params"].items() if not is_kept(name, value, result)]
    assert lost == []


def test_the_recorded_webhooks_are_there_when_the_folder_is():
    document("payloads/signature-vectors.json")
    assert len(recorded_webhooks()) >= 11


def own(name: str) -> list[tuple[str, str]]:
    return form_pairs(json.loads((Path(__file__).parents[1] / "payloads" / f"twilio-{name}.json").read_text())["form"])


def test_a_whatsapp_text():
    message = parse_inbound(own("whatsapp-text"))
    assert message.kind is Kind.WHATSAPP
    assert (message.sender, message.to) == ("+447700900123", "+447700900999")
    assert (message.sender_name, message.body) == ("Zoë Ünal", "Grüße 🙂\nwie geht's?")
    assert message.account_id == "AC" + "a" * 32
    assert message.extra["WaId"] == "447700900123"


def test_a_whatsapp_user_without_a_phone_number():
    message = parse_inbound(own("whatsapp-user-id"))
    assert (message.sender, message.sender_user_id) == ("", "GB.0000000000000000000042")
    assert message.extra["ProfileUsername"] == "zoe.unal"


def test_a_user_id_beside_the_phone_number():
    message = parsed(From="whatsapp:+15005550101", ExternalUserId="whatsapp:ID.0001")
    assert (message.sender, message.sender_user_id) == ("+15005550101", "ID.0001")


def test_a_list_reply_and_a_button():
    message = parse_inbound(own("whatsapp-list-reply"))
    assert message.button == {"kind": "list", "text": "Tuesday, 9:00", "payload": "slot-17"}
    assert message.reply_to == "MM" + "b" * 32
    button = parsed(ButtonText="Yes", ButtonPayload="confirm").button
    assert button == {"kind": "button", "text": "Yes", "payload": "confirm"}


def test_a_location():
    message = parsed(Latitude="-33.86", Longitude="151.2", Label="Opera", Address="Bennelong Point", Body="")
    assert message.location == Location(-33.86, 151.2, "Opera", "Bennelong Point")
    assert message.extra == {}


@pytest.mark.parametrize(
    "place", [{"Latitude": "91", "Longitude": "1"}, {"Latitude": "nan", "Longitude": "1"}, {"Latitude": "1"}]
)
def test_a_place_that_is_nowhere_stays_in_extra(place):
    message = parsed(**place, Address="Somewhere")
    assert message.location is None
    assert message.extra == {**place, "Address": "Somewhere"}


def test_media_as_many_as_stated():
    message = parse_inbound(own("mms"))
    assert message.media == [
        Media("https://api.twilio.com/Media/ME1", "image/png"),
        Media("https://api.twilio.com/Media/ME2", "application/pdf"),
    ]
    assert "MediaUrl2" in message.extra  # more than NumMedia says: kept, not shown


def test_a_file_without_its_address_does_not_lose_the_message():
    message = parsed(NumMedia="2", MediaUrl0="https://x/1", MediaContentType1="image/png")
    assert message.media == [Media("https://x/1", "")]
    assert message.extra == {"NumMedia": "2", "MediaContentType1": "image/png"}


@pytest.mark.parametrize("number", ["-1", "two", "1.5", "101", "٣", "1e3", "9" * 400])
def test_a_broken_number_of_media_is_named(number):
    with pytest.raises(InvalidPayload, match="NumMedia"):
        parsed(NumMedia=number)


def test_an_advertisement():
    message = parsed(ReferralSourceUrl="https://fb.example.com/ad", ReferralCtwaClid="x", ReferralNumMedia="0")
    assert message.referral == {"source_url": "https://fb.example.com/ad", "ctwa_clid": "x", "num_media": "0"}
    assert parsed(ReferralNumMedia="0").referral == {}


def test_an_opt_out():
    assert parsed(OptOutType="STOP", Body="stop please").opt_out == "STOP"
    assert parsed().opt_out == ""


def test_texts_are_cleaned_wherever_they_stand():
    message = parsed(Body="a\x00b\r\nc\x07", ProfileName="\ud83dx", New="y\x00z")
    assert (message.body, message.sender_name) == ("ab\nc", "\N{REPLACEMENT CHARACTER}x")
    assert message.extra == {"New": "yz"}


@pytest.mark.parametrize("name", ["MessageSid", "From"])
@pytest.mark.parametrize("value", [None, "", "  ", "\x00", "x" * 300])
def test_a_missing_or_broken_field_is_named(name, value):
    params = {key: text for key, text in {**MINIMAL, name: value}.items() if text is not None}
    with pytest.raises(InvalidPayload, match=name):
        parse_inbound(list(params.items()))


@pytest.mark.parametrize("sender", ["messenger:123", "rcs:+1500", "whatsapp:"])
def test_a_sender_of_another_channel_is_refused(sender):
    with pytest.raises(InvalidPayload, match="From"):
        parsed(From=sender)


def test_the_same_from_pairs_lists_and_a_query_dict():
    form = "MessageSid=SM1&From=%2B15005550101&Body=&Tag=a&Tag=b"
    pairs = form_pairs(form)
    lists = {"MessageSid": ["SM1"], "From": ["+15005550101"], "Body": [""], "Tag": ["a", "b"]}
    assert parse_inbound(pairs) == parse_inbound(lists) == parse_inbound(QueryDict(form))
    assert parse_inbound(pairs).extra == {"Tag": ["a", "b"]}


def test_a_field_that_is_repeated_with_another_value_is_kept_whole():
    message = parse_inbound([*MINIMAL.items(), ("Body", "one"), ("Body", "two")])
    assert message.body == "one"
    assert message.extra == {"Body": ["one", "two"]}


@pytest.mark.parametrize(("theirs", "ours"), OUR_STATUS.items())
def test_statuses(theirs, ours):
    update = parse_status([("MessageSid", "SM1"), ("MessageStatus", theirs)])
    assert (update.provider_message_id, update.status, update.error_code) == ("SM1", ours, "")


def test_a_failure_carries_its_code():
    update = parse_status([("MessageSid", "SM1"), ("MessageStatus", "undelivered"), ("ErrorCode", "30003")])
    assert (update.status, update.error_code) == ("failed", "30003")


def test_the_older_name_of_a_status_is_read():
    assert parse_status([("MessageSid", "SM1"), ("SmsStatus", "delivered")]).status == "delivered"


@pytest.mark.parametrize("status", ["received", "receiving", "nonsense", ""])
def test_a_status_that_is_none_of_ours_is_named(status):
    with pytest.raises(InvalidPayload, match="MessageStatus"):
        parse_status([("MessageSid", "SM1"), ("MessageStatus", status)])


def test_a_status_without_its_message_is_named():
    with pytest.raises(InvalidPayload, match="MessageSid"):
        parse_status([("MessageStatus", "read")])


@pytest.mark.parametrize("body", [b"\xff\xfe=1", b"&".join([b"a=1"] * 1001)])
def test_a_body_that_is_no_form_is_refused(body):
    with pytest.raises(InvalidPayload, match="form"):
        form_pairs(body)
