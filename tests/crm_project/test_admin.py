"""The admin console: every model, joined lists, no secrets, and walls between organizations."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client
from twilio.request_validator import RequestValidator

from activity.models import Event
from core.encryption import EncryptedJSONField
from core.tenancy import organization_scope
from messaging.channels.abilities import Proof
from messaging.inbound_deliveries.store import store
from messaging.intake import processing
from messaging.models import Arrival, Channel
from messaging.settings import services as channels
from tests.conftest import PASSWORD

OURS = {"accounts", "activity", "customers", "messaging", "workflows", "analytics"}


@pytest.fixture
def superuser(alice):
    alice.user.is_staff = alice.user.is_superuser = True
    alice.user.save()
    return alice.client


def path(model, rest=""):
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/{rest}"


def test_every_model_is_registered():
    missing = [m for m in apps.get_models() if m._meta.app_label in OURS and not admin.site.is_registered(m)]
    assert missing == []


# One row or a handful, or searched from elsewhere.
FEW_OR_OWN = ("heartbeat", "installation", "receipt", "signinattempt")


def test_every_list_can_be_searched_or_has_few_rows():
    for model, registered in admin.site._registry.items():
        if model._meta.app_label in OURS and model._meta.model_name not in FEW_OR_OWN:
            assert registered.search_fields, model


@pytest.mark.parametrize("rows", [1, 15])
def test_lists_take_the_same_queries_for_any_number_of_rows(
    superuser, make_conversation, rows, django_assert_max_num_queries
):
    for _ in range(rows):
        make_conversation()
    for name in ("customers/customer", "customers/identity", "messaging/conversation", "activity/event"):
        with django_assert_max_num_queries(9):
            assert superuser.get(f"/admin/{name}/").status_code == 200


def test_no_form_shows_a_secret(superuser, alice):
    with organization_scope(alice.organization):
        channel = channels.create(
            organization=alice.organization,
            actor=alice.actor,
            kind="sms",
            provider="twilio",
            name="Line",
            address="+15005550006",
            credentials={"account_sid": "AC" + "0" * 32, "auth_token": "top-secret-token"},
        )
    page = superuser.get(path(Channel, f"{channel.pk}/change/")).content.decode()
    assert "auth_token" in page
    assert "top-secret-token" not in page
    for model, registered in admin.site._registry.items():
        for field in model._meta.fields:
            if isinstance(field, EncryptedJSONField):
                assert field.name in registered.get_exclude(None)


def test_the_ledger_can_only_be_read(superuser, alice):
    with organization_scope(alice.organization):
        event = Event.objects.first()
    assert superuser.post(path(Event, f"{event.pk}/change/"), {"type": "x"}).status_code == 403
    assert superuser.post(path(Event, f"{event.pk}/delete/"), {"post": "yes"}).status_code == 403
    assert superuser.get(path(Event, "add/")).status_code == 403


def test_members_without_staff_do_not_enter(alice):
    assert alice.client.get("/admin/").status_code == 302


def test_staff_who_are_no_superusers_see_what_they_administer(alice, charlie, make_customer):
    make_customer(name="Of the clinic")
    for who in (alice, charlie):
        who.user.is_staff = True
        who.user.save()
    assert b"Of the clinic" in alice.client.get("/admin/customers/customer/").content
    assert b"Of the clinic" not in charlie.client.get("/admin/customers/customer/").content
    assert charlie.client.get("/admin/accounts/user/").status_code == 403
    with organization_scope(alice.organization):
        channel = Channel.objects.first()
    assert charlie.client.get(path(Channel, f"{channel.pk}/change/")).status_code == 302
    assert alice.client.post(path(Channel, f"{channel.pk}/change/"), {"name": "x"}).status_code == 403


def test_an_arrival_without_a_channel_is_shown_and_replayed_once_there_is_one(superuser, alice):
    body = b"From=%2B15005550101&To=%2B15005550006&Body=Hi&MessageSid=SM1&AccountSid=AC1"
    url = "https://crm.example/webhooks/twilio/sms"
    store(
        key="lost",
        provider="twilio",
        kind="sms",
        arrival_type=Arrival.Type.MESSAGE,
        body=body,
        proof=Proof(
            signature=RequestValidator("t").compute_signature(url, dict(parse_qsl(body.decode()))),
            url=url,
            path="/webhooks/twilio/sms",
            content_type="application/x-www-form-urlencoded",
        ),
    )
    lost = Arrival.objects.get()
    assert b"unroutable" in superuser.get("/admin/messaging/arrival/?state__exact=unroutable").content.lower()
    replay = {"action": "replay", "_selected_action": [str(lost.pk)]}
    assert b"0 of 1" in superuser.post("/admin/messaging/arrival/", replay, follow=True).content
    with organization_scope(alice.organization):
        channels.create(
            organization=alice.organization,
            actor=alice.actor,
            kind="sms",
            provider="twilio",
            name="Line",
            address="+15005550006",
            credentials={"account_sid": "AC1", "auth_token": "t"},
        )
    assert b"1 of 1" in superuser.post("/admin/messaging/arrival/", replay, follow=True).content
    processing.process_due()
    lost.refresh_from_db()
    assert lost.state == Arrival.State.DONE


def test_the_admin_has_no_door_of_its_own(alice):
    answer = Client().post("/admin/login/", {"username": alice.user.email, "password": PASSWORD})
    assert answer.url == "/sign-in/?next=/admin/"
    assert alice.client.get("/admin/login/").status_code == 403
