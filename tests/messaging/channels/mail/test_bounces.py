"""Who did not get the mail, and whether the address is dead."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from messaging.channels.mail.parse import parse

BOUNCES = Path(__file__).resolve().parents[4].parent / "shared" / "mail" / "bounces"


def report(status, words, notice="It failed.", action="failed"):
    return (
        "From: MAILER-DAEMON@mx.example.org\nTo: us@example.com\nSubject: Undelivered Mail Returned to Sender\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n--b\nContent-Type: text/plain\n\n'
        f"{notice}\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\n"
        f"Final-Recipient: rfc822; A@b.example\nAction: {action}\nStatus: {status}\nDiagnostic-Code: smtp; {words}\n\n"
        "--b\nContent-Type: message/rfc822\n\nMessage-ID: <ours@example.com>\nTo: a@b.example\n\nx\n--b--\n"
    ).encode()


def notice(subject, text):
    return (
        f"Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.org\nTo: us@example.com\nSubject: {subject}\n\n{text}"
    ).encode()


@pytest.mark.parametrize(
    ("status", "words", "hard", "reason"),
    [
        ("5.1.1", "550 5.1.1 <a@b.example>: Recipient address rejected: User unknown", True, "userunknown"),
        ("5.1.1", "552 5.1.1 mailbox is over quota", False, "mailboxfull"),
        ("5.2.1", "550 5.2.1 The email account that you tried to reach is disabled.", False, "suspend"),
        ("5.4.4", "Host or domain name not found. Name service error for name=b.example", True, "hostunknown"),
        ("4.4.3", "Host or domain name not found. Name service error, try again", False, "hostunknown"),
        ("5.7.1", "554 5.7.1 Client host [192.0.2.1] blocked using list.example", False, "blocked"),
        ("5.7.26", "550 5.7.26 not accepted due to the domain's DMARC policy", False, "authfailure"),
        ("5.7.1", "550 5.7.1 looks like spam", False, "spamdetected"),
        ("5.3.4", "552 5.3.4 Message size exceeds fixed limit", False, "mesgtoobig"),
        ("5.1.8", "501 5.1.8 Sender address rejected: Domain not found", False, "rejected"),
        ("5.1.6", "551 5.1.6 User has moved to c@d.example", True, "hasmoved"),
        ("4.4.7", "Message expired", False, "expired"),
    ],
)
def test_a_report_says_whether_the_address_is_dead(status, words, hard, reason):
    message = parse(report(status, words))
    (bounce,) = message.mail.bounces
    assert (bounce.recipient, bounce.is_hard, bounce.reason) == ("a@b.example", hard, reason)
    assert (bounce.message_id, message.mail.is_bounce) == ("ours@example.com", True)


def test_unknown_counts_only_when_the_recipient_was_refused():
    refused = "host mx said: 550 User unknown (in reply to RCPT TO command)"
    read = "host mx said: 550 User unknown (in reply to end of DATA command)"
    assert parse(report("5.0.0", "550 User unknown", refused)).mail.bounces[0].is_hard
    assert not parse(report("5.0.0", "550 User unknown", read)).mail.bounces[0].is_hard


def test_a_delay_is_never_hard_and_a_success_no_bounce():
    assert not parse(report("5.1.1", "550 5.1.1 User unknown", action="delayed")).mail.bounces[0].is_hard
    delivered = parse(report("2.0.0", "250 ok", action="delivered")).mail
    assert (delivered.is_bounce, delivered.bounces) == (False, ())


@pytest.mark.parametrize(
    ("subject", "text", "hard"),
    [
        ("failure notice", "I've given up.\n\n<a@b.example>:\nSorry, no mailbox here by that name. (#5.1.1)\n", True),
        (
            "failure notice",
            "I've given up.\n\n<a@b.example>:\nRemote host does not like recipient.\n550 No such user\n",
            True,
        ),
        (
            "failure notice",
            "<a@b.example>:\nuser is over quota\n\n--- Below this line is a copy of the message.\n",
            False,
        ),
        (
            "Mail delivery failed",
            "A message could not be delivered to:\n\n  a@b.example\n    Unrouteable address\n",
            True,
        ),
        ("Undeliverable Mail", "Unknown user: a@b.example\n\nOriginal message follows.\n", True),
        (
            "DELIVERY FAILURE",
            "was not delivered to:\n\n  a@b.example\n\nbecause:\n\n  not listed in Domino Directory\n",
            True,
        ),
    ],
)
def test_notices_in_plain_words_are_read(subject, text, hard):
    (bounce,) = parse(notice(subject, text)).mail.bounces
    assert (bounce.recipient, bounce.is_hard) == ("a@b.example", hard)


def test_several_recipients_are_distinguished():
    text = (
        "could not be delivered\n\n<a@b.example>:\n550 5.1.1 User unknown\n\n<c@d.example>:\n552 5.2.2 Mailbox full\n"
    )
    bounces = parse(notice("failure notice", text)).mail.bounces
    assert [(bounce.recipient, bounce.is_hard) for bounce in bounces] == [("a@b.example", True), ("c@d.example", False)]


def test_amazons_notification_is_read():
    words = "smtp; 550 5.1.1 user unknown"
    data = {
        "notificationType": "Bounce",
        "bounce": {"bouncedRecipients": [{"emailAddress": "a@b.example", "status": "5.1.1", "diagnosticCode": words}]},
    }  # fmt: skip
    (bounce,) = parse(notice("AWS Notification Message", json.dumps(data))).mail.bounces
    assert (bounce.recipient, bounce.is_hard, bounce.code) == ("a@b.example", True, "5.1.1")


def test_a_complaint_is_no_bounce():
    raw = (
        b"From: fbl@example.org\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n\n"
        b"--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\n\n--b--\n"
    )
    mail = parse(raw).mail
    assert (mail.is_bounce, mail.automatic) == (False, "a complaint")


def _files():
    if not BOUNCES.exists():
        pytest.skip("needs ../shared/mail/bounces, which is not part of the repository")
    return {path.name: parse(path.read_bytes()) for path in sorted(BOUNCES.glob("*.eml"))}


def test_real_bounces_are_hard_or_soft_as_expected():
    messages = _files()
    expected = json.loads((BOUNCES / "expected.json").read_text())
    wrong = [
        name
        for name, entries in expected.items()
        if ([bounce.is_hard for bounce in messages[name].mail.bounces] or [False])
        != [entry["hard"] for entry in entries]
    ]
    assert len(wrong) <= len(expected) * 3 // 100, wrong


def test_real_complaints_and_answers_are_no_bounces():
    messages = _files()
    for name, message in messages.items():
        if name.startswith(("arf-", "rfc3834-", "not-a-bounce")):
            assert not message.mail.is_bounce, name
            assert message.mail.automatic, name
        else:
            assert message.mail.is_bounce, name
