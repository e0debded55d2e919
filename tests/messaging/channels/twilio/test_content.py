"""Content templates with their approval, read from the Content API."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.channels.abilities import ContentTemplate, HasContent
from messaging.channels.base import Kind, Retry, SendError
from messaging.channels.registry import provider
from messaging.channels.twilio import content, content_types
from tests.fakes.twilio import ACCOUNT_SID, Content

twilio_provider = provider("twilio")


def listed(account: Any) -> list[ContentTemplate]:
    assert isinstance(twilio_provider, HasContent)
    return list(twilio_provider.list_content(account))


def shown(twilio: Any, account: Any, **types: Any) -> ContentTemplate:
    twilio.contents[:] = [
        Content(types={name.replace("__", "/").replace("_", "-"): data for name, data in types.items()})
    ]
    [one] = listed(account)
    return one


def test_a_template_comes_with_its_approval(twilio, whatsapp_account):
    updated = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
    twilio.contents.append(
        Content(
            "visit",
            "pt_BR",
            {"twilio/text": {"body": "Olá {{1}}, às {{2}}"}},
            {"2": "9:00", "1": "Zoë"},
            {"category": "UTILITY", "status": "rejected", "rejection_reason": "Looks like marketing."},
            updated_at=updated,
        )
    )
    [one] = listed(whatsapp_account)
    assert one == ContentTemplate(
        id=twilio.contents[0].sid,
        name="visit",
        language="pt_BR",
        kind="text",
        body="Olá {{1}}, às {{2}}",
        variables={"1": "Zoë", "2": "9:00"},
        status="rejected",
        category="utility",
        reason="Looks like marketing.",
        media=[],
        actions=[],
        updated_at=updated,
    )
    assert list(one.variables) == ["1", "2"]


def test_one_that_was_never_handed_in_is_unsubmitted(twilio, whatsapp_account):
    twilio.contents.append(Content(approval=None))
    [one] = listed(whatsapp_account)
    assert (one.status, one.category, one.reason) == ("unsubmitted", "", "")


def test_every_page_is_read_and_none_twice(twilio, whatsapp_account, monkeypatch):
    monkeypatch.setattr(content, "PAGE_SIZE", 3)
    twilio.contents.extend(Content(f"t{number}") for number in range(10))
    twilio.contents.append(Content("foreign", account_sid="AC" + "9" * 32))
    assert [one.name for one in listed(whatsapp_account)] == [f"t{number}" for number in range(10)]


def test_a_list_without_an_end_is_given_up(twilio, whatsapp_account, monkeypatch):
    monkeypatch.setattr(content, "PAGE_SIZE", 1)
    monkeypatch.setattr(content, "MAX_PAGES", 3)
    twilio.contents.extend(Content(f"t{number}") for number in range(5))
    with pytest.raises(SendError) as caught:
        listed(whatsapp_account)
    assert (caught.value.code, caught.value.retry) == ("unreadable", Retry.LATER)


def test_quick_replies(twilio, whatsapp_account):
    actions = [{"type": "QUICK_REPLY", "title": "Yes", "id": "yes-{{2}}"}, {"title": "No"}]
    one = shown(twilio, whatsapp_account, twilio__quick_reply={"body": "Coming?", "actions": actions})
    assert (one.kind, one.body) == ("quick-reply", "Coming?")
    assert one.actions == [
        {"kind": "quick_reply", "text": "Yes", "value": "yes-{{2}}"},
        {"kind": "quick_reply", "text": "No", "value": ""},
    ]
    assert one.variables == {"1": "Zoë", "2": ""}


def test_a_list_to_pick_from(twilio, whatsapp_account):
    items = [{"id": "s1", "item": "Tuesday", "description": "9:00"}]
    one = shown(twilio, whatsapp_account, twilio__list_picker={"body": "When?", "button": "Times", "items": items})
    assert one.actions == [
        {"kind": "list", "text": "Times", "value": ""},
        {"kind": "list_item", "text": "Tuesday", "value": "s1"},
    ]


def test_calls_to_action(twilio, whatsapp_account):
    actions = [
        {"type": "URL", "title": "Plan", "url": "https://example.com/{{3}}"},
        {"type": "PHONE_NUMBER", "title": "Call", "phone": "+15005550006"},
        {"type": "COPY_CODE", "title": "Code", "code": "X1"},
        {"type": "VOICE_CALL_REQUEST", "title": "May we call?"},
    ]
    one = shown(twilio, whatsapp_account, twilio__call_to_action={"body": "Hi", "actions": actions})
    assert [(action["kind"], action["value"]) for action in one.actions] == [
        ("url", "https://example.com/{{3}}"),
        ("phone_number", "+15005550006"),
        ("copy_code", "X1"),
        ("voice_call_request", ""),
    ]
    assert "3" in one.variables


@pytest.mark.parametrize(
    ("name", "data", "kind", "body", "media"),
    [
        ("twilio__media", {"body": "See {{1}}", "media": ["https://x.example/a.png"]}, "media", "See {{1}}", 1),
        ("twilio__media", {"media": ["https://x.example/a.pdf"]}, "media", "visit_reminder", 1),
        ("twilio__card", {"title": "Title", "subtitle": "Below", "media": ["https://x/1"]}, "card", "Title\nBelow", 1),
        ("whatsapp__card", {"header_text": "H", "body": "B", "footer": "F"}, "card", "H\nB\nF", 0),
        ("twilio__flows", {"body": "B", "subtitle": "S", "media_url": "https://x/1"}, "flows", "B\nS", 1),
        ("whatsapp__flows", {"body": "B", "button_text": "Go", "flow_id": "1"}, "flows", "B", 0),
        ("twilio__location", {"latitude": 1, "longitude": 2, "label": "Here"}, "location", "Here", 0),
        ("twilio__catalog", {"body": "B", "items": [{"id": "1", "media_url": "https://x/1"}]}, "catalog", "B", 1),
        ("twilio__schedule", {"id": "1", "title": "When", "timeSlots": "…"}, "schedule", "When", 0),
        ("acme__poll", {"body": "Which?"}, "acme/poll", "Which?", 0),
        ("acme__poll", {"question": "Which?"}, "acme/poll", "visit_reminder", 0),
        ("twilio__text", None, "text", "visit_reminder", 0),
        ("twilio__text", {"body": 7}, "text", "visit_reminder", 0),
    ],
)
def test_every_type_says_something(twilio, whatsapp_account, name, data, kind, body, media):
    one = shown(twilio, whatsapp_account, **{name: data})
    assert (one.kind, one.body, len(one.media)) == (kind, body, media)


def test_a_carousel_shows_each_card(twilio, whatsapp_account):
    cards = [
        {
            "title": "One",
            "body": "first",
            "media": "https://x/1",
            "actions": [{"type": "URL", "title": "Go", "url": "u"}],
        },
        {"body": "second {{4}}", "media": "https://x/2", "actions": []},
    ]
    one = shown(twilio, whatsapp_account, twilio__carousel={"body": "Look", "cards": cards})
    assert (one.body, one.media) == ("Look\nOne\nfirst\nsecond {{4}}", ["https://x/1", "https://x/2"])
    assert one.actions == [{"kind": "url", "text": "Go", "value": "u"}]
    assert "4" in one.variables


def test_a_code_says_what_whatsapp_says(twilio, whatsapp_account):
    data = {
        "add_security_recommendation": True,
        "code_expiration_minutes": 5,
        "actions": [{"type": "COPY_CODE", "copy_code_text": "Copy"}],
    }
    one = shown(twilio, whatsapp_account, whatsapp__authentication=data)
    assert one.body.startswith("{{1}} is your verification code.")
    assert "5 minutes" in one.body
    assert one.actions == [{"kind": "copy_code", "text": "Copy", "value": ""}]


def test_of_several_types_the_channels_own_is_reported(twilio, whatsapp_account):
    types = {
        "twilio/text": {"body": "plain"},
        "twilio/quick-reply": {"body": "rich"},
        "whatsapp/card": {"body": "card"},
    }
    twilio.contents.append(Content(types=types))
    assert [one.body for one in listed(whatsapp_account)] == ["card"]
    assert [one.body for one in listed(replace(whatsapp_account, kind=Kind.SMS))] == ["plain"]
    twilio.contents[:] = [Content(types={name: types[name] for name in ("twilio/text", "twilio/quick-reply")})]
    assert [one.body for one in listed(whatsapp_account)] == ["rich"]


@pytest.mark.parametrize("credentials", [{}, {"account_sid": ACCOUNT_SID, "auth_token": "old"}])
def test_credentials_that_are_wrong_are_for_the_administrators(twilio, whatsapp_account, credentials):
    with pytest.raises(SendError) as caught:
        listed(replace(whatsapp_account, credentials=credentials))
    assert caught.value.retry is Retry.FIX


def test_a_twilio_out_of_reach_is_asked_again(twilio, whatsapp_account):
    twilio.stop()
    with pytest.raises(SendError) as caught:
        listed(whatsapp_account)
    assert caught.value.retry is Retry.LATER


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
PARTS = st.sampled_from(["body", "media", "actions", "cards", "items", "title", "code_expiration_minutes", "button"])


@given(st.sampled_from([*content_types._READERS, "acme/poll"]), st.dictionaries(PARTS, JSON) | JSON, JSON)
def test_whatever_a_type_holds_it_is_read(name, data, samples):
    shape = content_types.shape(name, data)
    assert len(shape.body) <= content_types.MAX_BODY_LENGTH + 200
    assert all(isinstance(url, str) for url in shape.media)
    content._variables(samples, shape)
    content._moment(samples)
    content._approval(samples)
