"""What nobody verified is never taken for somebody's words, does not stay for ever, and is in nobody's way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.tenancy import organization_scope
from messaging.inbound_deliveries import store
from messaging.intake import processing, unverified
from messaging.models import Arrival, Channel
from messaging.settings import services as channels
from tests.fakes.twilio import ACCOUNT_SID, AUTH_TOKEN
from tests.messaging.conftest import (
    OUR_NUMBER,
    Webhooks,
    arrived,
    inbound_params,
    make_channel,
    messages_of,
    status_params,
    work,
)

OTHER_KEY = "b3RoZXJrZXktb3RoZXJrZXktb3RoZXJrZXktMDAwMDA="


def replayed(arrival: Arrival) -> bool:
    is_tried = processing.replay(arrival)
    work()
    arrival.refresh_from_db()
    return is_tried


class TestReplay:
    @pytest.mark.parametrize(
        "given",
        [
            {"signature": ""},
            {"signature": "AAAA"},
            {"token": "another token"},
            {"token": ""},
        ],
    )
    def test_what_does_not_verify_is_never_processed(self, alice: Any, webhooks: Webhooks, given: dict[str, str]):
        webhooks.whatsapp(inbound_params(Body="STOP"), **given)
        (arrival,) = arrived()
        make_channel(alice.organization)
        for _ in range(3):
            assert not replayed(arrival)
        assert arrival.state == Arrival.State.UNVERIFIED
        assert "signature" in arrival.last_error
        assert (arrival.organization_id, arrival.channel_id) == (None, None)
        assert not messages_of(alice.organization)

    @pytest.mark.parametrize("kind", ["whatsapp", "sms"])
    def test_what_does_is_processed(self, alice: Any, webhooks: Webhooks, kind: str):
        getattr(webhooks, kind)()
        (arrival,) = arrived()
        make_channel(alice.organization, kind)
        assert replayed(arrival)
        assert arrival.state == Arrival.State.DONE
        assert len(messages_of(alice.organization)) == 1

    def test_a_status_is_verified_too(self, alice: Any, webhooks: Webhooks, thread: Any, queue: Any):
        message = queue()
        with organization_scope(alice.organization):
            type(message).objects.filter(pk=message.pk).update(status="sent", due_at=None)
            Channel.objects.filter(provider="twilio").update(provider="simulator")
        webhooks.status(status_params("SM" + "5" * 32, "failed"), message=message, signature="forged")
        with organization_scope(alice.organization):
            Channel.objects.filter(address=OUR_NUMBER).update(provider="twilio")
        assert not replayed(arrived()[0])
        message.refresh_from_db()
        assert message.status == "sent"

    def test_a_body_or_an_address_that_was_changed_does_not_verify(self, alice: Any, webhooks: Webhooks):
        webhooks.whatsapp()
        webhooks.whatsapp(inbound_params("SM" + "2" * 32))
        first, second = arrived()
        Arrival.objects.filter(pk=first.pk).update(body=bytes(first.body).replace(b"Hello", b"Other"))
        changed = {**second.proof, "url": "http://testserver/else", "path": "/else"}
        Arrival.objects.filter(pk=second.pk).update(proof=changed)
        make_channel(alice.organization)
        for arrival in arrived():
            assert not replayed(arrival)
        assert not messages_of(alice.organization)

    def test_a_wrong_token_can_be_corrected(self, alice: Any, webhooks: Webhooks):
        webhooks.whatsapp()
        (arrival,) = arrived()
        wrong = {"account_sid": ACCOUNT_SID, "auth_token": "typo"}
        channel = make_channel(alice.organization, credentials=wrong)
        assert not replayed(arrival)
        assert channel.name in arrival.last_error
        with organization_scope(alice.organization):
            channels.update(channel=channel, actor=alice.actor, changes={"credentials": {"auth_token": AUTH_TOKEN}})
        assert replayed(arrival)
        assert len(messages_of(alice.organization)) == 1

    def test_a_token_that_could_not_be_read_when_it_came(self, whatsapp: Channel, webhooks: Webhooks, settings: Any):
        right = settings.ENCRYPTION_KEYS
        settings.ENCRYPTION_KEYS = [OTHER_KEY]
        webhooks.whatsapp()
        webhooks.whatsapp(inbound_params("SM" + "2" * 32, Body="forged"), signature="AAAA")
        genuine, forged = arrived()
        assert not replayed(genuine)
        assert "ENCRYPTION_KEYS" in genuine.last_error
        settings.ENCRYPTION_KEYS = right
        assert replayed(genuine)
        assert not replayed(forged)
        assert [message.body for message in messages_of(whatsapp.organization)] == ["Hello"]

    def test_it_goes_to_whose_token_signed_it(self, alice: Any, charlie: Any, webhooks: Webhooks):
        """Two organizations wrote down the same number; only one of them has its token."""
        webhooks.whatsapp(token="charlies token")
        (arrival,) = arrived()
        make_channel(alice.organization)
        theirs = {"account_sid": ACCOUNT_SID, "auth_token": "charlies token"}
        make_channel(charlie.organization, credentials=theirs)
        assert replayed(arrival)
        assert (len(messages_of(alice.organization)), len(messages_of(charlie.organization))) == (0, 1)

    def test_what_was_verified_and_lost_its_channel_stays_with_its_organization(
        self, alice: Any, charlie: Any, whatsapp: Channel, webhooks: Webhooks
    ):
        webhooks.whatsapp()
        with organization_scope(alice.organization):
            channels.delete(channel=whatsapp, actor=alice.actor)
        work()
        (arrival,) = arrived()
        make_channel(charlie.organization)
        assert not replayed(arrival)
        assert not messages_of(charlie.organization)

    @pytest.mark.parametrize("proof", [None, {}, [], "x", {"signature": "x"}, {"signature": 1, "url": 2}])
    def test_old_ones_without_a_signature_stay_unverified(self, alice: Any, webhooks: Webhooks, proof: Any):
        webhooks.whatsapp()
        Arrival.objects.update(proof=proof)
        make_channel(alice.organization)
        (arrival,) = arrived()
        assert not replayed(arrival)
        assert arrival.state == Arrival.State.UNVERIFIED
        assert "never processed" in arrival.last_error


class TestBounds:
    def test_the_oldest_goes_first_and_nothing_is_refused(self, db: Any, webhooks: Webhooks, monkeypatch: Any):
        monkeypatch.setattr(store, "MAX_UNVERIFIED", 3)
        answers = [webhooks.whatsapp(inbound_params(f"SM{number:032d}")).status_code for number in range(5)]
        assert answers == [200] * 5
        kept = [bytes(arrival.body).partition(b"&")[0] for arrival in arrived()]
        assert kept == [b"MessageSid=SM%032d" % number for number in (2, 3, 4)]

    def test_one_account_does_not_push_another_away(self, db: Any, webhooks: Webhooks, monkeypatch: Any):
        monkeypatch.setattr(store, "MAX_UNVERIFIED_OF_AN_ACCOUNT", 2)
        webhooks.whatsapp(inbound_params("SM" + "f" * 32, AccountSid="AC" + "1" * 32))
        for number in range(5):
            webhooks.whatsapp(inbound_params(f"SM{number:032d}"))
        assert [arrival.account_id for arrival in arrived()] == ["AC" + "1" * 32, ACCOUNT_SID, ACCOUNT_SID]

    def test_a_flood_pushes_nothing_away_that_was_verified(
        self, alice: Any, whatsapp: Channel, webhooks: Webhooks, monkeypatch: Any
    ):
        monkeypatch.setattr(store, "MAX_UNVERIFIED", 1)
        webhooks.whatsapp(inbound_params(NumMedia="many"))
        webhooks.whatsapp(inbound_params("SM" + "2" * 32))
        work()
        for number in range(3):
            webhooks.sms({**inbound_params(f"SM{number:032d}"), "To": "+15005550999", "From": "+15005550101"})
        states = sorted(arrival.state for arrival in arrived())
        assert states == ["done", "set_aside", "unroutable"]

    def test_they_expire(self, alice: Any, whatsapp: Channel, webhooks: Webhooks):
        webhooks.whatsapp()
        for number in range(3):
            webhooks.sms(inbound_params(f"SM{number:032d}"))
        work()
        old, older, young = arrived(organization=None)
        for arrival, age in ((old, unverified.RETENTION + timedelta(minutes=1)), (older, timedelta(days=30))):
            Arrival.objects.filter(pk=arrival.pk).update(received_at=timezone.now() - age)
        Arrival.objects.filter(pk=young.pk).update(
            received_at=timezone.now() - unverified.RETENTION + timedelta(minutes=1)
        )
        Arrival.objects.filter(pk=older.pk).update(state=Arrival.State.UNVERIFIED)
        assert processing.purge_old() == 2
        assert [arrival.state for arrival in arrived()] == ["unroutable", "done"]


def test_the_admin_says_what_it_is_and_what_to_do(alice: Any, webhooks: Webhooks):
    alice.user.is_staff = alice.user.is_superuser = True
    alice.user.save()
    webhooks.whatsapp(signature="AAAA")
    make_channel(alice.organization)
    replay = {"action": "replay", "_selected_action": [str(arrived()[0].pk)]}
    page = alice.client.post("/admin/messaging/arrival/", replay, follow=True).content.decode()
    assert "0 of 1" in page
    assert "Unverified" in page
    shown = alice.client.get(f"/admin/messaging/arrival/{arrived()[0].pk}/change/")
    assert shown.status_code == 200
    assert "auth token" in shown.content.decode()
    assert "AAAA" not in shown.content.decode()
