"""Every kind of inbound message, and whatever else may come."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.channels.base import InvalidPayload, Kind, Media, ReceivedMessage
from messaging.channels.twilio.payload import form_pairs, parse_inbound, parse_status

PAYLOADS = Path(__file__).parents[1] / "payloads"
MINIMAL = {"MessageSid": "SM1", "From": "whatsapp:+15005550101", "Body": ""}
NAMES = [
    *("MessageSid", "From", "To", "Body", "NumMedia", "MediaUrl0", "MediaContentType0", "MediaFilename0", "Latitude"),
    *("Longitude", "ExternalUserId", "ButtonText", "ButtonPayload", "ListId", "MessageType", "ReferralBody"),
    *("MessageStatus", "SmsStatus", "ErrorCode", "OptOutType"),
]


def own(name: str) -> ReceivedMessage:
    return parse_inbound(form_pairs(json.loads((PAYLOADS / f"twilio-{name}.json").read_text())["form"]))


def parsed(**params: str) -> ReceivedMessage:
    return parse_inbound(list({**MINIMAL, **params}.items()))


@pytest.mark.parametrize(
    ("name", "content_type", "body"),
    [
        ("voice", "audio/ogg; codecs=opus", ""),
        ("video", "video/mp4", "From the garden"),
        ("document", "application/pdf", "Offer March.pdf"),
        ("sticker", "image/webp", ""),
        ("contact", "text/vcard", ""),
    ],
)
def test_a_file_of_every_kind(name, content_type, body):
    message = own(f"whatsapp-{name}")
    [file] = message.media
    assert (file.content_type, message.body) == (content_type, body)
    assert file.url.startswith("https://api.twilio.com/")
    assert message.extra["MessageType"]


def test_the_name_of_a_document_is_no_path():
    assert own("whatsapp-document").media[0].filename == "Offer March.pdf"
    stated = parsed(NumMedia="1", MediaUrl0="https://x/1", MediaFilename0="C:\\a\\b\n.pdf")
    assert stated.media == [Media("https://x/1", "", "b .pdf")]


def test_a_quoted_message_names_the_one_that_it_quotes():
    message = own("whatsapp-quoted")
    assert message.reply_to == "SM" + "b" * 32
    assert message.extra["OriginalRepliedMessageSender"] == "whatsapp:+447700900999"
    assert "context" in message.extra["ChannelMetadata"]


def test_the_permission_to_call_is_seen_and_all_of_it_kept():
    message = own("whatsapp-calls-allowed")
    assert message.button == {"kind": "call_permission", "text": "Calls allowed", "payload": "ACCEPTED"}
    assert message.body == ""
    assert message.extra["ButtonText"] == "VOICE_CALL_REQUEST"
    assert message.extra["ButtonPayload"] == "ACCEPTED"


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"ButtonText": "VOICE_CALL_REQUEST", "ButtonPayload": "REJECTED"}, "Calls not allowed"),
        ({"MessageType": "call_permission_reply", "CallPermissionResponse": "accept"}, "Calls allowed"),
        ({"MessageType": "call_permission_reply", "Response": "declined"}, "Calls not allowed"),
        ({"MessageType": "call_permission"}, "Calls: answered"),
    ],
)
def test_other_answers_about_calls(params, text):
    button = parsed(**params).button
    assert (button["kind"], button["text"]) == ("call_permission", text)


@pytest.mark.parametrize(
    "params",
    [
        {"ButtonText": "Accepted", "ButtonPayload": "ACCEPTED"},
        {"ButtonText": "VOICE_CALL_REQUEST", "ButtonPayload": "slot-1"},
        {"ButtonText": "Call permission", "ButtonPayload": "x"},
    ],
)
def test_a_button_of_our_own_is_no_permission_to_call(params):
    assert parsed(**params).button["kind"] == "button"
    assert parsed(Body="voice_call_request").button == {}


def test_what_we_know_no_kind_for_is_kept():
    message = own("whatsapp-form-answered")
    assert json.loads(message.extra["InteractiveData"]) == {"screen_0_Name_0": "Zoë"}
    assert (message.body, message.button, message.extra["MessageType"]) == ("", {}, "interactive")


def test_a_reaction_is_a_text_in_answer_to_its_message():
    message = own("whatsapp-reaction")
    assert (message.body, message.reply_to) == ("👍🏽", "SM" + "b" * 32)


def test_an_advertisement_keeps_its_campaign():
    message = parsed(
        ReferralSourceId="120210",
        ReferralSourceType="ad",
        ReferralHeadline="20% off",
        ReferralMediaUrl="https://x/a.jpg",
    )
    assert message.referral == {
        "source_id": "120210",
        "source_type": "ad",
        "headline": "20% off",
        "media_url": "https://x/a.jpg",
    }


def test_a_closed_window_is_learnt_from_a_status():
    form = json.loads((PAYLOADS / "twilio-status-window-closed.json").read_text())["form"]
    update = parse_status(form_pairs(form))
    assert (update.status, update.error_code) == ("failed", "63016")
    assert update.extra["ChannelStatusMessage"] == "Outside of the window"


@pytest.mark.parametrize("body", ["🙂" * 1600, "👩‍👩‍👧‍👦" * 200, "שלום עולם 123", "\u202eabc\u202c", "مرحبا\nبك"])
def test_letters_of_every_script_and_direction_stay_as_they_are(body):
    assert parsed(Body=body).body == body


def test_control_characters_and_nul_go_everywhere():
    message = parsed(Body="a\x00\x1b[31mb\u0085", ProfileName="x\x00y", ListTitle="t\x00", Label="z", New="\x00")
    assert (message.body, message.sender_name) == ("a[31mb", "xy")
    assert message.button["text"] == "t"
    assert message.extra["New"] == ""


def test_half_a_letter_is_no_error():
    message = parse_inbound(form_pairs("MessageSid=SM1&From=%2B1&Body=%ff%fe&Half=%ED%A0%BD"))
    assert "\N{REPLACEMENT CHARACTER}" in message.body
    assert message.kind is Kind.SMS


def texts_of(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.items() for one in item for text in texts_of(one)]
    if isinstance(value, list | tuple):
        return [text for one in value for text in texts_of(one)]
    if hasattr(value, "__slots__"):
        return [text for name in value.__slots__ for text in texts_of(getattr(value, name))]
    return [value] if isinstance(value, str) else []


@given(st.lists(st.tuples(st.sampled_from(NAMES) | st.text(max_size=12), st.text(max_size=30)), max_size=20))
def test_whatever_comes_is_read_or_refused_in_words(pairs):
    for parse in (parse_inbound, parse_status):
        with suppress(InvalidPayload):
            result = parse([*pairs, *MINIMAL.items(), ("MessageStatus", "read")])
            "".join(texts_of(result)).encode()  # fit to be stored: no lone surrogate, and no NUL
            assert "\x00" not in "".join(texts_of(result))


@given(st.binary(max_size=300))
def test_whatever_bytes_come_they_are_a_form_or_refused(body):
    with suppress(InvalidPayload):
        parse_inbound(form_pairs(body))
