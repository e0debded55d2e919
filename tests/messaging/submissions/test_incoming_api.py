"""`POST /webhooks/{channel}`: messages that an authenticated system hands in."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from core.tenancy import organization_scope
from customers.models import Customer
from messaging.intake import processing
from messaging.models import Message

API = "/api/v1/webhooks"
MAIL = {
    "message_id": "<1@example.com>",
    "from": "Ana Lima <ana@example.com>",
    "subject": "Appointment",
    "body": "Do you have time on Friday?",
    "sent_at": "2026-11-21T09:30:00Z",
}


def test_the_same_message_twice_is_one(alice):
    first, second = alice.api.post(f"{API}/email", MAIL), alice.api.post(f"{API}/email", MAIL)
    assert (first.status_code, first.json()["status"]) == (202, "accepted")
    assert (second.status_code, second.json()["status"]) == (202, "duplicate")
    processing.process_due()
    with organization_scope(alice.organization):
        message = Message.objects.get()
        assert (message.customer.name, message.customer.email) == ("Ana Lima", "ana@example.com")
        assert (message.subject, message.channel.kind) == ("Appointment", "email")


@pytest.mark.parametrize(
    ("channel", "sender"), [("whatsapp", "+447700900201"), ("sms", "07700 900201"), ("web", "kim@example.com")]
)
def test_every_kind_becomes_a_lead(alice, channel, sender):
    answer = alice.api.post(f"{API}/{channel}", {**MAIL, "from": sender})
    assert answer.status_code == 202
    processing.process_due()
    with organization_scope(alice.organization):
        customer = Customer.objects.get()
        assert customer.source == channel
        assert channel in {tag.name for tag in customer.tags.all()}


def test_a_message_from_the_website_can_not_be_answered_there(alice):
    alice.api.post(f"{API}/web", {**MAIL, "from": "kim@example.com"})
    processing.process_due()
    with organization_scope(alice.organization):
        customer = Customer.objects.get()
    answer = alice.api.post(f"/api/v1/inbox/customers/{customer.pk}/send-text", {"body": "Hello", "channel": "web"})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, "channel_cannot_send")
    assert (
        alice.api.post(
            f"/api/v1/inbox/customers/{customer.pk}/send-text", {"body": "x", "channel": "email"}
        ).status_code
        == 201
    )


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"message_id": ""}, "message_id"),
        ({"from": "nobody"}, "from"),
        ({"sent_at": "soon"}, "sent_at"),
        ({"body": ""}, "body"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_kept(alice, change, field):
    answer = alice.api.post(f"{API}/email", {**MAIL, **change})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"] == field
    assert processing.process_due() == 0


def test_an_unknown_channel_is_a_400(alice):
    assert alice.api.post(f"{API}/pigeon", MAIL).status_code == 400


def test_the_same_id_in_two_organizations_is_two_messages(alice, charlie):
    for who in (alice, charlie):
        assert who.api.post(f"{API}/email", MAIL).json()["status"] == "accepted"
    processing.process_due()
    for who in (alice, charlie):
        with organization_scope(who.organization):
            assert Message.objects.count() == 1


def test_a_counselor_does_not_write_in_customers_names(bob):
    assert bob.api.post(f"{API}/email", MAIL).status_code == 403


def test_without_credentials_nothing_is_taken(db):
    assert APIClient().post(f"{API}/email", MAIL).status_code == 401
