"""Mails that go out through a real mail server: their headers, their place in the thread, what is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core import mail as outbox
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from core.tenancy import organization_scope
from customers.models import Consent
from messaging.delivery import queue as outbound
from messaging.delivery import sending
from messaging.files import links
from messaging.inbound_deliveries.store import store
from messaging.intake import processing
from messaging.models import Channel, Conversation, Message
from messaging.settings import services as channels
from messaging.threads import mail_threads
from messaging.threads import services as conversations
from tests.fakes.smtp import END_OF_DATA, MailServer, mail_server, scripted_mail_server
from tests.messaging.conftest import DESK, all_of, current, make_due, make_mailbox, only

API = "/api/v1"
ADA = "ada@example.com"


@pytest.fixture(scope="module")
def running() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def server(running: MailServer, settings: Any) -> MailServer:
    settings.PROVIDER_TIMEOUT_SECONDS = 2
    running.received.clear()
    return running


@pytest.fixture
def mailbox(alice: Any, server: MailServer) -> Channel:
    return make_mailbox(alice, server.port)


@pytest.fixture
def write(alice: Any, make_customer: Any) -> Any:
    """Queue a mail to Ada on a channel."""
    customer = None

    def queue(channel: Channel, body: str = "See you at nine.", **more: Any) -> Message:
        nonlocal customer
        customer = customer or make_customer(email=ADA, name="Ada Lovelace")
        with organization_scope(alice.organization):
            thread = conversations.begin(customer=customer, channel=channel)
            thread = Conversation.objects.select_related("customer__organization", "channel", "organization").get(
                pk=thread.pk
            )
            return outbound.queue_message(conversation=thread, body=body, actor=alice.actor, author=alice.user, **more)

    return queue


def arrive(channel: Channel, raw: str, key: str) -> Message:
    store(
        key=key, provider="smtp", kind="email", arrival_type="message", body=raw.replace("\n", "\r\n").encode(),
        channel=channel,
    )  # fmt: skip
    processing.process_due()
    return all_of(Message, direction="inbound")[-1]


class TestHeaders:
    def test_a_first_mail(self, write: Any, mailbox: Channel, server: MailServer):
        message = write(mailbox, subject="Your visit")
        sending.deliver_due()
        (got,) = server.received
        assert (got.sender, got.recipients) == (DESK, [ADA])
        headers = got.mail
        assert headers["From"] == f"Front desk <{DESK}>"
        assert headers["To"] == ADA
        assert headers["Subject"] == "Your visit"
        assert headers["Message-ID"] == f"<{message.pk}@harbour.example>"
        assert current(message).provider_message_id == headers["Message-ID"]
        assert current(message).status == "sent"
        answers_to = headers["Reply-To"].addresses[0].addr_spec
        assert mail_threads.conversation_named([answers_to]) == message.conversation_id
        assert mail_threads.plain(answers_to) == DESK
        for name in ("In-Reply-To", "References", "List-Unsubscribe", "List-Unsubscribe-Post", "Auto-Submitted", "Cc"):
            assert headers[name] is None, name
        plain = headers.get_body(("plain",))
        assert plain.get_content().strip() == "See you at nine."
        assert "See you at nine." in headers.get_body(("html",)).get_content()

    def test_an_answer_carries_the_thread_on(self, write: Any, mailbox: Channel, server: MailServer):
        write(mailbox, subject="Your visit")
        sending.deliver_due()
        first = server.received[0].mail
        arrive(
            mailbox,
            f"From: Ada <{ADA}>\nTo: {first['Reply-To']}\nSubject: Re: Your visit\nMessage-ID: <a1@example.com>\n"
            f"In-Reply-To: {first['Message-ID']}\nReferences: {first['Message-ID']}\n\nYes!\n",
            "1",
        )
        write(mailbox, "Good.")
        sending.deliver_due()
        second = server.received[1].mail
        assert second["Subject"] == "Re: Your visit"
        assert second["In-Reply-To"] == "<a1@example.com>"
        assert second["References"].split() == [first["Message-ID"], "<a1@example.com>"]
        write(mailbox, "And bring your papers.")
        sending.deliver_due()
        third = server.received[2].mail
        assert third["Subject"] == "Re: Your visit", "never Re: Re:"
        assert third["In-Reply-To"] == second["Message-ID"]
        assert third["References"].split() == [first["Message-ID"], "<a1@example.com>", second["Message-ID"]]

    def test_an_automatic_one_says_so_and_can_be_ended(self, write: Any, mailbox: Channel, server: MailServer):
        write(mailbox, origin=Message.Origin.WORKFLOW, subject="Reminder")
        sending.deliver_due()
        headers = server.received[0].mail
        assert headers["Auto-Submitted"] == "auto-generated"
        assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        url = re.fullmatch(r"<(http://testserver/unsubscribe/[^>]+)>", headers["List-Unsubscribe"])
        assert url is not None
        assert Client().get(url[1]).status_code == 200

    def test_signature_copies_and_files(self, alice: Any, write: Any, server: MailServer, disk: Any, settings: Any):
        channel = make_mailbox(alice, server.port, settings={"signature": "{{ agent.name }}, {{ organization }}"})
        thread = write(channel).conversation_id
        file = SimpleUploadedFile("plän.pdf", b"%PDF-1.7", "application/pdf")
        key = alice.api.post(f"{API}/media", {"file": file}, format="multipart").data["id"]
        answer = alice.api.post(
            f"{API}/conversations/{thread}/messages",
            {"body": "Here.", "attachments": [key], "cc": ["Bo@Example.com", "cy@example.com"], "subject": "Plan"},
            format="json",
        )
        assert answer.status_code == 201, answer.data
        sending.deliver_due()
        got = server.received[-1]
        assert got.recipients == [ADA, "bo@example.com", "cy@example.com"]
        assert got.mail["Cc"] == "bo@example.com, cy@example.com"
        lines = got.mail.get_body(("plain",)).get_content().splitlines()
        assert lines == ["Here.", "", "-- ", "Alice Hart, Harbour Clinic"]
        (part,) = got.mail.iter_attachments()
        assert (part.get_filename(), part.get_content_type(), part.get_content()) == (
            "plän.pdf", "application/pdf", b"%PDF-1.7",
        )  # fmt: skip
        assert only(Message, body="Here.").body == "Here.", "the signature is not part of what was said"

    @pytest.mark.parametrize("text", ["x\r\nBcc: eve@example.com", "x\nBcc: eve@example.com", "x\rBcc: e@example.com"])
    def test_no_header_can_be_smuggled_in(self, write: Any, mailbox: Channel, server: MailServer, text: str):
        write(mailbox, subject=text)
        sending.deliver_due()
        (got,) = server.received
        assert got.recipients == [ADA]
        assert got.mail["Bcc"] is None
        assert got.mail["Subject"] == "x Bcc: " + text.rpartition(" ")[2]

    @pytest.mark.parametrize("address", ["x", "a@b.example\r\nBcc: eve@example.com", "a@b@c"])
    def test_a_copy_has_to_be_an_address(self, alice: Any, write: Any, mailbox: Channel, address: str):
        thread = write(mailbox).conversation_id
        answer = alice.api.post(f"{API}/conversations/{thread}/messages", {"body": "x", "cc": [address]}, format="json")
        assert answer.status_code == 400
        assert len(all_of(Message)) == 1

    def test_a_channel_without_plus_addresses_has_plain_answers(self, alice: Any, write: Any, server: MailServer):
        write(make_mailbox(alice, server.port, settings={"reply_address": "plain"}))
        sending.deliver_due()
        assert server.received[0].mail["Reply-To"] is None


class TestUnsubscribing:
    @pytest.fixture
    def link(self, write: Any, mailbox: Channel) -> str:
        message = write(mailbox, origin=Message.Origin.WORKFLOW)
        sending.deliver_due()
        return links.unsubscribe_url(current(message)).removeprefix("http://testserver")

    def test_looking_at_it_changes_nothing(self, link: str, write: Any, mailbox: Channel):
        waiting = write(mailbox)
        for answer in (Client().get(link), Client().head(link)):
            assert (answer.status_code, "no-store" in answer.headers["Cache-Control"]) == (200, True)
        assert all_of(Consent) == []
        assert current(waiting).status == "queued"

    def test_a_post_ends_it_once(self, alice: Any, link: str, write: Any, mailbox: Channel):
        waiting = write(mailbox)
        client = Client(enforce_csrf_checks=True)
        for _ in range(2):
            answer = client.post(link, "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded")
            assert answer.status_code == 200
        word = only(Consent)
        assert (word.channel, word.is_granted, word.how) == ("email", False, "the unsubscribe link")
        assert word.proof
        assert (current(waiting).status, current(waiting).error_message) == ("cancelled", "the customer opted out")
        answer = alice.api.post(
            f"{API}/conversations/{waiting.conversation_id}/messages", {"body": "Still there?"}, format="json"
        )
        assert (answer.status_code, answer.data["errors"][0]["code"]) == (403, "opted_out")

    def test_a_changed_address_is_none(self, link: str):
        head, _, token = link.rpartition("/")
        for changed in ("x", token[:-2], token[::-1], token + "a"):
            assert Client().post(f"{head}/{changed}").status_code == 404
        assert all_of(Consent) == []


class TestRefusals:
    def send(self, alice: Any, write: Any, replies: Any, *, times: int = 1) -> tuple[Message, list[str]]:
        with scripted_mail_server(replies) as server:
            message = write(make_mailbox(alice, server.port), subject="Your visit")
            for _ in range(times):
                make_due(Message)
                sending.deliver_due()
            return current(message), server.commands

    def test_4xx_is_tried_again(self, alice: Any, write: Any, settings: Any):
        message, _ = self.send(alice, write, {"RCPT": "451 4.7.1 greylisted, come back"})
        assert (message.status, message.attempts, message.due_at is not None) == ("queued", 1, True)
        assert message.error_code

    def test_and_goes_when_the_server_takes_it(self, alice: Any, write: Any):
        message, commands = self.send(alice, write, {END_OF_DATA: ["452 4.3.1 no room", "250 2.0.0 taken"]}, times=2)
        assert (message.status, message.error_code) == ("sent", "")
        assert sum(command.upper().startswith("DATA") for command in commands) == 2

    def test_5xx_is_final(self, alice: Any, write: Any):
        message, _ = self.send(alice, write, {"RCPT": "550 5.1.1 no such user"})
        assert (message.status, message.due_at) == ("failed", None)
        assert message.error_message
        assert outbox.outbox == []

    def test_535_is_reported_to_the_administrators_once(
        self, alice: Any, bob: Any, write: Any, django_capture_on_commit_callbacks: Any
    ):
        replies = {"EHLO": "250-mail.example.com\r\n250 AUTH PLAIN LOGIN", "AUTH": "535 5.7.8 wrong"}
        with scripted_mail_server(replies) as refusing:
            channel = make_mailbox(alice, refusing.port)
            with organization_scope(alice.organization):
                changes = {"credentials": {"username": "desk", "password": "wrong"}}
                channel = channels.update(channel=channel, actor=alice.actor, changes=changes)
            first, second = write(channel), write(channel, "Another")
            with django_capture_on_commit_callbacks(execute=True):
                sending.deliver_due()
        assert {current(first).status, current(second).status} == {"failed"}
        assert "dministrator" in current(first).error_message
        (told,) = outbox.outbox
        assert told.to == ["alice@harbour.example"]
        assert "Front desk" in told.subject
        assert "wrong" not in told.body
        with organization_scope(alice.organization):
            assert Channel.objects.get(pk=channel.pk).last_error

    def test_a_lost_answer_is_not_sent_twice(self, alice: Any, write: Any):
        message, commands = self.send(alice, write, {END_OF_DATA: ""})
        assert message.status == "unconfirmed"
        assert sum(command.upper().startswith("DATA") for command in commands) == 1
