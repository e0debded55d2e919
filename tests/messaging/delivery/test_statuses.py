"""Callbacks late, doubled, out of order, before the answer, of an earlier attempt."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from django.utils import timezone

from activity.models import Event
from core.tenancy import every_organization, organization_scope
from customers.models import Consent
from messaging.delivery import request as attempt
from messaging.delivery import sending, statuses
from messaging.delivery.settling import settle_sent
from messaging.intake import processing
from messaging.models import Arrival, Channel, Conversation, Message
from messaging.threads import services as conversations
from tests.fakes.twilio import FakeTwilio, Step
from tests.messaging.conftest import (
    Webhooks,
    arrived,
    current,
    in_threads,
    make_due,
    status_params,
    work,
)

SID = "SM" + "a" * 32


@pytest.fixture
def sent(queue: Any, twilio: FakeTwilio, webhooks: Webhooks) -> Message:
    message = queue()
    sending.deliver_due()
    message = current(message)
    assert message.status == "sent"
    return message


def reread(message: Message) -> Conversation:
    with every_organization("the test looks"):
        return Conversation.objects.get(pk=message.conversation_id)


class TestOrder:
    @pytest.mark.parametrize("order", list(permutations(["sent", "delivered", "read"])))
    def test_whatever_the_order_it_is_read(self, order: tuple[str, ...], sent: Message, webhooks: Webhooks):
        for status in order:
            assert webhooks.status(status_params(sent.provider_message_id, status)).status_code == 200
            work()
        message = current(sent)
        assert message.status == "read"
        assert message.read_at is not None
        assert message.delivered_at is not None
        assert {arrival.state for arrival in arrived()} == {Arrival.State.DONE}
        assert reread(sent).last_message_status == "read"

    def test_read_may_come_alone(self, sent: Message, webhooks: Webhooks):
        webhooks.status(status_params(sent.provider_message_id, "read"))
        work()
        assert current(sent).status == "read"

    def test_a_doubled_callback_changes_nothing(self, sent: Message, webhooks: Webhooks):
        for _ in range(2):
            webhooks.status(status_params(sent.provider_message_id, "delivered"))
        work()
        assert len(arrived()) == 1
        with organization_scope(sent.organization):
            assert Event.objects.filter(type="message.delivered").count() == 1

    def test_what_goes_back_is_noted_and_not_applied(self, sent: Message, webhooks: Webhooks):
        webhooks.status(status_params(sent.provider_message_id, "read"))
        work()
        webhooks.status(status_params(sent.provider_message_id, "failed", ErrorCode="30005"))
        work()
        assert current(sent).status == "read"
        assert arrived()[-1].outcome == "ignored: the message is read already"

    @pytest.mark.parametrize("status", ["cancelled", "failed"])
    def test_the_end_is_the_end(self, status: str, sent: Message, webhooks: Webhooks):
        with every_organization("the test sets the scene"):
            Message.objects.filter(pk=sent.pk).update(status=status)
        webhooks.status(status_params(sent.provider_message_id, "delivered"))
        work()
        assert current(sent).status == status


class TestEarlyAndUnknown:
    def test_a_callback_before_the_answer(self, queue: Any, twilio: FakeTwilio, webhooks: Webhooks, monkeypatch: Any):
        message = queue()
        real = settle_sent

        def callback_is_quicker(claimed: Message, result: Any) -> None:
            webhooks.status(status_params(result.provider_message_id, "delivered"), message=message)
            processing.process_due()
            assert current(message).status == "delivered"
            real(claimed, result)

        monkeypatch.setattr(attempt, "settle_sent", callback_is_quicker)
        sending.deliver_due()
        message = current(message)
        assert (message.status, message.provider_message_id) == ("delivered", twilio.store.all()[0].sid)
        assert message.due_at is None

    def test_an_id_that_nobody_knows_yet_waits(self, queue: Any, twilio: FakeTwilio, webhooks: Webhooks):
        message = queue()
        webhooks.status(status_params(SID, "delivered"))
        work()
        (arrival,) = arrived()
        assert (arrival.state, arrival.attempts) == (Arrival.State.PENDING, 1)
        with every_organization("the answer comes"):
            Message.objects.filter(pk=message.pk).update(provider_message_id=SID, status="sent")
        make_due(Arrival)
        work()
        assert current(message).status == "delivered"

    def test_one_that_nobody_ever_knows_is_set_aside(self, whatsapp: Channel, webhooks: Webhooks):
        webhooks.status(status_params(SID, "delivered"))
        for _ in processing.WAITS_FOR_ID:
            work()
            make_due(Arrival)
        work()
        assert arrived()[0].state == Arrival.State.SET_ASIDE

    def test_our_own_id_goes_before_the_providers(self, queue: Any, webhooks: Webhooks):
        message = queue()
        webhooks.status(status_params(SID, "delivered"), message=message)
        work()
        assert (current(message).status, current(message).provider_message_id) == ("delivered", SID)

    def test_our_id_finds_the_channel_by_any_sender_of_the_provider(self, queue: Any, webhooks: Webhooks):
        message = queue()
        params = status_params(SID, "delivered", From="whatsapp:+15005559999", AccountSid="AC" + "9" * 32)
        assert webhooks.status(params, message=message).status_code == 200
        work()
        assert current(message).status == "delivered"

    @pytest.mark.parametrize("query", ["?message=nonsense", "?message=", "?message=%00&x=1", "?other=1"])
    def test_another_query_is_no_error(self, query: str, sent: Message, webhooks: Webhooks):
        params = status_params(sent.provider_message_id, "delivered")
        assert webhooks.post(f"/webhooks/twilio/status{query}", params).status_code == 200
        work()
        assert current(sent).status == "delivered"

    def test_somebody_elses_message_is_out_of_reach(self, queue: Any, charlie: Any, webhooks: Webhooks):
        from tests.messaging.conftest import make_channel

        message = queue()
        make_channel(charlie.organization, address="+15005550007", credentials={
            "account_sid": "AC" + "2" * 32, "auth_token": "theirs"})  # fmt: skip
        params = status_params(SID, "failed", From="whatsapp:+15005550007")
        assert webhooks.status(params, message=message, token="theirs").status_code == 403
        assert webhooks.status(params, token="theirs").status_code == 200
        work()
        assert current(message).status == "queued"


class TestLateFailures:
    def fail(self, message: Message, code: str, webhooks: Webhooks, status: str = "undelivered") -> Message:
        params = status_params(message.provider_message_id, status, ErrorCode=code)
        webhooks.status(params, message=message)
        processing.process_due()
        return current(message)

    def test_a_passing_one_is_tried_again(self, sent: Message, webhooks: Webhooks, twilio: FakeTwilio):
        first = sent.provider_message_id
        message = self.fail(sent, "30003", webhooks)
        assert (message.status, message.error_code, message.provider_message_id) == ("queued", "30003", "")
        assert message.extra["earlier_ids"] == [first]
        assert timedelta(seconds=25) < message.due_at - timezone.now() < timedelta(seconds=35)
        assert reread(message).last_outbound_at is None, "it was not said"
        make_due()
        sending.deliver_due()
        message = current(message)
        assert message.status == "sent"
        assert message.provider_message_id not in ("", first)

    def test_late_words_about_the_earlier_attempt(self, sent: Message, webhooks: Webhooks):
        first = sent.provider_message_id
        message = self.fail(sent, "30003", webhooks)
        webhooks.status(status_params(first, "sent"))
        webhooks.status(status_params(first, "failed", ErrorCode="30005"), message=sent)
        work()
        assert current(message).status == "queued"
        webhooks.status(status_params(first, "delivered"), message=sent)
        work()
        message = current(message)
        assert (message.status, message.due_at) == ("delivered", None), "it arrived: nothing is sent a second time"

    def test_a_failure_of_the_earlier_attempt_does_not_fail_the_second(self, sent: Message, webhooks: Webhooks):
        first = sent.provider_message_id
        self.fail(sent, "30003", webhooks)
        make_due()
        sending.deliver_due()
        webhooks.status(status_params(first, "failed", ErrorCode="30005"), message=sent)
        work()
        assert current(sent).status == "sent"

    def test_a_bad_number_is_final(self, sent: Message, webhooks: Webhooks):
        message = self.fail(sent, "30005", webhooks)
        assert (message.status, message.error_code, message.due_at) == ("failed", "30005", None)
        assert "out of service" in message.error_message
        assert reread(message).last_message_status == "failed"

    def test_a_block_stops_the_channel_for_them(self, sent: Message, webhooks: Webhooks, queue: Any):
        waiting = queue("later", not_before_at=timezone.now() + timedelta(hours=1))
        assert self.fail(sent, "63014", webhooks).status == "failed"
        assert current(waiting).status == "cancelled"
        with organization_scope(sent.organization):
            row = Consent.objects.get()
            assert (row.is_granted, row.how, row.proof) == (False, "the provider says so (63014)", str(sent.pk))

    def test_what_the_administrator_has_to_mend_marks_the_channel(self, sent: Message, webhooks: Webhooks, queue: Any):
        message = self.fail(sent, "63020", webhooks)
        assert message.status == "failed"
        assert current(sent).channel.last_error.startswith("63020: ")
        assert current(sent).channel.last_error_at is not None
        queue("again")
        sending.deliver_due()
        assert current(sent).channel.last_error == "", "it works again"

    def test_the_one_waiting_is_waited_for_again(self, sent: Message, webhooks: Webhooks):
        assert reread(sent).waiting_since is None
        message = self.fail(sent, "30005", webhooks)
        assert reread(message).waiting_since == reread(message).last_inbound_at


class TestAnIdThatWasGuessed:
    def test_the_provider_names_another_message(self, queue: Any, webhooks: Webhooks):
        guessed, real = queue("Hi"), queue("Hi")
        with every_organization("reconciling took the one for the other"):
            Message.objects.filter(pk=guessed.pk).update(status="sent", provider_message_id=SID, due_at=None)
            Message.objects.filter(pk=real.pk).update(status="unconfirmed", request_began_at=timezone.now())
        webhooks.status(status_params(SID, "delivered"), message=real)
        work()
        assert (current(real).status, current(real).provider_message_id) == ("delivered", SID)
        assert (current(guessed).status, current(guessed).provider_message_id) == ("unconfirmed", "")
        assert {arrival.state for arrival in arrived()} == {Arrival.State.DONE}


@pytest.mark.django_db(transaction=True)
def test_callbacks_all_at_once(queue: Any, twilio: FakeTwilio, webhooks: Webhooks):
    twilio.plan(Step(statuses=(), times=0))
    messages = [queue(f"text {number}") for number in range(4)]
    sending.deliver_due()
    messages = [current(message) for message in messages]
    for status in ("sent", "delivered", "read"):
        in_threads(lambda n, s=status: webhooks.status(status_params(messages[n].provider_message_id, s)), 4)
    claimed = arrived()
    in_threads(lambda number: processing.process(claimed[number]), len(claimed))
    assert {current(message).status for message in messages} == {"read"}


class TestTheSimulator:
    """A provider that foretells statuses, and whose ids are the same at each attempt."""

    def test_statuses_come_when_their_time_has_come(self, make_conversation: Any, alice: Any):
        conversation = make_conversation(kind="sms")
        with organization_scope(alice.organization):
            from messaging.delivery import queue as outbound

            message = outbound.queue_message(conversation=conversation, body="Hello", actor=alice.actor)
        sending.deliver_due()
        assert current(message).status == "sent"
        make_due(Arrival)
        processing.process_due()
        assert current(message).status in ("delivered", "read")

    def test_a_second_attempt_is_reported_too(self, make_conversation: Any, alice: Any):
        from messaging.delivery import queue as outbound

        conversation = make_conversation(kind="sms")
        with organization_scope(alice.organization):
            message = outbound.queue_message(conversation=conversation, body="Hello", actor=alice.actor)
        sending.deliver_due()
        with every_organization("it failed after all"):
            statuses.fail(current(message), statuses.Failure("30003", "Off.", statuses.Retry.LATER))
        make_due()
        sending.deliver_due()
        assert current(message).status == "sent"
        with every_organization("the test looks"):
            make_due(Arrival)
        processing.process_due()
        assert current(message).status in ("delivered", "read")
        assert not arrived(state=Arrival.State.SET_ASIDE)


def test_an_answer_ends_the_waiting_only_for_what_came_before_it(sent: Message):
    with organization_scope(sent.organization):
        later = timezone.now() + timedelta(minutes=1)
        Conversation.objects.update(last_inbound_at=later, waiting_since=later)
        conversations.record_answer(sent.conversation_id, at=timezone.now())
        assert reread(sent).waiting_since == later
        conversations.record_answer(sent.conversation_id, at=later)
        assert reread(sent).waiting_since is None


def test_a_failure_whose_outcome_nobody_knows_is_unconfirmed_and_not_sent_again(sent: Message, twilio: FakeTwilio):
    failure = statuses.Failure("30022", "Perhaps it left.", statuses.Retry.RECONCILE)
    requests = len(twilio.store.requests)
    with organization_scope(sent.organization):
        statuses.advance(message_id=sent.pk, status="failed", failure=failure)
    message = current(sent)
    assert (message.status, message.error_message) == ("unconfirmed", "Perhaps it left.")
    assert message.due_at > timezone.now()
    sending.deliver_due()
    assert len(twilio.store.requests) == requests
