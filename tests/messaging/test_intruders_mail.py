"""Whoever writes a mail may write anything into it: what that can do, and what not."""

from __future__ import annotations

import base64
import time
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from activity.actor import SYSTEM
from core.tenancy import every_organization, organization_scope
from customers.data.merging import services as merging
from customers.models import Consent, Customer
from customers.people.consent import services as consent
from messaging.channels.mail.parse import parse
from messaging.delivery import queue as outbound
from messaging.files import links
from messaging.inbound_deliveries.store import store
from messaging.intake import processing
from messaging.models import Arrival, Channel, Conversation, MailDetails, Message, StoppedAddress
from messaging.settings import services as channels
from messaging.threads import mail_threads
from messaging.threads import services as conversations
from tests.messaging.conftest import current, messages_of

DESK = "desk@harbour.example"
ANN = "ann@patients.example"
VICTIM = "victim@patients.example"
pytestmark = pytest.mark.django_db


def mailbox(person: Any, address: str = DESK) -> Channel:
    with organization_scope(person.organization):
        return channels.create(
            organization=person.organization, actor=SYSTEM, kind="email", provider="smtp", name="Desk",
            address=address, credentials={"host": "mail.example", "port": 587},
        )  # fmt: skip


@pytest.fixture
def desk(alice: Any) -> Channel:
    return mailbox(alice)


def arrive(channel: Channel, raw: bytes, key: str = "") -> Arrival:
    """A mail as it lies in the mailbox, taken in."""
    key = key or f"test:{channel.pk}:{hash(raw)}"
    store(key=key, provider="smtp", kind="email", arrival_type="message", body=raw, channel=channel)
    processing.process_due()
    return Arrival.objects.get(key=key)


def a_mail(body: str = "Hello", sender: str = ANN, to: str = DESK, **headers: str) -> bytes:
    fields = {
        "From": sender,
        "To": to,
        "Subject": "Braces",
        "Message-ID": f"<{time.time_ns()}@outside.example>",
        "Date": "Sat, 21 Nov 2026 09:00:00 +0000",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode() + f"\r\n{body}\r\n".encode()


def a_bounce(recipient: str, *, message_id: str = "", to: str = DESK) -> bytes:
    returned = (
        f"\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{message_id}>\r\n" if message_id else ""
    )
    return (
        f"From: mailer-daemon@evil.example\r\nTo: {to}\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        "Message-ID: <bounce@evil.example>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nNo such user.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; evil.example\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        f"Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n{returned}\r\n--b--\r\n"
    ).encode()


def sent_to(person: Any, channel: Channel, make_customer: Any, address: str, message_id: str) -> Message:
    """A mail of ours that left."""
    customer = make_customer(email=address)
    with organization_scope(person.organization):
        conversation = conversations.begin(customer=customer, channel=Channel.objects.get(pk=channel.pk))
        message = outbound.queue_message(conversation=conversation, body="See you", actor=person.actor)
        Message.objects.filter(pk=message.pk).update(
            status="sent", sent_at=timezone.now(), provider_message_id=message_id, due_at=None
        )
    return current(message)


class TestBounces:
    def test_who_got_a_mail_of_ours_can_stop_nobody_else(self, alice: Any, desk: Channel, make_customer: Any):
        ours = sent_to(alice, desk, make_customer, ANN, "ours@harbour.example")
        other = sent_to(alice, desk, make_customer, VICTIM, "other@harbour.example")
        arrival = arrive(desk, a_bounce(VICTIM, message_id="ours@harbour.example"))
        with organization_scope(alice.organization):
            assert [row.address for row in StoppedAddress.objects.all()] == [ANN]
        assert (current(ours).status, current(other).status) == ("failed", "sent")
        assert arrival.message_id == ours.pk, "so that it is found when the person’s data are"

    def test_one_of_nobody_that_we_wrote_to_stops_nobody(self, alice: Any, desk: Channel, make_customer: Any):
        make_customer(email=VICTIM)
        arrival = arrive(desk, a_bounce(VICTIM))
        assert arrival.outcome == "a bounce of no mail of ours"
        with every_organization("the test looks at all"):
            assert not StoppedAddress.objects.exists()

    def test_another_organizations_message_is_not_settled(
        self, alice: Any, charlie: Any, desk: Channel, make_customer: Any
    ):
        ours = sent_to(alice, desk, make_customer, ANN, "ours@harbour.example")
        theirs = mailbox(charlie, "desk@elsewhere.example")
        named = mail_threads.reply_address(ours.conversation, desk)
        arrive(theirs, a_bounce(ANN, message_id="ours@harbour.example", to=named))
        assert current(ours).status == "sent"
        with every_organization("the test looks at all"):
            assert not StoppedAddress.objects.exists()

    def test_a_bounce_is_answered_by_nothing(self, alice: Any, desk: Channel, make_customer: Any):
        sent_to(alice, desk, make_customer, ANN, "ours@harbour.example")
        before = len(messages_of(alice.organization))
        arrive(desk, a_bounce(ANN, message_id="ours@harbour.example"))
        assert len(messages_of(alice.organization)) == before


class TestThreads:
    def test_a_stranger_in_a_thread_becomes_no_address_that_answers_go_to(
        self, alice: Any, desk: Channel, make_customer: Any
    ):
        ours = sent_to(alice, desk, make_customer, ANN, "ours@harbour.example")
        arrival = arrive(desk, a_mail("Pay here", "thief@evil.example", In_Reply_To="<ours@harbour.example>",
                                      Reply_To="thief@evil.example"))  # fmt: skip
        with organization_scope(alice.organization):
            message = Message.objects.select_related("conversation").get(pk=arrival.message_id)
            assert message.conversation_id == ours.conversation_id
            assert (message.conversation.address, message.address) == (ANN, "thief@evil.example")
            answer = outbound.queue_message(conversation=message.conversation, body="No", actor=alice.actor)
            assert answer.address == ANN
            again = conversations.begin(customer=ours.customer, channel=desk)
            assert again.address == ANN

    def test_a_known_customer_has_threads_of_their_own(self, alice: Any, desk: Channel, make_customer: Any):
        ours = sent_to(alice, desk, make_customer, ANN, "ours@harbour.example")
        other = make_customer(email=VICTIM)
        arrival = arrive(desk, a_mail("Hi", VICTIM, References="<ours@harbour.example>"))
        with organization_scope(alice.organization):
            message = Message.objects.get(pk=arrival.message_id)
            assert message.conversation_id != ours.conversation_id
            assert message.customer_id == other.pk

    @pytest.mark.parametrize(("said", "now"), [("START", False), ("STOP", False)])
    def test_a_stranger_opts_nobody_in(self, alice: Any, desk: Channel, make_customer: Any, said: str, now: bool):
        ours = sent_to(alice, desk, make_customer, ANN, "ours@harbour.example")
        with organization_scope(alice.organization):
            consent.change(customer=ours.customer, channel="email", is_granted=False, how="wrote STOP", actor=SYSTEM)
        arrive(desk, a_mail(said, "thief@evil.example", In_Reply_To="<ours@harbour.example>"))
        with organization_scope(alice.organization):
            assert consent.word(customer=ours.customer, channel="email") is now
        arrive(desk, a_mail("START", ANN, In_Reply_To="<ours@harbour.example>"))
        with organization_scope(alice.organization):
            assert consent.word(customer=ours.customer, channel="email") is True

    def test_a_forged_reply_address_names_no_thread(self, alice: Any, charlie: Any, desk: Channel, make_customer: Any):
        ours = sent_to(alice, desk, make_customer, ANN, "ours@harbour.example")
        signed = mail_threads.reply_address(ours.conversation, desk)
        local, _, domain = signed.partition("@")
        last = "a" if local[-1] != "a" else "b"
        forged = f"{local[:-1]}{last}@{domain}"
        for address in (forged, f"{local}x@{domain}", "desk+c@harbour.example", f"desk+c{'é' * 36}@{domain}"):
            assert mail_threads.conversation_named([address]) is None
        # The right one, in another organization's mailbox, is nothing there.
        theirs = mailbox(charlie, "desk@elsewhere.example")
        arrival = arrive(theirs, a_mail("Hi", "x@evil.example", to=signed))
        with organization_scope(charlie.organization):
            assert Message.objects.get(pk=arrival.message_id).conversation_id != ours.conversation_id

    def test_a_message_id_that_somebody_took_before_hides_nothing(self, alice: Any, desk: Channel, make_customer: Any):
        sent_to(alice, desk, make_customer, ANN, "ours@harbour.example")
        taken = {"Message_ID": "<taken@outside.example>"}
        first = arrive(desk, a_mail("Mine first", "thief@evil.example", **taken))
        second = arrive(desk, a_mail("The real one", ANN, **taken))
        third = arrive(desk, a_mail("I am your mail", "thief@evil.example", Message_ID="<ours@harbour.example>"))
        again = arrive(desk, a_mail("The real one", ANN, **taken), key="again")
        ids = [row.message_id for row in (first, second, third)]
        assert len(set(ids)) == 3
        assert again.message_id == second.message_id


class TestLoops:
    def test_what_we_sent_makes_nobody_a_customer(self, alice: Any, desk: Channel, make_customer: Any):
        ours = sent_to(alice, desk, make_customer, ANN, "ours@harbour.example")
        with organization_scope(alice.organization):
            before = Customer.objects.count()
        for sender in (DESK, f"Desk <{DESK.upper()}>"):
            mail = a_mail("Copy", sender, Message_ID=f"<{ours.provider_message_id.strip('<>')}>")
            assert arrive(desk, mail).outcome == "a mail of our own"
        with organization_scope(alice.organization):
            assert Customer.objects.count() == before

    def test_our_address_alone_hides_nothing(self, alice: Any, desk: Channel):
        for raw in (
            a_mail("Copy", DESK),
            a_mail("Loop", "no-reply@evil.example", Reply_To=DESK),
            a_mail("Loop", "x@evil.example", X_Original_Sender=DESK),
        ):
            assert arrive(desk, raw).outcome == "a message"

    def test_a_form_on_our_site_is_its_writers(self, alice: Any, desk: Channel):
        arrival = arrive(desk, a_mail("I want braces", "no-reply@harbour.example", Reply_To=ANN))
        with organization_scope(alice.organization):
            assert Message.objects.get(pk=arrival.message_id).address == ANN

    @pytest.mark.parametrize(
        "headers", [{"Auto_Submitted": "auto-replied"}, {"Precedence": "bulk"}, {"List_Id": "<x.example>"},
                    {"Return_Path": "<>"}],
    )  # fmt: skip
    def test_what_answers_by_itself_is_not_waited_for(self, alice: Any, desk: Channel, headers: dict[str, str]):
        arrival = arrive(desk, a_mail("STOP", **headers))
        with organization_scope(alice.organization):
            message = Message.objects.select_related("conversation", "customer").get(pk=arrival.message_id)
            assert message.conversation.last_inbound_at is None
            assert message.conversation.waiting_since is None
            assert not Consent.objects.filter(customer=message.customer).exists()


class TestUnsubscribing:
    def test_a_link_does_what_it_says_and_nothing_else(
        self, alice: Any, charlie: Any, desk: Channel, make_customer: Any
    ):
        ours = sent_to(alice, desk, make_customer, ANN, "ours@harbour.example")
        with organization_scope(alice.organization):
            path = "/" + links.unsubscribe_url(ours).split("/", 3)[3]
        outsider = Client(enforce_csrf_checks=True)
        assert outsider.get(path).status_code == 200
        with organization_scope(alice.organization):
            assert consent.word(customer=ours.customer, channel="email") is None, "looking ends nothing"
        other = make_customer(email=VICTIM)
        posted = outsider.post(path, {"customer": str(other.pk), "kind": "whatsapp", "List-Unsubscribe": "One-Click"})
        assert posted.status_code == 200
        with organization_scope(alice.organization):
            assert consent.word(customer=ours.customer, channel="email") is False
            assert Consent.objects.count() == 1
        token = path.rstrip("/").rpartition("/")[2]
        for wrong in (token[:-1] + ("a" if token[-1] != "a" else "b"), token.partition(":")[0], "x", "x:y:z"):
            assert outsider.post(path.replace(token, wrong)).status_code == 404

    def test_of_one_who_was_merged_it_ends_what_goes_to_the_survivor(
        self, alice: Any, desk: Channel, make_customer: Any
    ):
        ours = sent_to(alice, desk, make_customer, ANN, "ours@harbour.example")
        with organization_scope(alice.organization):
            path = "/" + links.unsubscribe_url(ours).split("/", 3)[3]
            survivor = make_customer()
            merging.merge(loser=ours.customer, survivor=survivor, actor=alice.actor)
        assert Client().post(path).status_code == 200
        with organization_scope(alice.organization):
            assert consent.word(customer=survivor, channel="email") is False

    def test_the_two_kinds_of_link_are_not_each_other(self, alice: Any, desk: Channel, make_customer: Any):
        ours = sent_to(alice, desk, make_customer, ANN, "ours@harbour.example")
        with organization_scope(alice.organization):
            token = links.unsubscribe_url(ours).rstrip("/").rpartition("/")[2]
        with pytest.raises(links.InvalidLink):
            links.file_of(token)


class TestHeaders:
    def test_nothing_that_is_typed_becomes_a_header(self, alice: Any, desk: Channel, make_customer: Any):
        ours = sent_to(alice, desk, make_customer, ANN, "ours@harbour.example")
        with organization_scope(alice.organization):
            conversation = Conversation.objects.select_related("customer", "channel", "organization").get(
                pk=ours.conversation_id
            )
            message = outbound.queue_message(
                conversation=conversation, body="x", subject="Hi\r\nBcc: all@evil.example", actor=alice.actor
            )
            assert "\n" not in message.subject
            assert "\r" not in message.subject
        for cc in ("a@b.example\nBcc: x@evil.example", "a@b.example, x@y.example", "a b@c.example"):
            answer = alice.api.post(
                f"/api/v1/conversations/{ours.conversation_id}/messages", {"body": "x", "cc": [cc]}, format="json"
            )
            assert answer.status_code == 400, cc


class TestSizes:
    @pytest.mark.parametrize(
        "raw",
        [
            a_mail("x\n" * 1_000_000),
            a_mail("> " * 500_000),
            a_mail("-- \n" * 200_000),
            a_mail("On x wrote:\n" * 80_000),
            a_mail("Hi", X_A="\r\n a" * 200_000),
            a_mail("Hi", References="<a@b> " * 200_000),
            a_mail("Hi", to="a@b.example, " * 100_000),
            a_mail("<div>" * 200_000, Content_Type="text/html"),
            a_mail("<a href='" * 100_000, Content_Type="text/html"),
            a_mail("&" * 1_000_000, Content_Type="text/html"),
            a_mail("--b\r\n\r\nx\r\n" * 100_000, Content_Type="multipart/mixed; boundary=b"),
        ],
        ids=["lines", "quotes", "signatures", "attributions", "folded", "references", "recipients", "tags", "links",
             "entities", "parts"],
    )  # fmt: skip
    def test_a_huge_mail_is_read_in_time(self, raw: bytes):
        began = time.process_time()
        received = parse(raw)
        assert time.process_time() - began < 5
        assert len(received.body) <= 100_000

    def test_what_a_system_hands_in_is_bounded(self, alice: Any):
        base = {"message_id": "1", "from": ANN, "sent_at": "2026-11-21T09:00:00Z"}
        wrong: tuple[dict[str, Any], ...] = (
            {"raw": "é"}, {"raw": "%%%"}, {"raw": 5}, {"raw": ""}, {"raw": []}, {"html": "x" * 500_001},
            {"files": [{"filename": "a", "content": "?"}]}, {"files": {}}, {"files": [1]},
            {"files": [{"filename": "a", "content": "YQ=="}] * 21}, {"references": [1]}, {"cc": "x" * 3_000_000},
            {"in_reply_to": "x" * 2000}, {"raw": base64.b64encode(b"\x00" * 1000).decode()},
        )  # fmt: skip
        for more in wrong:
            answer = alice.api.post("/api/v1/webhooks/email", {**base, "body": "", **more}, format="json")
            assert answer.status_code in (400, 413), (more.keys(), answer.status_code)


class Shown(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


def test_a_whole_mail_with_files_can_be_handed_in_up_to_the_limit(alice: Any, settings: Any):
    base = {"from": ANN, "sent_at": "2026-11-21T09:00:00Z"}
    settings.MAIL_MAX_BYTES = 1_500_000

    def hand_in(size: int, key: str) -> int:
        raw = a_mail("x" * 70 + "\r\n" * (size // 2))
        body = {**base, "message_id": key, "raw": base64.b64encode(raw).decode()}
        headers = {"Idempotency-Key": key}
        return alice.api.post("/api/v1/webhooks/email", body, format="json", headers=headers).status_code

    assert (hand_in(1_300_000, "1"), hand_in(3_000_000, "2")) == (202, 413)
    assert (
        alice.api.generic("POST", "/api/v1/webhooks/email", "[" * 100_000, content_type="application/json").status_code
        == 400
    )


def test_a_mails_page_runs_nothing(alice: Any, bob: Any, charlie: Any, desk: Channel):
    html = (
        "<p onclick=alert(1)>Hi</p><script>alert(1)</script><svg onload=alert(1)><img src=x onerror=alert(1)>"
        "<iframe srcdoc='<script>1</script>'></iframe><a href='javascript:alert(1)'>a</a><base href=//evil.example>"
        "<meta http-equiv=refresh content='0;url=//evil.example'><form action=//evil.example><input name=p></form>"
        "<a href='data:text/html,<script>1</script>'>b</a><link rel=stylesheet href=//evil.example/x.css>"
        "<img src='cid:&quot; onerror=alert(1) x=&quot;'><style>@import url(//evil.example)</style>"
        "</body></html><b>x</b>"
    )
    arrival = arrive(desk, a_mail(html, Content_Type="text/html"))
    with organization_scope(alice.organization):
        assert MailDetails.objects.filter(message=arrival.message_id).exists()
    address = f"messages/{arrival.message_id}/mail/"
    answer = alice.client.get(alice.url(address))
    assert answer.status_code == 200
    shown = Shown()
    shown.feed(answer.content.decode().partition("<body>")[2])
    assert not shown.tags & {"script", "svg", "iframe", "base", "meta", "form", "input", "link", "style"}
    assert not [name for name, _ in shown.attributes if name.startswith("on") or name in ("srcdoc", "action")]
    assert not [value for name, value in shown.attributes if name == "href" and not value.startswith("http")]
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    assert "https:" not in policy.partition("img-src")[2].partition(";")[0].replace("https://testserver", "")
    for query in ("", "?images=1"):
        assert bob.client.get(bob.url(address) + query).status_code == 404
        assert charlie.client.get(charlie.url(address) + query).status_code == 404
        assert charlie.client.get(alice.url(address) + query).status_code == 404
        assert Client().get(alice.url(address) + query).status_code == 302


def test_a_reply_long_after_is_still_no_way_around_do_not_contact(alice: Any, desk: Channel, make_customer: Any):
    ours = sent_to(alice, desk, make_customer, ANN, "ours@harbour.example")
    with organization_scope(alice.organization):
        Customer.objects.filter(pk=ours.customer_id).update(do_not_contact=True)
        Message.objects.filter(pk=ours.pk).update(status="failed", sent_at=timezone.now() - timedelta(days=1))
    assert alice.api.post(f"/api/v1/outbound-messages/{ours.pk}/retry").status_code == 403
