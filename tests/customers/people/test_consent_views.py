"""Consent written down by staff, and writing to somebody from their page."""

from __future__ import annotations

import pytest

from core.tenancy import organization_scope
from customers.models import Consent
from customers.people.consent import services as consent
from messaging.models import Conversation

pytestmark = pytest.mark.django_db


def test_consent_is_written_down_once_and_shown(bob, make_customer):
    customer = make_customer(bob)
    url = bob.url(f"customers/{customer.pk}/consents/")
    data = {"is_granted": "no", "purpose": "messages", "channel": "sms", "how": "told the reception"}
    for _ in range(2):
        assert bob.client.post(url, data).status_code == 302
    assert bob.client.post(url, data | {"how": ""}).status_code == 302
    with organization_scope(bob.organization):
        row = Consent.objects.get()
        assert (row.channel, row.is_granted, row.actor_label) == ("sms", False, bob.actor.label)
        assert consent.is_opted_out(customer=customer, channel="sms")
    assert "told the reception" in bob.client.get(bob.url(f"customers/{customer.pk}/")).content.decode()


def test_the_ledger_through_the_api(alice, bob, charlie, make_customer):
    customer = make_customer(alice)
    url = f"/api/v1/customers/{customer.pk}/consents"
    body = {"purpose": "financial_inference", "is_granted": True, "how": "signed a form", "proof": "form 12"}
    assert alice.api.post(url, body, format="json").status_code == 201
    alice.api.post(url, body | {"is_granted": False, "how": "by letter"}, format="json")
    assert [row["is_granted"] for row in alice.api.get(url).data] == [False, True]
    with organization_scope(alice.organization):
        assert not consent.is_opted_out(customer=customer, channel="sms"), "another purpose"
        assert [row.how for row in consent.in_force(customer=customer)] == ["by letter"]
    wrong = alice.api.post(url, body | {"channel": "pigeon"}, format="json")
    assert (wrong.status_code, wrong.data["errors"][0]["attr"]) == (400, "channel")
    for stranger in (bob, charlie):
        assert stranger.api.get(url).status_code == 404
        assert stranger.api.post(url, body, format="json").status_code == 404


def test_writing_opens_a_thread_where_there_is_an_address(bob, alice, charlie, make_customer):
    customer = make_customer(bob)
    page = bob.client.get(bob.url(f"customers/{customer.pk}/")).content.decode()
    assert 'value="whatsapp"' in page
    assert 'name="kind" value="email"' not in page
    url = bob.url(f"inbox/write/{customer.pk}/")
    for _ in range(2):
        answer = bob.client.post(url, {"kind": "sms"})
    with organization_scope(bob.organization):
        conversation = Conversation.objects.get()
    assert answer.headers["Location"] == bob.url(f"inbox/{conversation.pk}/")
    for kind in ("email", "pigeon", ""):
        assert bob.client.post(url, {"kind": kind}).headers["Location"] == bob.url(f"customers/{customer.pk}/")
    not_bobs = make_customer(alice)
    for stranger in (bob, charlie):
        assert stranger.client.post(bob.url(f"inbox/write/{not_bobs.pk}/"), {"kind": "sms"}).status_code == 404
