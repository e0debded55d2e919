"""Input that no database takes, or that is far too long, is a clear refusal everywhere and never a 500."""

from __future__ import annotations

import pytest

from core.tenancy import organization_scope
from messaging.intake import processing
from messaging.models import Message

BAD = ["\x00", "a\x00b"]


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize(
    "path", ["inbox/?q=", "customers/?q=", "customers/?stage=", "simulator/?person=", "inbox/changes/?open="]
)
def test_pages_refuse_it_in_a_query(alice, path, bad):
    assert alice.client.get(alice.url(path) + bad.replace("\x00", "%00")).status_code == 400


@pytest.mark.parametrize("bad", BAD)
def test_pages_refuse_it_in_a_form(alice, make_conversation, bad):
    conversation = make_conversation(alice)
    customer = conversation.customer_id
    for path, body in (
        (f"inbox/{conversation.pk}/note/", {"body": bad, "mode": "note"}),
        (f"inbox/{conversation.pk}/draft/note/", {"body": bad, "version": "0"}),
        (f"customers/{customer}/field/", {"field": "name", "value": bad}),
        (f"customers/{customer}/tags/add/", {"tag": bad}),
        ("customers/new/", {"name": bad}),
    ):
        assert alice.client.post(alice.url(path), body).status_code == 400
    assert alice.client.post("/sign-in/", {"email": bad, "password": bad}).status_code == 400


@pytest.mark.parametrize("bad", ["\\u0000", "\\ud800"])
def test_the_api_refuses_it_and_names_the_field(alice, bad):
    body = f'{{"name": "x", "address": {{"city": "{bad}"}}}}'
    answer = alice.api.post("/api/v1/customers", body, content_type="application/json")
    assert answer.status_code == 400
    assert "address.city" in answer.json()["errors"][0]["detail"]
    settings = f'{{"kind": "sms", "provider": "simulator", "name": "x", "address": "+1", "settings": {{"a": "{bad}"}}}}'
    assert alice.api.post("/api/v1/channels", settings, content_type="application/json").status_code == 400
    assert alice.api.get("/api/v1/customers?q=%00").status_code == 400


def test_what_systems_hand_in_is_cleaned_and_kept(alice):
    body = (
        '{"message_id": "1", "from": "+447700900201", "body": "a\\u0000b\\ud800c", "sent_at": "2026-11-21T09:30:00Z"}'
    )
    assert alice.api.post("/api/v1/webhooks/sms", body, content_type="application/json").status_code == 202
    processing.process_due()
    with organization_scope(alice.organization):
        text = Message.objects.get().body
    assert text.startswith("a")
    assert "b" in text
    assert "\x00" not in text


@pytest.mark.parametrize(("field", "length"), [("name", 201), ("phone", 500), ("email", 500)])
def test_what_is_too_long_for_a_field_says_so(alice, make_customer, field, length):
    url = alice.url(f"customers/{make_customer().pk}/field/")
    assert alice.htmx.post(url, {"field": field, "value": "9" * length}).status_code == 422
