"""What Twilio calls: verified with the channel's own token, stored, answered; kept whatever happens."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core import sweeps
from core.encryption import encrypt
from core.tenancy import every_organization, organization_scope
from messaging.intake import processing
from messaging.intake import webhook_views as views
from messaging.models import Arrival, Channel, Message
from messaging.settings import services as channels
from tests.fakes.twilio import ACCOUNT_SID, AUTH_TOKEN
from tests.messaging.conftest import (
    OUR_NUMBER,
    Webhooks,
    arrived,
    current,
    in_threads,
    inbound_params,
    make_channel,
    make_due,
    messages_of,
    sign,
    sms_params,
    status_params,
    work,
)

FORM = "application/x-www-form-urlencoded"


class TestVerification:
    def test_a_wrong_signature_is_refused_and_nothing_is_stored(self, whatsapp: Channel, webhooks: Webhooks):
        assert webhooks.whatsapp(signature="AAAA").status_code == 403
        assert webhooks.whatsapp(token="another token").status_code == 403
        assert arrived() == []

    def test_a_missing_signature_is_refused(self, whatsapp: Channel, webhooks: Webhooks):
        assert webhooks.whatsapp(signature="").status_code == 403
        assert arrived() == []

    def test_the_token_of_another_organization_is_refused(self, whatsapp: Channel, charlie: Any, webhooks: Webhooks):
        theirs = {"account_sid": "AC" + "2" * 32, "auth_token": "their token"}
        make_channel(charlie.organization, address="+15005550007", credentials=theirs)
        assert webhooks.whatsapp(token="their token").status_code == 403
        status = status_params("SM" + "1" * 32, "read")
        assert webhooks.status(status, token="their token").status_code == 403
        assert arrived() == []

    def test_of_two_organizations_with_one_number_the_signature_tells_whose(
        self, whatsapp: Channel, charlie: Any, webhooks: Webhooks
    ):
        theirs = make_channel(charlie.organization, credentials={"account_sid": ACCOUNT_SID, "auth_token": "theirs"})
        webhooks.whatsapp(token="theirs")
        webhooks.whatsapp()
        work()
        assert {arrival.channel_id for arrival in arrived(state=Arrival.State.DONE)} == {whatsapp.pk, theirs.pk}
        assert len(messages_of(whatsapp.organization)) == len(messages_of(charlie.organization)) == 1

    def test_repeated_values_are_signed_and_kept(self, whatsapp: Channel, webhooks: Webhooks):
        params = [*inbound_params().items(), ("Note", "one"), ("Note", "two")]
        assert webhooks.whatsapp(params).status_code == 200
        work()
        (message,) = messages_of(whatsapp.organization)
        assert message.extra["Note"] == ["one", "two"]

    def test_the_check_can_be_switched_off(self, whatsapp: Channel, webhooks: Webhooks, settings: Any):
        settings.TWILIO_VALIDATE_SIGNATURE = False
        assert webhooks.whatsapp(signature="").status_code == 200
        work()
        assert len(messages_of(whatsapp.organization)) == 1

    def test_a_token_that_cannot_be_read_keeps_the_delivery(self, whatsapp: Channel, webhooks: Webhooks, settings: Any):
        settings.ENCRYPTION_KEYS = ["b3RoZXJrZXktb3RoZXJrZXktb3RoZXJrZXktMDAwMDA="]
        assert webhooks.whatsapp().status_code == 200
        (arrival,) = arrived()
        assert arrival.state == Arrival.State.UNROUTABLE
        assert "ENCRYPTION_KEYS" in arrival.last_error

    @pytest.mark.parametrize("method", ["get", "put", "delete", "patch"])
    def test_only_post(self, method: str, db: Any):
        assert getattr(Client(), method)("/webhooks/twilio/whatsapp").status_code == 405


class TestStoring:
    def test_two_queries_and_no_more(self, whatsapp: Channel, webhooks: Webhooks):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            webhooks.whatsapp()
        asked = [query["sql"] for query in queries if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))]
        assert len(asked) == 2

    def test_the_same_delivery_twice_is_one(self, whatsapp: Channel, webhooks: Webhooks):
        for _ in range(3):
            assert webhooks.whatsapp().status_code == 200
        assert len(arrived()) == 1

    def test_a_large_body_is_refused(self, whatsapp: Channel, webhooks: Webhooks):
        assert webhooks.whatsapp(inbound_params(Body="x" * 70_000)).status_code == 413
        assert arrived() == []

    def test_a_large_body_without_a_length_is_refused(self, rf: Any, whatsapp: Channel):
        body = urlencode(inbound_params(Body="x" * 70_000))
        request = rf.post("/webhooks/twilio/whatsapp", body, content_type=FORM)
        request.META["CONTENT_LENGTH"] = ""
        request._read_started = False
        request._body = body.encode()
        assert views.receive(request, provider="twilio", hook="whatsapp").status_code == 413

    @pytest.mark.parametrize("value", ["a\x00b", "😀" * 100, "\u202e‮", "x" * 5000, "\ufffe"])
    def test_any_text_is_taken_in(self, value: str, whatsapp: Channel, webhooks: Webhooks):
        assert webhooks.whatsapp(inbound_params(Body=value, ProfileName=value, Extra=value)).status_code == 200
        work()
        (arrival,) = arrived()
        assert arrival.state == Arrival.State.DONE
        (message,) = messages_of(whatsapp.organization)
        assert message.body == value.replace("\x00", "")

    @pytest.mark.parametrize("field", ["MessageSid", "To", "AccountSid", "MessagingServiceSid", "From"])
    def test_a_nul_anywhere_is_no_error(self, field: str, whatsapp: Channel, webhooks: Webhooks):
        params = inbound_params(MessagingServiceSid="MG" + "0" * 32)
        params[field] += "\x00"
        assert webhooks.whatsapp(params).status_code == 200
        work()
        assert len(arrived()) == 1

    def test_bytes_that_are_no_text_are_kept(self, db: Any, settings: Any):
        settings.TWILIO_VALIDATE_SIGNATURE = False
        answer = Client().post("/webhooks/twilio/sms", b"Body=\xff\xfe%ed%a0%80", content_type=FORM)
        assert answer.status_code == 200
        (arrival,) = arrived()
        assert bytes(arrival.body) == b"Body=\xff\xfe%ed%a0%80"

    def test_an_id_of_any_length_is_stored(self, whatsapp: Channel, webhooks: Webhooks):
        assert webhooks.whatsapp(inbound_params("SM" + "é" * 250)).status_code == 200
        assert webhooks.whatsapp(inbound_params("SM" + "é" * 252)).status_code == 200
        work()
        assert sorted(arrival.state for arrival in arrived()) == ["done", "done"]
        assert len(messages_of(whatsapp.organization)) == 2


class TestUnroutable:
    def test_it_is_kept_and_replayed_when_the_channel_exists(self, alice: Any, webhooks: Webhooks):
        assert webhooks.whatsapp().status_code == 200
        work()
        (arrival,) = arrived()
        assert (arrival.state, arrival.channel, arrival.due_at) == (Arrival.State.UNROUTABLE, None, None)
        assert not processing.replay(arrival)
        channel = make_channel(alice.organization)
        assert processing.replay(arrival)
        assert not processing.replay(arrival), "a second click does nothing"
        work()
        arrival.refresh_from_db()
        assert (arrival.state, arrival.organization) == (Arrival.State.DONE, alice.organization)
        assert [message.channel_id for message in messages_of(alice.organization)] == [channel.pk]

    def test_twilio_delivering_again_makes_no_second_message(self, alice: Any, webhooks: Webhooks):
        webhooks.whatsapp()
        make_channel(alice.organization)
        webhooks.whatsapp()
        processing.replay(arrived(state=Arrival.State.UNROUTABLE)[0])
        work()
        assert len(messages_of(alice.organization)) == 1
        assert len(arrived(state=Arrival.State.DONE)) == 2

    def test_a_status_is_replayed_too(self, thread: Any, queue: Any, alice: Any, webhooks: Webhooks, settings: Any):
        message = queue()
        sid = "SM" + "5" * 32
        with every_organization("the channel is away for a moment"):
            Message.objects.filter(pk=message.pk).update(status="sent", due_at=None, provider_message_id=sid)
            Channel.objects.filter(provider="twilio").update(provider="simulator")
        webhooks.status(status_params(sid, "delivered"), message=message)
        (arrival,) = arrived()
        assert arrival.state == Arrival.State.UNROUTABLE
        with every_organization("the channel is back"):
            Channel.objects.filter(address=OUR_NUMBER).update(provider="twilio")
        assert processing.replay(arrival)
        work()
        assert current(message).status == "delivered"

    def test_what_nobody_verified_never_stands_in_the_way(self, alice: Any, webhooks: Webhooks):
        """Somebody who guessed an id can't have the real message taken for a second one."""
        webhooks.whatsapp(inbound_params(Body="forged"), signature="AAAA")
        make_channel(alice.organization)
        webhooks.whatsapp(inbound_params(Body="real"))
        work()
        assert [message.body for message in messages_of(alice.organization)] == ["real"]

    def test_a_channel_that_is_deleted_leaves_its_arrivals(self, alice: Any, whatsapp: Channel, webhooks: Webhooks):
        webhooks.whatsapp()
        with organization_scope(alice.organization):
            channels.delete(channel=whatsapp, actor=alice.actor)
        work()
        (arrival,) = arrived()
        assert arrival.state == Arrival.State.UNROUTABLE
        make_channel(alice.organization)
        assert processing.replay(arrival)
        work()
        assert len(messages_of(alice.organization)) == 1


class TestFailures:
    def test_what_cannot_be_read_is_set_aside_and_replayed(self, whatsapp: Channel, webhooks: Webhooks):
        webhooks.whatsapp(inbound_params(NumMedia="many"))
        work()
        (arrival,) = arrived()
        assert arrival.state == Arrival.State.SET_ASIDE
        assert "NumMedia" in arrival.last_error
        assert processing.replay(arrival)
        work()
        arrival.refresh_from_db()
        assert arrival.state == Arrival.State.SET_ASIDE

    def test_a_fault_of_ours_is_tried_again_and_at_last_set_aside(
        self, whatsapp: Channel, webhooks: Webhooks, monkeypatch: Any
    ):
        def fail(**_: Any) -> None:
            raise RuntimeError("a fault with a NUL \x00 and a lone \ud800")

        monkeypatch.setattr("messaging.intake.inbound.receive", fail)
        webhooks.whatsapp()
        for _ in processing.RETRIES:
            work()
            assert arrived()[0].state == Arrival.State.PENDING
            assert make_due(Arrival) == 1
        work()
        (arrival,) = arrived()
        assert arrival.state == Arrival.State.SET_ASIDE
        assert arrival.due_at is None
        assert "RuntimeError: a fault" in arrival.last_error
        monkeypatch.undo()
        assert processing.replay(arrival)
        work()
        assert len(messages_of(whatsapp.organization)) == 1

    def test_one_that_fails_leaves_nothing_behind(self, whatsapp: Channel, webhooks: Webhooks, monkeypatch: Any):
        monkeypatch.setattr("messaging.threads.services.record_inbound", lambda *_, **__: 1 / 0)
        webhooks.whatsapp()
        work()
        assert messages_of(whatsapp.organization) == []
        with organization_scope(whatsapp.organization):
            assert not whatsapp.conversations.exists()

    def test_a_worker_that_lost_its_claim_leaves_nothing_behind(
        self, whatsapp: Channel, webhooks: Webhooks, monkeypatch: Any
    ):
        webhooks.whatsapp()
        real = processing._process

        def slept_past_the_lease(arrival: Arrival, channel: Channel) -> Any:
            changes = real(arrival, channel)
            Arrival.objects.filter(pk=arrival.pk).update(claim_token=None)
            return changes

        monkeypatch.setattr(processing, "_process", slept_past_the_lease)
        work()
        assert messages_of(whatsapp.organization) == []

    def test_the_channel_of_a_setting_that_is_no_tag_still_takes_messages(
        self, whatsapp: Channel, webhooks: Webhooks, settings: Any
    ):
        settings.KEYWORD_TAGS_JSON = {"hello": "x" * 200, "": "all", "hell": "no", "Hello": ""}
        webhooks.whatsapp()
        work()
        assert arrived()[0].state == Arrival.State.DONE

    def test_stopping_gives_back_what_was_not_begun(self, whatsapp: Channel, webhooks: Webhooks, monkeypatch: Any):
        for number in range(3):
            webhooks.whatsapp(inbound_params(f"SM{number:032d}"))
        asked = iter([False])
        monkeypatch.setattr(sweeps, "stopping", lambda: next(asked, True))
        assert processing.process_due() == 1
        monkeypatch.undo()
        rows = arrived(state=Arrival.State.PENDING)
        assert len(rows) == 2
        assert all(row.claim_token is None and row.attempts == 0 for row in rows)
        work()
        assert len(messages_of(whatsapp.organization)) == 3


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_six_equal_deliveries_are_one_message(self, whatsapp: Channel, webhooks: Webhooks):
        answers = in_threads(lambda _: webhooks.whatsapp().status_code, 6)
        assert answers == [200] * 6
        in_threads(lambda _: processing.process_due(), 3)
        assert len(arrived()) == 1
        assert len(messages_of(whatsapp.organization)) == 1

    def test_eight_first_messages_of_one_number_are_one_customer(
        self, alice: Any, whatsapp: Channel, webhooks: Webhooks
    ):
        for number in range(8):
            webhooks.whatsapp(inbound_params(f"SM{number:032d}"))
        claimed = arrived()
        in_threads(lambda number: processing.process(claimed[number]), 8)
        assert {arrival.state for arrival in arrived()} == {Arrival.State.DONE}
        received = messages_of(alice.organization)
        assert len(received) == 8
        assert len({message.customer_id for message in received}) == 1
        assert len({message.conversation_id for message in received}) == 1
        with organization_scope(alice.organization):
            conversation = whatsapp.conversations.get()
            assert conversation.unread_count == 8
            assert conversation.customer.code == "C001" or conversation.customer.code.startswith("C0")

    def test_eight_workers_share_what_came_in(self, alice: Any, whatsapp: Channel, webhooks: Webhooks):
        for number in range(40):
            webhooks.whatsapp(inbound_params(f"SM{number:032d}", From=f"whatsapp:+150055502{number:02d}"))
        assert sum(in_threads(lambda _: processing.process_due(), 4)) == 40
        received = messages_of(alice.organization)
        assert len(received) == len({message.customer_id for message in received}) == 40


def test_the_key_of_a_body_without_an_id_is_its_hash(whatsapp: Channel, webhooks: Webhooks):
    params = sms_params()
    del params["MessageSid"]
    make_channel(whatsapp.organization, "sms")
    assert webhooks.sms(params).status_code == 200
    (arrival,) = arrived()
    assert hashlib.sha256(bytes(arrival.body)).hexdigest() in arrival.key
    work()
    assert arrived()[0].state == Arrival.State.SET_ASIDE


def test_a_secret_is_not_stored_in_the_clear(whatsapp: Channel):
    with connection.cursor() as cursor:
        cursor.execute("SELECT credentials FROM messaging_channel WHERE provider = 'twilio'")
        (stored,) = cursor.fetchone()
    assert AUTH_TOKEN not in stored
    assert encrypt({"a": 1}) != encrypt({"a": 1})


def test_signing_is_as_documented():
    """The documentation's own example."""
    params = {"CallSid": "CA1234567890ABCDE", "Digits": "1234", "From": "+14158675309", "To": "+18005551212"}
    params["Caller"] = "+14158675309"
    assert sign("https://mycompany.com/myapp.php?foo=1&bar=2", params, "12345") == "RSOYDt4T1cUTdK1PDd93/VVr8B8="
