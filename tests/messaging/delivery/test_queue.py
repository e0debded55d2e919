"""Queued, taken back, tried again; refused with a reason."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from activity.models import Event
from core.tenancy import every_organization, organization_scope
from customers.people.customers import services as customers
from messaging.delivery import checks, confirmation, sending
from messaging.delivery import queue as outbound
from messaging.delivery import request as attempt
from messaging.models import Channel, Conversation, Message
from messaging.settings import services as channels
from tests.messaging.conftest import current, in_threads, make_due, open_thread


def reread(conversation: Conversation) -> Conversation:
    with every_organization("the test looks"):
        return Conversation.objects.select_related("customer__organization", "channel").get(pk=conversation.pk)


class TestRefusals:
    def refused(self, queue: Any, conversation: Conversation, **more: Any) -> str:
        with pytest.raises(checks.SendingRefused) as caught:
            queue(conversation=reread(conversation), **more)
        with organization_scope(conversation.organization):
            assert not Message.objects.exists(), "nothing is queued"
        assert str(caught.value).endswith(".")
        return caught.value.code

    def test_a_customer_who_is_not_to_be_contacted(self, alice: Any, thread: Conversation, queue: Any):
        with organization_scope(alice.organization):
            customers.update(customer=thread.customer, actor=alice.actor, changes={"do_not_contact": True})
        assert self.refused(queue, thread) == "do_not_contact"

    def test_a_channel_that_is_off(self, alice: Any, whatsapp: Channel, thread: Conversation, queue: Any):
        with organization_scope(alice.organization):
            channels.update(channel=whatsapp, actor=alice.actor, changes={"is_enabled": False})
        assert self.refused(queue, thread) == "channel_disabled"

    def test_nobody_to_write_to(self, sms: Channel, make_customer: Any, queue: Any):
        thread = open_thread(sms, make_customer(phone="", email="ada@example.com"))
        assert self.refused(queue, thread) == "missing_address"

    def test_the_window_is_closed_after_24_hours(self, thread: Conversation, queue: Any):
        with organization_scope(thread.organization):
            Conversation.objects.update(last_inbound_at=timezone.now() - timedelta(hours=24, seconds=1))
        assert self.refused(queue, thread) == "window_closed"

    def test_the_window_never_opened(self, whatsapp: Channel, make_customer: Any, queue: Any):
        thread = open_thread(whatsapp, make_customer())
        with organization_scope(thread.organization):
            Conversation.objects.update(last_inbound_at=None)
        assert self.refused(queue, thread) == "window_closed"

    def test_a_scheduled_text_that_would_fall_after_the_window(self, thread: Conversation, queue: Any):
        later = timezone.now() + timedelta(hours=24, minutes=1)
        assert self.refused(queue, thread, not_before_at=later) == "window_closed"

    @pytest.mark.parametrize("body", ["", "  \n", "\x00", "x" * 1601])
    def test_a_text_that_the_channel_does_not_take(self, body: str, queue: Any):
        with pytest.raises(outbound.InvalidText):
            queue(body)

    def test_characters_that_no_database_takes_are_left_out(self, queue: Any):
        assert queue("a\x00b\ud800c").body == "ab\N{REPLACEMENT CHARACTER}c"

    def test_it_is_asked_again_when_it_is_due(self, alice: Any, thread: Conversation, queue: Any, twilio: Any):
        message = queue(not_before_at=timezone.now() + timedelta(hours=1))
        with organization_scope(alice.organization):
            customers.update(customer=thread.customer, actor=alice.actor, changes={"do_not_contact": True})
        make_due()
        sending.deliver_due()
        message = current(message)
        assert (message.status, message.error_code) == ("failed", "do_not_contact")
        assert "do not contact" in message.error_message
        assert twilio.store.requests == []

    def test_the_window_may_close_while_it_waits(self, thread: Conversation, queue: Any, twilio: Any):
        message = queue()
        with organization_scope(thread.organization):
            Conversation.objects.update(last_inbound_at=timezone.now() - timedelta(hours=25))
        sending.deliver_due()
        assert (current(message).status, current(message).error_code) == ("failed", "window_closed")


class TestTakingBack:
    def test_it_waits_for_the_time_to_undo(self, queue: Any, twilio: Any):
        message = queue(undo_for=timedelta(seconds=10))
        sending.deliver_due()
        assert current(message).status == "queued"
        make_due()
        sending.deliver_due()
        assert current(message).status == "sent"

    def test_it_can_be_cancelled_until_it_leaves(self, alice: Any, queue: Any, twilio: Any, thread: Conversation):
        message = queue(undo_for=timedelta(seconds=10))
        with organization_scope(alice.organization):
            outbound.cancel(message=message, actor=alice.actor, reason="undone")
            assert reread(thread).last_message_status == "cancelled"
        make_due()
        sending.deliver_due()
        assert current(message).status == "cancelled"
        assert twilio.store.requests == []

    def test_not_afterwards(self, alice: Any, queue: Any, twilio: Any):
        message = queue()
        sending.deliver_due()
        with organization_scope(alice.organization), pytest.raises(outbound.NotPossible, match="sent"):
            outbound.cancel(message=message, actor=alice.actor)

    def test_twice_is_not_possible(self, alice: Any, queue: Any):
        message = queue()
        with organization_scope(alice.organization):
            outbound.cancel(message=message, actor=alice.actor)
            with pytest.raises(outbound.NotPossible):
                outbound.cancel(message=message, actor=alice.actor)
            assert Event.objects.filter(type="message.cancelled").count() == 1

    def test_a_claim_that_has_not_begun_is_no_obstacle(self, alice: Any, queue: Any, twilio: Any, monkeypatch: Any):
        message = queue()
        real = attempt._prepare

        def undone_now(claimed: Message) -> Any:
            prepared = real(claimed)
            outbound.cancel(message=message, actor=alice.actor)
            return prepared

        monkeypatch.setattr(attempt, "_prepare", undone_now)
        sending.deliver_due()
        assert current(message).status == "cancelled"
        assert twilio.store.requests == []


class TestTryingAgain:
    def failed(self, message: Message, **changes: Any) -> Message:
        with every_organization("the test sets the scene"):
            Message.objects.filter(pk=message.pk).update(**{"status": "failed", "due_at": None, **changes})
        return current(message)

    def test_a_failed_message_is_sent_again(self, alice: Any, queue: Any, twilio: Any):
        message = self.failed(queue(), error_code="21211", attempts=5, provider_message_id="SM1")
        with organization_scope(alice.organization):
            again = outbound.retry(message=message, actor=alice.actor)
        assert (again.status, again.attempts, again.error_code, again.provider_message_id) == ("queued", 0, "", "")
        assert again.extra["earlier_ids"] == ["SM1"]
        sending.deliver_due()
        assert current(message).status == "sent"

    def test_to_the_address_that_they_have_now(self, alice: Any, thread: Conversation, queue: Any):
        message = self.failed(queue())
        with organization_scope(alice.organization):
            Conversation.objects.update(address="+15005550199")
            assert outbound.retry(message=current(message), actor=alice.actor).address == "+15005550199"

    @pytest.mark.parametrize("status", ["queued", "sending", "sent", "delivered", "read", "cancelled"])
    def test_no_other(self, status: str, alice: Any, queue: Any):
        message = self.failed(queue(), status=status)
        with organization_scope(alice.organization), pytest.raises(outbound.NotPossible, match=status):
            outbound.retry(message=message, actor=alice.actor)

    def test_not_where_it_may_not_go_out(self, alice: Any, thread: Conversation, queue: Any):
        message = self.failed(queue())
        with organization_scope(alice.organization):
            Conversation.objects.update(last_inbound_at=None)
            with pytest.raises(checks.WindowClosed):
                outbound.retry(message=current(message), actor=alice.actor)
        assert current(message).status == "failed"

    def test_an_unconfirmed_one_can_be_marked_as_sent(self, alice: Any, thread: Conversation, queue: Any):
        began = timezone.now()
        message = self.failed(queue(), status="unconfirmed", request_began_at=began, due_at=began)
        with organization_scope(alice.organization):
            marked = confirmation.mark_as_sent(message=message, actor=alice.actor)
            assert (marked.status, marked.sent_at, marked.due_at) == ("sent", began, None)
            assert Event.objects.get(type="message.sent").payload["by_hand"] is True
            assert reread(thread).last_outbound_at == began
            with pytest.raises(outbound.NotPossible):
                confirmation.mark_as_sent(message=marked, actor=alice.actor)


@pytest.mark.django_db(transaction=True)
def test_pressing_send_again_six_times_at_once_sends_once(alice: Any, queue: Any, twilio: Any):
    message = queue()
    with every_organization("the test sets the scene"):
        Message.objects.filter(pk=message.pk).update(status="unconfirmed", due_at=None, request_began_at=timezone.now())

    def press(_: int) -> bool:
        with organization_scope(alice.organization):
            try:
                outbound.retry(message=current(message), actor=alice.actor)
            except outbound.NotPossible:
                return False
            return True

    assert sum(in_threads(press, 6)) == 1
    in_threads(lambda _: sending.deliver_due(), 3)
    assert twilio.creates(f"whatsapp:{message.address}", message.body) == 1


def test_a_note_is_never_sent(alice: Any, thread: Conversation, twilio: Any):
    with organization_scope(alice.organization):
        note = outbound.add_note(conversation=thread, body="Prefers mornings.", actor=alice.actor, author=alice.user)
        assert (note.status, note.is_private, note.due_at) == ("note", True, None)
        before = reread(thread)
        assert before.last_message_id is None
    sending.deliver_due()
    assert twilio.store.requests == []
