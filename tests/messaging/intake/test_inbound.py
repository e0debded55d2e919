"""From a provider's words to a message in a conversation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from activity.actor import SYSTEM
from activity.models import Event
from core.tenancy import every_organization, organization_scope
from customers.models import Consent, Customer
from customers.people.consent import services as consent
from customers.people.identities.services import InvalidAddress
from messaging.channels.base import Kind, ReceivedMessage
from messaging.delivery import checks, sending
from messaging.delivery import queue as outbound
from messaging.delivery import request as attempt
from messaging.intake import inbound
from messaging.models import Channel, Conversation, Message
from messaging.threads import services as conversations
from tests.messaging.conftest import (
    OUR_NUMBER,
    THEIR_NUMBER,
    current,
    make_channel,
    open_thread,
)


def a_message(number: int = 1, **more: Any) -> ReceivedMessage:
    given = {"to": OUR_NUMBER, "sender": THEIR_NUMBER, "sender_name": "Ada", "body": "Hello", **more}
    return ReceivedMessage(kind=given.pop("kind", Kind.WHATSAPP), provider_message_id=f"SM{number:032d}", **given)


def receive(channel: Channel, number: int = 1, at: Any = None, **more: Any) -> Message:
    with organization_scope(channel.organization):
        return inbound.receive(channel=channel, received=a_message(number, **more), received_at=at)


def tags_of(customer: Customer) -> set[str]:
    with every_organization("the test looks"):
        return {tag.name for tag in customer.tags.all()}


def fresh(customer: Customer) -> Customer:
    with every_organization("the test looks"):
        return Customer.objects.select_related("stage").get(pk=customer.pk)


def thread_of(message: Message) -> Conversation:
    with every_organization("the test looks"):
        return Conversation.objects.select_related("channel", "customer").get(pk=message.conversation_id)


class TestANewLead:
    def test_somebody_unknown_becomes_a_lead(self, whatsapp: Channel):
        customer = receive(whatsapp).customer
        assert (customer.name, customer.phone, customer.source) == ("Ada", THEIR_NUMBER, "whatsapp")
        assert (customer.status, customer.stage.key, customer.assigned_to) == ("lead", "new", None)
        assert tags_of(customer) == {"whatsapp", "new_lead"}

    def test_without_a_name_the_number_is_the_name(self, whatsapp: Channel, sms: Channel):
        assert receive(whatsapp, sender_name="").customer.name == f"WhatsApp lead {THEIR_NUMBER}"
        other = receive(sms, kind=Kind.SMS, sender_name=" ", sender="+15005550102").customer
        assert other.name == "SMS lead +15005550102"

    def test_an_advertisement_is_kept_and_does_not_change_the_source(self, whatsapp: Channel):
        message = receive(whatsapp, referral={"source_type": "ad" * 60, "headline": "Spring"})
        assert message.customer.source == "whatsapp"
        assert message.referral["headline"] == "Spring"

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            ("+5511987654321", "+551187654321"),
            ("+5491123456789", "+541123456789"),
            ("+5215512345678", "+525512345678"),
        ],
    )
    def test_national_variants_are_one_customer(self, first: str, second: str, whatsapp: Channel):
        assert receive(whatsapp, 1, sender=first).customer_id == receive(whatsapp, 2, sender=second).customer_id
        assert thread_of(receive(whatsapp, 3, sender=second)).address == second, "replies go where they wrote from"

    def test_a_person_without_a_number_is_known_by_the_user_id(self, whatsapp: Channel):
        first = receive(whatsapp, 1, sender="", sender_user_id="US.0001")
        assert first.address == "US.0001"
        second = receive(whatsapp, 2, sender=THEIR_NUMBER, sender_user_id="US.0001")
        assert receive(whatsapp, 3, sender=THEIR_NUMBER).customer_id == second.customer_id

    def test_an_address_that_no_column_holds_is_refused_before_the_database_is(self, whatsapp: Channel):
        with pytest.raises(InvalidAddress, match="longer than 254"):
            receive(whatsapp, sender="", sender_user_id="U" * 300)

    def test_the_same_number_in_two_organizations_is_two_customers(self, whatsapp: Channel, charlie: Any):
        other = make_channel(charlie.organization)
        assert receive(whatsapp).customer_id != receive(other).customer_id


class TestTheConversation:
    def test_what_the_list_shows(self, whatsapp: Channel):
        message = receive(whatsapp, body="Do you have\n time?")
        conversation = thread_of(message)
        assert conversation.last_message_preview == "Do you have time?"
        assert (conversation.last_message_direction, conversation.last_message_status) == ("inbound", "received")
        assert conversation.unread_count == 1
        assert conversation.waiting_since == conversation.last_inbound_at == message.created_at

    @pytest.mark.parametrize("status", ["resolved", "snoozed"])
    def test_it_opens_again_and_comes_on_top(self, status: str, whatsapp: Channel):
        first = receive(whatsapp)
        with organization_scope(whatsapp.organization):
            until = timezone.now() + timedelta(days=1) if status == "snoozed" else None
            conversations.set_status(conversation=thread_of(first), status=status, actor=SYSTEM, snoozed_until=until)
        second = receive(whatsapp, 2)
        conversation = thread_of(second)
        assert (conversation.status, conversation.snoozed_until, conversation.unread_count) == ("open", None, 2)
        assert conversation.last_message_id == second.pk
        with organization_scope(whatsapp.organization):
            assert Event.objects.filter(type="conversation.opened", payload__again=True).count() == 1

    def test_one_that_comes_late_does_not_push_a_newer_away(self, whatsapp: Channel):
        newest = receive(whatsapp, 1)
        receive(whatsapp, 2, at=timezone.now() - timedelta(minutes=5))
        conversation = thread_of(newest)
        assert conversation.last_message_id == newest.pk
        assert conversation.last_inbound_at == newest.created_at
        assert conversation.unread_count == 2

    def test_the_same_message_twice_is_one(self, whatsapp: Channel):
        assert receive(whatsapp).pk == receive(whatsapp).pk
        assert thread_of(receive(whatsapp)).unread_count == 1

    def test_a_reply_names_what_it_answers(self, whatsapp: Channel):
        first = receive(whatsapp, 1)
        assert receive(whatsapp, 2, reply_to=f"SM{1:032d}").reply_to_id == first.pk
        assert receive(whatsapp, 3, reply_to="SMunknown").extra["reply_to"] == "SMunknown"


class TestTagsAndStage:
    def test_keywords_are_whole_words_in_any_case(self, whatsapp: Channel, settings: Any):
        settings.KEYWORD_TAGS_JSON = {"now": "urgent", "price": "pricing", "c++": "code"}
        assert tags_of(receive(whatsapp, 1, body="I know").customer) == {"whatsapp", "new_lead"}
        customer = receive(whatsapp, 2, body="The PRICE, now! In c++").customer
        assert tags_of(customer) == {"whatsapp", "new_lead", "urgent", "pricing", "code"}

    def test_the_organization_adds_its_own(self, alice: Any, whatsapp: Channel):
        whatsapp.organization.keyword_tags = {"botox": "Botox"}
        assert "Botox" in tags_of(receive(whatsapp, body="About botox.").customer)

    def test_somebody_known_gets_no_new_lead(self, whatsapp: Channel, make_customer: Any):
        customer = make_customer(phone=THEIR_NUMBER)
        receive(whatsapp)
        assert tags_of(customer) == {"whatsapp"}

    def test_new_becomes_engaged_for_somebody_known_only(self, whatsapp: Channel):
        customer = receive(whatsapp).customer
        assert fresh(customer).stage.key == "new"
        receive(whatsapp, 2)
        assert fresh(customer).stage.key == "engaged"

    def test_a_pack_without_that_stage_stays(self, charlie: Any):
        channel = make_channel(charlie.organization)
        customer = receive(channel).customer
        receive(channel, 2)
        assert fresh(customer).stage.key == "new"


class TestStopAndStart:
    def test_stop_is_written_down_cancels_and_refuses(self, whatsapp: Channel, thread: Conversation, queue: Any):
        waiting = queue(not_before_at=timezone.now() + timedelta(hours=1))
        stop = receive(whatsapp, body=" Stop. ")
        with organization_scope(whatsapp.organization):
            row = Consent.objects.get()
            assert (row.channel, row.is_granted, row.how, row.proof) == ("whatsapp", False, "wrote STOP", str(stop.pk))
        assert current(waiting).status == "cancelled"
        assert current(waiting).error_message == "the customer opted out"
        with pytest.raises(checks.OptedOut):
            queue()

    def test_a_claimed_message_does_not_leave_after_stop(
        self, whatsapp: Channel, queue: Any, twilio: Any, monkeypatch: Any
    ):
        message = queue()
        real = attempt._prepare

        def stop_comes_now(claimed: Message) -> Any:
            prepared = real(claimed)
            receive(whatsapp, body="STOP")
            return prepared

        monkeypatch.setattr(attempt, "_prepare", stop_comes_now)
        sending.deliver_due()
        assert current(message).status == "cancelled"
        assert twilio.store.all() == []

    def test_start_opts_in_again(self, whatsapp: Channel, thread: Conversation, queue: Any):
        receive(whatsapp, 1, body="STOP")
        receive(whatsapp, 2, body="stop")
        receive(whatsapp, 3, body="START")
        with organization_scope(whatsapp.organization):
            assert list(Consent.objects.order_by("created_at").values_list("is_granted", flat=True)) == [False, True]
        assert queue().status == "queued"

    def test_start_answers_an_opt_out_of_every_channel(self, whatsapp: Channel, thread: Conversation, queue: Any):
        with organization_scope(whatsapp.organization):
            customer = thread.customer
            receive(whatsapp, 1, body="START")
            consent.change(customer=customer, channel="", is_granted=False, how="told us", actor=SYSTEM)
            with pytest.raises(checks.OptedOut):
                queue()
            receive(whatsapp, 2, body="START")
        assert queue().status == "queued"

    def test_only_that_channel_is_stopped(self, whatsapp: Channel, sms: Channel, thread: Conversation, queue: Any):
        receive(whatsapp, body="STOP")
        other = open_thread(sms, thread.customer)
        assert queue(conversation=other).status == "queued"

    @pytest.mark.parametrize("text", ["stop it please", "Please cancel my visit", "starting", ""])
    def test_a_longer_text_is_no_stop(self, text: str, whatsapp: Channel):
        receive(whatsapp, body=text)
        with organization_scope(whatsapp.organization):
            assert not Consent.objects.exists()

    @pytest.mark.parametrize("text", ["ARRÊT", "Désabonner", "baja", "PARAR", "Stop!", "“stop”", "opt out"])
    def test_translations_count(self, text: str, whatsapp: Channel):
        receive(whatsapp, body=text)
        with organization_scope(whatsapp.organization):
            assert Consent.objects.get().is_granted is False

    def test_the_provider_may_say_it(self, whatsapp: Channel):
        receive(whatsapp, body="basta con i messaggi", opt_out="STOP")
        with organization_scope(whatsapp.organization):
            assert Consent.objects.get().is_granted is False


class TestWhatWaitsForSilence:
    def test_it_is_cancelled_when_they_write(self, whatsapp: Channel, thread: Conversation, queue: Any):
        later = timezone.now() + timedelta(hours=1)
        reminder, other = queue(not_before_at=later, cancel_on_inbound=True), queue(not_before_at=later)
        receive(whatsapp)
        assert (current(reminder).status, current(other).status) == ("cancelled", "queued")
        with organization_scope(whatsapp.organization):
            event = Event.objects.get(type="message.cancelled")
            assert event.payload["reason"] == "the customer wrote"

    def test_one_that_a_worker_holds_but_has_not_begun_is_cancelled(
        self, whatsapp: Channel, queue: Any, twilio: Any, monkeypatch: Any
    ):
        reminder = queue(cancel_on_inbound=True)
        real = attempt._prepare

        def they_write_now(claimed: Message) -> Any:
            prepared = real(claimed)
            receive(whatsapp)
            return prepared

        monkeypatch.setattr(attempt, "_prepare", they_write_now)
        sending.deliver_due()
        assert current(reminder).status == "cancelled"
        assert twilio.store.all() == []

    def test_one_that_has_begun_goes_out(self, whatsapp: Channel, queue: Any, twilio: Any, monkeypatch: Any):
        reminder = queue(cancel_on_inbound=True)
        real = attempt._send

        def they_write_now(*given: Any) -> None:
            receive(whatsapp)
            real(*given)

        monkeypatch.setattr(attempt, "_send", they_write_now)
        sending.deliver_due()
        assert current(reminder).status == "sent"


def test_a_message_costs_the_same_queries_however_much_is_there(whatsapp: Channel, thread: Conversation, queue: Any):
    def count(number: int) -> int:
        with CaptureQueriesContext(connection) as queries:
            receive(whatsapp, number)
        return len(queries)

    receive(whatsapp, 1)
    receive(whatsapp, 2)
    few = count(3)
    for number in range(4, 30):
        receive(whatsapp, number)
        queue(f"answer {number}")
    assert count(40) == few
    assert few <= 30


def test_nothing_of_another_organization_is_touched(whatsapp: Channel, charlie: Any):
    theirs = receive(make_channel(charlie.organization))
    receive(whatsapp, body="STOP")
    with organization_scope(charlie.organization):
        assert not Consent.objects.exists()
        outbound.queue_message(conversation=thread_of(theirs), body="Hello", actor=SYSTEM)
    with organization_scope(whatsapp.organization):
        assert not Message.objects.filter(pk=theirs.pk).exists()
