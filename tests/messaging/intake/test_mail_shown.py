"""Mails that came in as they are shown: cleaned, and without what phones home."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from messaging.intake import processing
from messaging.models import Arrival, Attachment, Channel, MailDetails, Message
from messaging.threads import mail_threads
from tests.messaging.conftest import DESK, all_of, mail_arrives, only, picture, raw_mail
from tests.messaging.intake.conftest import ADA


def answer_to(message: Message) -> str:
    return mail_threads.reply_address(message.conversation, message.channel)


HTML = (
    '<p>Hello <b>there</b></p><script>alert(1)</script><img src="https://tracker.example/x.png">'
    '<img src="cid:logo@1"><a href="javascript:alert(1)" onclick="x()">click</a>'
)


def rich_mail() -> bytes:
    image = base64.b64encode(picture((20, 20))).decode()
    return (
        f"From: {ADA}\r\nTo: {DESK}\r\nSubject: Rich\r\nMessage-ID: <rich@example.com>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="m"\r\n\r\n--m\r\n'
        'Content-Type: multipart/related; boundary="r"\r\n\r\n--r\r\nContent-Type: text/html; charset=utf-8\r\n\r\n'
        f"{HTML}\r\n--r\r\nContent-Type: image/png; name=logo.png\r\nContent-Transfer-Encoding: base64\r\n"
        f"Content-ID: <logo@1>\r\nContent-Disposition: inline\r\n\r\n{image}\r\n--r--\r\n--m\r\n"
        'Content-Type: application/pdf; name="plan.pdf"\r\nContent-Disposition: attachment; filename="plan.pdf"\r\n'
        "Content-Transfer-Encoding: base64\r\n\r\n" + base64.b64encode(b"%PDF-1.7").decode() + "\r\n--m--\r\n"
    ).encode()


class TestShown:
    @pytest.fixture
    def rich(self, mailbox: Channel) -> Message:
        mail_arrives(mailbox, rich_mail())
        message: Message = only(Message)
        return message

    def test_files_and_pictures_are_kept(self, rich: Message):
        rows = {row.filename: row for row in all_of(Attachment, message=rich)}
        assert set(rows) == {"logo.png", "plan.pdf"}
        assert (rows["logo.png"].is_inline, rows["logo.png"].content_id) == (True, "logo@1")
        assert {row.state for row in rows.values()} == {"stored"}
        assert rich.extra["media_count"] == 2

    def test_it_is_cleaned_and_shown_in_a_strict_frame(self, alice: Any, rich: Message):
        held = only(MailDetails).html
        assert "script" not in held
        assert "onclick" not in held
        assert "javascript:" not in held
        answer = alice.client.get(alice.url(f"messages/{rich.pk}/mail/"))
        page = answer.content.decode()
        policy = answer.headers["Content-Security-Policy"]
        assert answer.status_code == 200
        assert "<b>there</b>" in page
        assert "default-src 'none'" in policy
        assert "sandbox" in policy
        assert "allow-scripts" not in policy
        assert "allow-same-origin" not in policy
        assert "https:" not in policy.replace("https://", "")
        assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert "cid:" not in page
        picture_url = page.split('src="/files/')[1].split('"')[0]
        shown = alice.client.get(f"/files/{picture_url}")
        assert (shown.status_code, b"".join(shown.streaming_content)) == (200, picture((20, 20)))

    def test_pictures_from_elsewhere_only_when_asked_for(self, alice: Any, rich: Message):
        def sources(query: str) -> str:
            answer = alice.client.get(alice.url(f"messages/{rich.pk}/mail/{query}"))
            policy = answer.headers["Content-Security-Policy"]
            return next(part for part in policy.split(";") if "img-src" in part)

        assert " https:" not in sources("")
        assert " https:" not in sources("?images=0")
        assert " https:" in sources("?images=1")

    def test_it_is_shown_to_nobody_else(self, alice: Any, bob: Any, charlie: Any, rich: Message):
        path = f"messages/{rich.pk}/mail/"
        assert bob.client.get(bob.url(path)).status_code == 404
        assert charlie.client.get(charlie.url(path)).status_code == 404
        assert charlie.client.get(alice.url(path)).status_code == 404

    def test_one_without_a_layout_has_no_frame(self, alice: Any, mailbox: Channel):
        mail_arrives(mailbox, raw_mail())
        assert alice.client.get(alice.url(f"messages/{only(Message).pk}/mail/")).status_code == 404

    def test_a_file_that_is_too_large_is_reported(self, alice: Any, mailbox: Channel, settings: Any):
        settings.MEDIA_MAX_BYTES = 70
        mail_arrives(mailbox, rich_mail())
        rows = {row.filename: (row.state, bool(row.reason)) for row in all_of(Attachment)}
        assert rows["plan.pdf"] == ("stored", False)
        assert rows["logo.png"] == ("failed", True)

    def test_what_was_quoted_is_folded_away(self, mailbox: Channel):
        mail_arrives(mailbox, raw_mail("Yes, nine is fine.\n\nOn Monday the desk wrote:\n> Is nine fine?\n"))
        assert only(Message).body == "Yes, nine is fine."
        assert "> Is nine fine?" in only(MailDetails).folded


class TestPoison:
    def test_what_can_not_be_read_is_set_aside_and_the_next_is_read(self, mailbox: Channel, alice: Any):
        bad = mail_arrives(mailbox, b"\xff\xfe\x00 no mail at all")
        good = mail_arrives(mailbox, raw_mail("Fine"))
        assert (bad.state, good.state) == ("set_aside", "done")
        assert "From" in bad.last_error
        assert [message.body for message in all_of(Message)] == ["Fine"]
        bad.refresh_from_db()
        assert bytes(bad.body) == b"\xff\xfe\x00 no mail at all", "an administrator can still look at it"

    def test_what_breaks_us_is_tried_again_and_then_set_aside(self, mailbox: Channel, monkeypatch: Any):
        def breaks(*args: Any, **given: Any) -> None:
            raise RuntimeError("a fault of ours")

        monkeypatch.setattr(processing.inbound, "receive", breaks)
        arrival = mail_arrives(mailbox, raw_mail())
        assert (arrival.state, arrival.attempts) == ("pending", 1)
        for _ in processing.RETRIES:
            Arrival.objects.update(due_at=timezone.now())
            processing.process_due()
        arrival.refresh_from_db()
        assert (arrival.state, "a fault of ours" in arrival.last_error) == ("set_aside", True)
        monkeypatch.undo()
        assert processing.replay(arrival)
        processing.process_due()
        assert len(all_of(Message)) == 1


def test_a_signed_address_does_not_expire(mailbox: Channel, sent: Any):
    ours = sent()
    address = answer_to(ours)
    with time_machine.travel(timezone.now() + timedelta(days=400)):
        mail_arrives(mailbox, raw_mail(To=address, From="eve@example.com"))
    assert only(Message, direction="inbound").conversation_id == ours.conversation_id
