"""Who a mail is from and where answers go; a repeat is the same mail, and nothing that arrives is lost to sight."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from core.tenancy import organization_scope
from customers.models import Customer
from customers.people.identities import services as identities
from messaging.delivery import queue as outbound
from messaging.intake import processing
from messaging.models import Channel, Conversation, MailDetails, Message
from messaging.threads import answer_addresses
from messaging.threads import services as conversations
from tests.messaging.channels.mail.human_mails import OUR_ID, SENTENCES, human_mails
from tests.messaging.conftest import DESK, all_of, current, mail_arrives, make_mailbox, only, raw_mail

ADA = "ada@example.com"
BOB = "Bob Miller <bob@x.example>"


@pytest.fixture
def mailbox(alice: Any, disk: Path) -> Channel:
    return make_mailbox(alice)


class TestForms:
    @pytest.mark.parametrize(
        "sender",
        [
            DESK,
            "Harbour <Desk@Harbour.example>",
            "desk+form@harbour.example",
            "sales@harbour.example",
            "info@harbour.example",
            "info@www.harbour.example",
            "WordPress <wordpress@harbour.example>",
            "wordpress@hosting.example",
            "webmaster@site.example",
            "www-data@vm17.hosting.example",
            "mailer@shop.example",
            "forms@formservice.example",
            "form-submission@builder.example",
            "no-reply-forms@builder.example",
            "noreply@shop.example",
            "Kontaktformular <kontaktformular@laden.example>",
        ],
    )
    def test_who_filled_it_in_is_the_sender(self, alice: Any, mailbox: Channel, sender: str):
        make_mailbox(alice, address="sales@harbour.example")
        raw = raw_mail("I need an appointment", From=sender, Reply_To=BOB, Message_ID="<1@form.example>")
        assert mail_arrives(mailbox, raw).outcome == "a message"
        message, customer = only(Message), only(Customer)
        assert (message.address, customer.name, customer.email) == ("bob@x.example", "Bob Miller", "bob@x.example")
        assert (only(MailDetails).automatic, only(MailDetails).reply_to) == ("", "")
        assert current(message).conversation.address == "bob@x.example"

    def test_each_visitor_is_a_customer_of_their_own(self, mailbox: Channel):
        for who in ("a@x.example", "b@x.example", "c@y.example"):
            raw = raw_mail(
                "Hi", From="WordPress <wordpress@harbour.example>", Reply_To=who, Message_ID="<x@form.example>"
            )
            mail_arrives(mailbox, raw)
        assert sorted(row.email for row in all_of(Customer)) == ["a@x.example", "b@x.example", "c@y.example"]
        assert not any("WordPress" in row.name for row in all_of(Customer))

    def test_its_own_marks_do_not_make_the_visitor_a_machine(self, mailbox: Channel):
        raw = raw_mail(
            "Hi", From="wordpress@harbour.example", Reply_To=BOB, Auto_Submitted="auto-generated", Return_Path="<>"
        )
        mail_arrives(mailbox, raw)
        assert (only(MailDetails).automatic, only(Conversation).waiting_since is not None) == ("", True)

    def test_bulk_mail_stays_bulk_mail(self, mailbox: Channel):
        raw = raw_mail(
            "Buy", From="noreply@shop.example", Reply_To="help@shop.example", List_Unsubscribe="<https://x.example>"
        )
        mail_arrives(mailbox, raw)
        assert only(MailDetails).automatic == "bulk mail"

    def test_without_a_reply_to_it_is_from_whom_it_says(self, mailbox: Channel):
        for number, sender in enumerate((DESK, "sales@harbour.example", "wordpress@harbour.example")):
            assert mail_arrives(mailbox, raw_mail("Name: Bob", From=sender, Message_ID=f"<{number}@x>")).message_id
        assert {row.address for row in all_of(Message)} == {DESK, "sales@harbour.example", "wordpress@harbour.example"}

    @pytest.mark.parametrize("reply_to", [DESK, "desk+any@harbour.example", "noreply@x.example", "not an address"])
    def test_a_reply_to_of_ours_or_of_a_machine_is_nobody(self, mailbox: Channel, reply_to: str):
        mail_arrives(mailbox, raw_mail("Hi", From="wordpress@harbour.example", Reply_To=reply_to))
        assert only(Message).address == "wordpress@harbour.example"
        mail_arrives(mailbox, raw_mail("Hi", Reply_To=DESK))
        assert only(MailDetails, message__address=ADA).reply_to == ""

    def test_of_several_the_first_that_is_not_ours_counts(self, mailbox: Channel):
        mail_arrives(mailbox, raw_mail("Hi", From=DESK, Reply_To=f"{DESK}, {BOB}"))
        assert only(Message).address == "bob@x.example"

    def test_two_people_of_one_mail_provider_are_two(self, alice: Any, disk: Path):
        mailbox = make_mailbox(alice, address="clinic@gmail.com")
        raw = raw_mail("Hi", From="Ann <ann@gmail.com>", To="clinic@gmail.com", Reply_To="ann@work.example")
        mail_arrives(mailbox, raw)
        assert (only(Message).address, only(MailDetails).reply_to) == ("ann@gmail.com", "ann@work.example")
        mail_arrives(mailbox, raw_mail("Hi", From="clinic@gmail.com", To="clinic@gmail.com", Reply_To="kim@gmail.com"))
        assert "kim@gmail.com" in {row.address for row in all_of(Message)}

    @pytest.mark.parametrize("sender", ["jane.root@home.example", "maria.web@home.example", "formby@home.example"])
    def test_a_name_that_holds_such_a_word_is_a_person(self, mailbox: Channel, sender: str):
        mail_arrives(mailbox, raw_mail("Hi", From=f"Jane <{sender}>", Reply_To="jane@work.example"))
        assert (only(Message).address, only(MailDetails).reply_to) == (sender, "jane@work.example")

    def test_another_organizations_address_is_not_ours(self, mailbox: Channel, charlie: Any):
        make_mailbox(charlie, address="desk@elsewhere.example")
        mail_arrives(mailbox, raw_mail("Hi", From="desk@elsewhere.example", Reply_To=BOB))
        assert only(Message).address == "desk@elsewhere.example"


class TestHandedIn:
    MAIL = {"message_id": "1@form.example", "subject": "Form", "body": "Hello", "sent_at": "2026-11-21T09:30:00Z"}

    def post(self, alice: Any, kind: str = "email", **given: str) -> Any:
        answer = alice.api.post(f"/api/v1/webhooks/{kind}", {**self.MAIL, **given}, format="json")
        processing.process_due()
        return answer

    @pytest.mark.parametrize("kind", ["email", "web"])
    @pytest.mark.parametrize(
        "reply_to", [BOB, '"Bob Miller" <Bob@x.example>', "=?utf-8?q?Bob_Miller?= <bob@x.example>"]
    )
    def test_a_form_names_the_visitor(self, alice: Any, mailbox: Channel, kind: str, reply_to: str):
        answer = self.post(alice, kind, **{"from": "WordPress <wordpress@hosting.example>", "reply_to": reply_to})
        assert answer.status_code == 202
        assert (only(Message).address, only(Customer).name) == ("bob@x.example", "Bob Miller")

    def test_a_whole_mail_is_read_by_the_same_rule(self, alice: Any, mailbox: Channel):
        mail = raw_mail("Hi", From="WordPress <wordpress@harbour.example>", Reply_To=BOB)
        self.post(alice, **{"from": "any@x.example", "raw": base64.b64encode(mail).decode()})
        assert (only(Message).address, only(Customer).name) == ("bob@x.example", "Bob Miller")

    def test_a_phones_message_answers_nobody_by_it(self, alice: Any):
        self.post(alice, "sms", **{"from": "+447700900201", "reply_to": BOB})
        assert only(Message).extra == {"answers_to": BOB}

    def test_a_persons_other_address_is_where_answers_go(self, alice: Any, mailbox: Channel):
        self.post(alice, **{"from": f"Ada <{ADA}>", "reply_to": BOB, "to": DESK})
        assert (only(Message).address, only(MailDetails).reply_to) == (ADA, "bob@x.example")
        assert only(Conversation).address == "bob@x.example"

    def test_what_is_no_address_is_refused_by_its_name(self, alice: Any, mailbox: Channel):
        answer = self.post(alice, **{"from": ADA, "reply_to": "nobody"})
        assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, "reply_to")

    def test_a_no_reply_address_is_automatic_here_too(self, alice: Any, mailbox: Channel):
        self.post(alice, **{"from": "noreply@shop.example"})
        assert only(MailDetails).automatic == "a no-reply address"


class TestAnswers:
    REPLY_TO = "Ada at work <ada@work.example>"

    def queue(self, alice: Any, thread: Conversation) -> Message:
        with organization_scope(alice.organization):
            thread = Conversation.objects.select_related("customer__organization", "channel", "organization").get(
                pk=thread.pk
            )
            return outbound.queue_message(conversation=thread, body="Yes", subject="Re", actor=alice.actor)

    def test_they_go_where_the_person_asks_for_them(self, alice: Any, mailbox: Channel):
        mail_arrives(mailbox, raw_mail("Hi", Reply_To=self.REPLY_TO))
        message = only(Message)
        assert (message.address, only(MailDetails).reply_to) == (ADA, "ada@work.example")
        assert (only(Customer).email, only(Customer).name) == (ADA, "Ada Lovelace")
        assert self.queue(alice, only(Conversation)).address == "ada@work.example"

    def test_it_is_shown_and_can_be_changed(self, alice: Any, mailbox: Channel):
        mail_arrives(mailbox, raw_mail("Hi", Reply_To=self.REPLY_TO))
        thread = only(Conversation)
        page = alice.client.get(alice.url(f"inbox/{thread.pk}/")).content.decode()
        assert "Answers go to <b><bdi>ada@work.example</bdi></b>" in page
        assert "Wants answers at ada@work.example" in page
        url = alice.url(f"inbox/{thread.pk}/answers-to/")
        assert alice.client.post(url, {"answers_to": ADA}).status_code == 302
        assert current(only(Message)).conversation.address == ADA
        page = alice.client.get(alice.url(f"inbox/{thread.pk}/")).content.decode()
        assert f"Answers go to <b><bdi>{ADA}</bdi></b>" in page
        mail_arrives(mailbox, raw_mail("Once more", Reply_To=self.REPLY_TO, Message_ID="<2@example.com>"))
        assert self.queue(alice, thread).address == ADA, "what staff chose stays"
        alice.client.post(url, {"answers_to": "ada@work.example"})
        assert self.queue(alice, thread).address == "ada@work.example"

    def test_no_third_address_and_nobody_elses_thread(self, alice: Any, bob: Any, charlie: Any, mailbox: Channel):
        mail_arrives(mailbox, raw_mail("Hi", Reply_To=self.REPLY_TO))
        thread = only(Conversation)
        path = f"inbox/{thread.pk}/answers-to/"
        alice.client.post(alice.url(path), {"answers_to": "eve@evil.example"})
        assert bob.client.post(bob.url(path), {"answers_to": ADA}).status_code == 404
        assert charlie.client.post(charlie.url(path), {"answers_to": ADA}).status_code == 404
        assert current(only(Message)).conversation.address == "ada@work.example"

    def test_a_mail_without_it_brings_answers_back(self, alice: Any, mailbox: Channel):
        mail_arrives(mailbox, raw_mail("Hi", Reply_To=self.REPLY_TO, Message_ID="<1@example.com>"))
        mail_arrives(mailbox, raw_mail("Hi", Message_ID="<2@example.com>"))
        assert only(Conversation).address == ADA
        with organization_scope(alice.organization):
            thread = Conversation.objects.select_related("channel").get()
            assert answer_addresses.choice(thread).is_at_sender

    def test_a_stranger_in_the_thread_can_not_turn_them(self, alice: Any, mailbox: Channel):
        mail_arrives(mailbox, raw_mail("Hi", Message_ID="<1@example.com>"))
        ours = self.queue(alice, only(Conversation))
        with organization_scope(alice.organization):
            Message.objects.filter(pk=ours.pk).update(status="sent", provider_message_id=f"<{ours.pk}@harbour.example>")
        mail_arrives(
            mailbox,
            raw_mail(
                "Hi", From="eve@evil.example", Reply_To="eve2@evil.example", In_Reply_To=f"<{ours.pk}@harbour.example>"
            ),
        )
        assert only(Conversation).address == ADA

    def test_an_automatic_answer_does_not_turn_them(self, mailbox: Channel):
        mail_arrives(mailbox, raw_mail("Hi", Message_ID="<1@example.com>"))
        mail_arrives(
            mailbox, raw_mail("Away", Auto_Submitted="auto-replied", Reply_To="x@y.example", Message_ID="<2@x>")
        )
        assert only(Conversation).address == ADA


FORM = {"From": "wordpress@harbour.example", "Reply_To": BOB, "Message_ID": "<always@form.example>"}


class TestRepeats:
    @pytest.mark.parametrize("date", [None, "yesterday", "Mon, 16 Nov 2026 10:00:00 +0000"])
    @pytest.mark.parametrize("other", [{"body": "Two"}, {"Subject": "Other"}, {"Reply_To": "kim@x.example"}])
    def test_other_content_is_another_message(self, mailbox: Channel, date: str | None, other: dict[str, str]):
        dated = {"Date": date} if date else {}
        first, second = {"body": "One", **FORM, **dated}, {"body": "One", **FORM, **dated, **other}
        for number, given in enumerate((first, second, first, second)):
            mail_arrives(mailbox, raw_mail(**given), f"again:{number}")
        assert len(all_of(Message)) == 2
        assert len({row.provider_message_id for row in all_of(Message)}) == 2

    def test_other_files_are_another_message(self, mailbox: Channel):
        for content in ("QUJD", "REVG", "QUJD"):
            raw = (
                f"From: {ADA}\r\nTo: {DESK}\r\nSubject: Scan\r\nMessage-ID: <scan@device.example>\r\n"
                'Content-Type: multipart/mixed; boundary="m"\r\n\r\n--m\r\n'
                "Content-Type: text/plain\r\n\r\nSee file\r\n--m\r\n"
                'Content-Type: application/pdf; name="scan.pdf"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
                f"{content}\r\n--m--\r\n"
            )
            mail_arrives(mailbox, raw.encode(), f"scan:{content}:{len(all_of(Message))}")
        assert len(all_of(Message)) == 2

    def test_another_date_alone_is_none(self, mailbox: Channel):
        for minute in ("00", "05"):
            raw = raw_mail("One", **FORM, Date=f"Mon, 16 Nov 2026 10:{minute}:00 +0000", Received=f"by mx{minute}")
            mail_arrives(mailbox, raw)
        assert len(all_of(Message)) == 1

    def test_one_that_was_stored_before_digests_is_known(self, mailbox: Channel):
        mail_arrives(mailbox, raw_mail("One", **FORM))
        with organization_scope(mailbox.organization):
            MailDetails.objects.update(digest="")
        mail_arrives(mailbox, raw_mail("One", **FORM), "again")
        mail_arrives(mailbox, raw_mail("Two", **FORM), "other")
        assert sorted(row.body for row in all_of(Message)) == ["One", "Two"]


class TestBounces:
    @pytest.fixture
    def ours(self, alice: Any, mailbox: Channel, make_customer: Any) -> Message:
        with organization_scope(alice.organization):
            thread = conversations.begin(customer=make_customer(email=ADA), channel=mailbox)
            thread = Conversation.objects.select_related("customer__organization", "channel", "organization").get(
                pk=thread.pk
            )
            message = outbound.queue_message(
                conversation=thread, body="Ours", subject="Delivery failed: your retainer", actor=alice.actor
            )
            Message.objects.filter(pk=message.pk).update(
                status="sent", due_at=None, sent_at=timezone.now() - timedelta(hours=1),
                provider_message_id=f"<{message.pk}@harbour.example>",
            )  # fmt: skip
        return current(message)

    def test_an_answer_in_such_words_is_an_answer(self, mailbox: Channel, ours: Message):
        raw = raw_mail(
            "It could not be delivered because I moved.", Subject="Re: Delivery failed: your retainer",
            In_Reply_To=ours.provider_message_id,
        )  # fmt: skip
        assert mail_arrives(mailbox, raw).outcome == "a message"
        assert current(ours).status == "sent"
        assert only(Message, direction="inbound").conversation_id == ours.conversation_id

    def test_somebody_who_is_away_does_not_fail_our_mail(self, mailbox: Channel, ours: Message):
        raw = raw_mail(
            "Your mail was not delivered to me, I am away.", Subject="Mail delivery failed",
            Auto_Submitted="auto-replied", In_Reply_To=ours.provider_message_id, Return_Path="<>",
        )  # fmt: skip
        mail_arrives(mailbox, raw)
        assert current(ours).status == "sent"
        assert only(Message, direction="inbound").body.startswith("Your mail")

    def test_somebody_called_postmaster_writes_of_a_price(self, mailbox: Channel):
        raw = raw_mail(
            "Dear team, your mail to anna@kleinfirma.example was not delivered to her, she left. Please book the room "
            "for me instead, 550 euros is fine. Frank", Subject="Re: your mail", From="postmaster@kleinfirma.example",
        )  # fmt: skip
        assert mail_arrives(mailbox, raw).outcome == "a message"
        assert "550 euros" in only(Message, direction="inbound").body

    def test_a_returned_mail_of_ours_is_a_bounce_without_any_other_sign(self, mailbox: Channel, ours: Message):
        returned = f"Message-ID: {ours.provider_message_id}\nTo: {ADA}\n"
        text = f"It could not be delivered.\n\nOriginal message follows:\n{returned}"
        mail_arrives(mailbox, raw_mail(text, Subject="Mail delivery failed", From="gateway@firm.example"))
        assert current(ours).status == "failed"
        # People give mails back too: it is seen.
        assert "could not be delivered" in only(Message, direction="inbound").body
        other = text.replace(ours.provider_message_id, "<somebody@else.example>")
        mail_arrives(mailbox, raw_mail(other, Subject="Mail delivery failed", From="kim@firm.example"))
        assert only(Message, direction="inbound", address="kim@firm.example").body.startswith("It could not")

    def test_a_sentence_of_a_postmaster_is_seen(self, mailbox: Channel):
        mail_arrives(mailbox, raw_mail("My parcel was not delivered.", From="postmaster@firm.example"))
        assert only(Message).address == "postmaster@firm.example"


@pytest.mark.parametrize("language", list(SENTENCES))
def test_what_people_write_is_seen_in_every_language(alice: Any, mailbox: Channel, make_customer: Any, language: str):
    mails = [mail for mail in human_mails() if mail.language == language][::14][:3]
    with organization_scope(alice.organization):
        customer = make_customer(email="known@mail.example")
        identities.attach(customer=customer, address=identities.email("known2@mail.example"))
        thread = conversations.begin(customer=customer, channel=mailbox)
        thread = Conversation.objects.select_related("customer__organization", "channel", "organization").get(
            pk=thread.pk
        )
        ours = outbound.queue_message(conversation=thread, body="Ours", subject="Visit", actor=alice.actor)
        Message.objects.filter(pk=ours.pk).update(
            status="sent", due_at=None, sent_at=timezone.now(), provider_message_id=OUR_ID
        )
    for number, mail in enumerate(mails):
        raw = mail.raw.replace(OUR_ID.encode(), b"<x@y.example>") if number % 2 else mail.raw
        assert mail_arrives(mailbox, raw).outcome == "a message", str(mail)
    got = all_of(Message, direction="inbound")
    assert len(got) == len(mails)
    assert not any(row.mail.automatic for row in got)
    assert current(ours).status == "sent"


class TestSetAside:
    """What can't be read is kept, and counted where administrators look."""

    BADGE = '<span data-badge-count>1</span><span class="visually-hidden"> could not be read</span>'

    @pytest.fixture
    def kept(self, mailbox: Channel) -> Any:
        arrival = mail_arrives(mailbox, b"To: desk@harbour.example\r\nSubject: Hi\r\n\r\nWho am I?")
        assert arrival.state == "set_aside"
        return arrival

    def sections(self, who: Any) -> dict[str, Any]:
        answer = who.client.get(who.url(""))
        return {one.section.key: one for one in answer.context["sections"]}

    def test_home_and_the_menu_count_it_for_administrators(self, alice: Any, kept: Any):
        found = self.sections(alice)["set_aside"]
        assert (found.count, found.rows[0].title) == (1, "Front desk: a message could not be read")
        assert self.BADGE in alice.client.get(alice.url("inbox/")).content.decode()

    def test_nobody_else_sees_it(self, bob: Any, charlie: Any, kept: Any):
        for who in (bob, charlie):
            assert "set_aside" not in self.sections(who)
            assert self.BADGE not in who.client.get(who.url("inbox/")).content.decode()

    def test_where_nothing_is_there_is_no_section(self, alice: Any, mailbox: Channel):
        assert "set_aside" not in self.sections(alice)
