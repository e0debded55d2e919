"""Mails that come in: whose thread each is, what bounced, what a machine wrote; shown cleaned, to whom it belongs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from activity.models import Event
from core.tenancy import organization_scope
from customers.models import Customer
from customers.people.identities import services as identities
from messaging.delivery import queue as outbound
from messaging.delivery import sending
from messaging.models import Channel, Conversation, MailDetails, Message, StoppedAddress
from messaging.threads import mail_threads
from messaging.threads import services as conversations
from tests.messaging.conftest import DESK, all_of, current, mail_arrives, make_mailbox, only, raw_mail
from tests.messaging.intake.conftest import ADA

API = "/api/v1"


def answer_to(message: Message) -> str:
    return mail_threads.reply_address(message.conversation, message.channel)


class TestLeads:
    def test_somebody_new_becomes_a_lead(self, mailbox: Channel):
        arrival = mail_arrives(mailbox, raw_mail("I have a question.", Message_ID="<1@example.com>"))
        assert (arrival.state, arrival.outcome) == ("done", "a message")
        message = only(Message)
        assert (message.subject, message.body, message.address) == ("Question", "I have a question.", ADA)
        assert (message.provider_message_id, message.direction) == ("1@example.com", "inbound")
        customer = only(Customer)
        assert (customer.name, customer.email, customer.source) == ("Ada Lovelace", ADA, "email")
        thread = only(Conversation)
        assert (thread.address, thread.unread_count, thread.waiting_since is not None) == (ADA, 1, True)

    def test_who_is_known_by_the_address_is_that_customer(self, mailbox: Channel, make_customer: Any):
        customer = make_customer(email="ADA@example.com")
        mail_arrives(mailbox, raw_mail(Message_ID="<1@example.com>"))
        assert only(Message).customer_id == customer.pk

    def test_never_by_the_name(self, mailbox: Channel, make_customer: Any):
        known = make_customer(name="Ada Lovelace")
        mail_arrives(mailbox, raw_mail(Message_ID="<1@example.com>"))
        assert only(Message).customer_id != known.pk

    def test_a_form_on_a_website_writes_for_somebody(self, mailbox: Channel):
        mail_arrives(mailbox, raw_mail(From="no-reply@shop.example", Reply_To=ADA, Message_ID="<1@shop.example>"))
        assert (only(Message).address, only(MailDetails).automatic) == (ADA, "")


class TestThreads:
    def test_by_the_signed_address_whatever_else_it_says(self, mailbox: Channel, sent: Any, make_customer: Any):
        ours = sent()
        make_customer(email="bo@example.com")
        mail_arrives(mailbox, raw_mail(From="bo@example.com", To=answer_to(ours), In_Reply_To="<other@x.example>"))
        assert only(Message, direction="inbound").conversation_id == ours.conversation_id

    def test_a_changed_signature_is_none(self, mailbox: Channel, sent: Any):
        ours = sent()
        local, _, domain = answer_to(ours).partition("@")
        swapped = {"a": "b"}.get(local[-1], "a")
        mail_arrives(mailbox, raw_mail(From="eve@example.com", To=f"{local[:-1]}{swapped}@{domain}"))
        assert only(Message, direction="inbound").conversation_id != ours.conversation_id

    def test_the_signed_address_of_another_organization_is_none(self, mailbox: Channel, sent: Any, charlie: Any):
        ours = sent()
        theirs = make_mailbox(charlie, address="desk@elsewhere.example")
        mail_arrives(theirs, raw_mail(To=answer_to(ours)))
        got = only(Message, direction="inbound")
        assert (got.organization_id, got.conversation_id == ours.conversation_id) == (charlie.organization.pk, False)

    def test_by_in_reply_to(self, mailbox: Channel, sent: Any):
        ours = sent()
        sent("bo@example.com")
        mail_arrives(mailbox, raw_mail(In_Reply_To=ours.provider_message_id, Subject="Something else"))
        assert only(Message, direction="inbound").conversation_id == ours.conversation_id

    def test_by_references_the_newest_first(self, mailbox: Channel, sent: Any, make_customer: Any):
        old, new = sent("x1@example.com"), sent("x2@example.com")
        references = f"{old.provider_message_id} <unknown@x.example> {new.provider_message_id}"
        mail_arrives(mailbox, raw_mail(From="eve@example.com", References=references))
        assert only(Message, direction="inbound").conversation_id == new.conversation_id

    def test_in_reply_to_counts_more_than_references(self, mailbox: Channel, sent: Any):
        one, two = sent("x1@example.com"), sent("x2@example.com")
        raw = raw_mail(From="eve@example.com", In_Reply_To=one.provider_message_id, References=two.provider_message_id)
        mail_arrives(mailbox, raw)
        assert only(Message, direction="inbound").conversation_id == one.conversation_id

    def test_never_by_the_subject(self, mailbox: Channel, sent: Any):
        ours = sent()
        mail_arrives(mailbox, raw_mail(From="eve@example.com", Subject="Re: Visit"))
        assert only(Message, direction="inbound").conversation_id != ours.conversation_id

    def test_who_is_known_as_another_customer_has_a_thread_of_their_own(
        self, mailbox: Channel, sent: Any, make_customer: Any
    ):
        ours, bo = sent(), make_customer(email="bo@example.com")
        mail_arrives(mailbox, raw_mail(From="bo@example.com", In_Reply_To=ours.provider_message_id))
        got = only(Message, direction="inbound")
        assert (got.customer_id, got.conversation_id == ours.conversation_id) == (bo.pk, False)

    def test_a_stranger_in_a_thread_does_not_become_its_address(self, mailbox: Channel, sent: Any):
        ours = sent()
        mail_arrives(mailbox, raw_mail(From="mum@example.com", In_Reply_To=ours.provider_message_id))
        got = only(Message, direction="inbound")
        assert (got.conversation_id, got.address) == (ours.conversation_id, "mum@example.com")
        assert current(got).conversation.address == ADA
        assert len(all_of(Customer)) == 1

    def test_another_address_of_the_customers_own_does(
        self, alice: Any, mailbox: Channel, sent: Any, make_customer: Any
    ):
        customer = make_customer(email=ADA)
        with organization_scope(alice.organization):
            identities.attach(customer=customer, address=identities.email("ada@work.example"))
        ours = sent(customer=customer)
        mail_arrives(mailbox, raw_mail(From="ada@work.example", In_Reply_To=ours.provider_message_id))
        got = only(Message, direction="inbound")
        assert got.conversation_id == ours.conversation_id
        assert current(got).conversation.address == "ada@work.example"


class TestOnce:
    def test_a_mail_to_two_of_our_addresses_is_one_message(self, alice: Any, mailbox: Channel):
        sales = make_mailbox(alice, address="sales@harbour.example")
        raw = raw_mail(To=f"sales@harbour.example, {DESK}", Message_ID="<1@example.com>", Date=DATE)
        mail_arrives(sales, b"Received: by one\r\n" + raw, "a")
        mail_arrives(mailbox, b"Received: by two\r\n" + raw, "b")
        got = only(Message)
        assert got.channel_id == sales.pk

    def test_it_belongs_to_the_address_that_it_names(self, alice: Any, mailbox: Channel):
        make_mailbox(alice, address="sales@harbour.example")
        mail_arrives(mailbox, raw_mail(To="sales@harbour.example", Message_ID="<1@example.com>"))
        assert current(only(Message)).channel.address == "sales@harbour.example"

    def test_two_mails_of_one_id_are_two(self, mailbox: Channel):
        for body in ("One", "Two"):
            date = {"One": DATE, "Two": DATE.replace("10:00", "10:05")}[body]
            mail_arrives(mailbox, raw_mail(body, Message_ID="<always@form.example>", Date=date))
        assert sorted(message.body for message in all_of(Message)) == ["One", "Two"]

    def test_our_own_is_ignored(self, alice: Any, mailbox: Channel, sent: Any):
        make_mailbox(alice, address="sales@harbour.example")
        ours, before = sent(), len(all_of(Customer))
        for sender in (DESK, "Sales@harbour.example", "desk+tag@harbour.example"):
            arrival = mail_arrives(mailbox, raw_mail(From=sender, Message_ID=ours.provider_message_id))
            assert (arrival.state, arrival.outcome) == ("done", "a mail of our own")
        renamed = raw_mail(From=DESK, Message_ID="<made-by@relay.example>", Reply_To=answer_to(ours))
        assert mail_arrives(mailbox, renamed).outcome == "a mail of our own"
        assert (len(all_of(Message)), len(all_of(Customer))) == (1, before)

    def test_ours_by_a_list_that_writes_in_its_own_name_is_ours(self, mailbox: Channel, sent: Any):
        ours = sent()
        raw = raw_mail(
            f"{ours.body}\n\n_____\nThe list", From="list@lists.example", Message_ID=ours.provider_message_id
        )
        assert mail_arrives(mailbox, raw).outcome == "a mail of our own"

    def test_another_mail_with_our_id_is_none_of_ours(self, mailbox: Channel, sent: Any):
        ours = sent()
        mail_arrives(mailbox, raw_mail("I took your id", From="eve@example.com", Message_ID=ours.provider_message_id))
        assert only(Message, direction="inbound").body == "I took your id"


DATE = "Mon, 16 Nov 2026 10:00:00 +0000"


class TestAutomatic:
    @pytest.mark.parametrize(
        "mark",
        [
            {"Auto_Submitted": "auto-replied"},
            {"Precedence": "bulk"},
            {"List_Id": "<news.example.com>"},
            {"Return_Path": "<>"},
            {"Subject": "Out of office: Question", "Auto_Submitted": "auto-generated"},
        ],
    )
    def test_nobody_waits_for_an_answer_to_it(self, alice: Any, mailbox: Channel, sent: Any, mark: dict[str, str]):
        ours = sent()
        with organization_scope(alice.organization):
            waiting = outbound.queue_message(
                conversation=ours.conversation, body="Still there?", actor=alice.actor, cancel_on_inbound=True,
                not_before_at=timezone.now() + timedelta(days=2),
            )  # fmt: skip
            conversations.set_status(conversation=ours.conversation, status="resolved", actor=alice.actor)
        mail_arrives(mailbox, raw_mail("I am away. STOP", In_Reply_To=ours.provider_message_id, **mark))
        thread = current(ours).conversation
        assert (thread.waiting_since, thread.last_inbound_at, thread.status) == (None, None, "resolved")
        assert thread.unread_count == 1
        assert current(waiting).status == "queued"
        with organization_scope(alice.organization):
            (event,) = Event.objects.filter(type="message.received")
            assert (event.payload["is_automatic"], event.payload["opt"]) == (True, "")
        assert only(MailDetails).automatic

    def test_a_person_cancels_and_reopens(self, alice: Any, mailbox: Channel, sent: Any):
        ours = sent()
        with organization_scope(alice.organization):
            waiting = outbound.queue_message(
                conversation=ours.conversation, body="Still there?", actor=alice.actor, cancel_on_inbound=True,
                not_before_at=timezone.now() + timedelta(days=2),
            )  # fmt: skip
            conversations.set_status(conversation=ours.conversation, status="resolved", actor=alice.actor)
        mail_arrives(mailbox, raw_mail("Yes", In_Reply_To=ours.provider_message_id))
        thread = current(ours).conversation
        assert (thread.waiting_since is not None, thread.status) == (True, "open")
        assert current(waiting).status == "cancelled"


def bounce(ours: str, recipient: str = ADA, *, status: str = "5.1.1", words: str = "550 5.1.1 User unknown") -> bytes:
    return (
        f"Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example\r\nTo: {DESK}\r\nSubject: Undelivered Mail\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n--b\r\n'
        "Content-Type: text/plain\r\n\r\nIt failed.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        f"Reporting-MTA: dns; mx\r\n\r\nFinal-Recipient: rfc822; {recipient}\r\nAction: failed\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: smtp; {words}\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
        f"Message-ID: {ours}\r\nTo: {recipient}\r\n\r\nx\r\n--b--\r\n"
    ).encode()


class TestBounces:
    def post(self, alice: Any, message: Message) -> Any:
        url = f"{API}/conversations/{message.conversation_id}/messages"
        return alice.api.post(url, {"body": "Once more"}, format="json")

    def test_a_hard_one_settles_the_message_and_stops_the_address(self, alice: Any, mailbox: Channel, sent: Any):
        ours, before = sent(), len(all_of(Customer))
        arrival = mail_arrives(mailbox, bounce(ours.provider_message_id))
        assert arrival.outcome.startswith("a bounce: applied: failed")
        after = current(ours)
        assert (after.status, after.error_code) == ("failed", "550 5.1.1")
        assert after.error_message.startswith("There is no such mailbox. Correct the address")
        assert only(StoppedAddress).address == ADA
        assert len(all_of(Message)) == 1, "the bounce itself is no message"
        assert len(all_of(Customer)) == before, "and the mail server no lead"
        refused = self.post(alice, ours)
        assert (refused.status_code, refused.data["errors"][0]["code"]) == (403, "address_stopped")

    def test_a_soft_one_only_settles_the_message(self, alice: Any, mailbox: Channel, sent: Any):
        ours = sent()
        mail_arrives(mailbox, bounce(ours.provider_message_id, status="4.2.2", words="452 4.2.2 mailbox full"))
        assert (current(ours).status, all_of(StoppedAddress)) == ("failed", [])
        assert "Try again later" in current(ours).error_message
        assert self.post(alice, ours).status_code == 201

    def test_what_waits_is_refused_when_it_is_due(self, alice: Any, mailbox: Channel, sent: Any):
        ours = sent()
        with organization_scope(alice.organization):
            waiting = outbound.queue_message(conversation=ours.conversation, body="Soon", actor=alice.actor)
        mail_arrives(mailbox, bounce(ours.provider_message_id))
        sending.deliver_due()
        assert (current(waiting).status, current(waiting).error_code) == ("failed", "address_stopped")

    def test_it_is_lifted_by_a_person(self, alice: Any, bob: Any, charlie: Any, mailbox: Channel, sent: Any):
        ours = sent()
        mail_arrives(mailbox, bounce(ours.provider_message_id))
        path = f"inbox/{ours.conversation_id}/allow-address/"
        assert bob.client.post(bob.url(path)).status_code == 404
        assert charlie.client.post(charlie.url(path)).status_code == 404
        assert len(all_of(StoppedAddress)) == 1
        assert alice.client.post(alice.url(path)).status_code == 302
        assert all_of(StoppedAddress) == []
        assert self.post(alice, ours).status_code == 201

    def test_it_is_lifted_by_a_mail_from_there(self, alice: Any, mailbox: Channel, sent: Any):
        ours = sent()
        mail_arrives(mailbox, bounce(ours.provider_message_id))
        mail_arrives(mailbox, raw_mail("It works again", In_Reply_To=ours.provider_message_id))
        assert all_of(StoppedAddress) == []
        assert self.post(alice, ours).status_code == 201

    def test_without_an_id_it_is_of_the_newest_mail_to_that_address(self, mailbox: Channel, sent: Any):
        first = sent()
        second = sent(customer=first.customer)
        raw = raw_mail(
            "<ada@example.com>:\nSorry, no mailbox here by that name. (#5.1.1)\n", From="MAILER-DAEMON@mx.example",
            Subject="failure notice", Return_Path="<>",
        )  # fmt: skip
        mail_arrives(mailbox, raw)
        assert (current(first).status, current(second).status) == ("sent", "failed")

    def test_of_no_mail_of_ours_it_changes_nothing(self, mailbox: Channel, sent: Any):
        ours = sent()
        arrival = mail_arrives(mailbox, bounce("<x@other.example>", "bo@example.com"))
        assert (arrival.state, arrival.outcome) == ("done", "a bounce of no mail of ours")
        assert (current(ours).status, all_of(StoppedAddress)) == ("sent", [])

    def test_another_organization_can_not_bounce_it(self, charlie: Any, sent: Any):
        ours = sent()
        mail_arrives(make_mailbox(charlie, address="x@elsewhere.example"), bounce(ours.provider_message_id))
        assert (current(ours).status, all_of(StoppedAddress)) == ("sent", [])

    def test_a_copy_that_bounces_does_not_fail_the_mail(self, mailbox: Channel, sent: Any):
        ours = sent(cc=["bo@example.com"])
        mail_arrives(mailbox, bounce(ours.provider_message_id, "bo@example.com"))
        assert current(ours).status == "sent"
        assert only(StoppedAddress).address == "bo@example.com"

    def test_the_same_one_twice_is_once(self, mailbox: Channel, sent: Any):
        ours = sent()
        mail_arrives(mailbox, bounce(ours.provider_message_id))
        again = mail_arrives(mailbox, bounce(ours.provider_message_id))
        assert again.state == "done"
        assert (current(ours).status, len(all_of(StoppedAddress))) == ("failed", 1)
