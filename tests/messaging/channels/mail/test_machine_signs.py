"""A machine is known by its signs: words alone, which people write as well, make no mail a machine's."""

from __future__ import annotations

import pytest

from messaging.channels.mail.parse import parse
from tests.messaging.channels.mail.human_mails import OUR_ID, SENTENCES, HumanMail, human_mails


@pytest.fixture(scope="module")
def mails() -> list[HumanMail]:
    return list(human_mails())


def read(headers: str, text: str = "Hello", sender: str = "Ann <ann@home.example>"):
    return parse(f"From: {sender}\r\nTo: desk@harbour.example\r\n{headers}\r\n\r\n{text}".encode()).mail


def report(kind: str, part: str, sender: str = "ann@home.example") -> bytes:
    return (
        f"From: {sender}\nTo: desk@harbour.example\nSubject: Read: Visit\n"
        f'Content-Type: multipart/report; report-type={kind}; boundary="b"\n\n--b\n'
        f"Content-Type: text/plain\n\nIt was shown.\n--b\nContent-Type: message/{kind}\n\n{part}\n\n--b--\n"
    ).encode()


def test_the_set_is_wide(mails):
    assert len(mails) >= 300
    assert {mail.language for mail in mails} == set(SENTENCES)
    assert sum(OUR_ID.encode() in mail.raw for mail in mails) > 100
    words = " ".join(mail.words for mail in mails).casefold()
    for expected in (
        "not delivered",
        "out of office",
        "frånvaro",
        "user unknown",
        "on holiday",
        "退信",
        "mailbox full",
    ):
        assert expected in words, expected


def test_no_word_makes_a_person_a_machine(mails):
    taken = [
        (str(mail), read.mail.automatic or "a bounce")
        for mail in mails
        if (read := parse(mail.raw)).mail.is_bounce or read.mail.automatic or not read.body or not read.sender
    ]
    assert taken == []


@pytest.mark.parametrize(
    "sign",
    [
        "Return-Path: <>",
        "Auto-Submitted: auto-replied",
        "X-Failed-Recipients: bo@shop.example",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
    ],
)
def test_with_a_sign_the_same_words_are_a_bounce(sign):
    text = "This message was not delivered.\n\n<bo@shop.example>:\n550 5.1.1 User unknown\n"
    assert not read("Subject: Undelivered mail", text).is_bounce
    assert read(f"Subject: Undelivered mail\r\n{sign}", text).is_bounce


@pytest.mark.parametrize(
    "sender",
    ["MAILER-DAEMON@mx.example", "Postmaster@mx.example", "post_master@mx.example", "<>", "MAILER-DAEMON",
     "Mail System <mail-delivery-system@mx.example>", "bounce+ab12@mx.example"],
)  # fmt: skip
def test_a_daemons_address_is_a_sign(sender):
    text = "<bo@shop.example>: 550 5.1.1 User unknown. It was not delivered."
    assert read("Subject: Failure notice", text, sender).is_bounce


@pytest.mark.parametrize(
    "sender",
    ["Mail Delivery Ltd <info@courier.example>", "Bouncy Castles <bouncy@hire.example>", "Ann Post <post@x.example>",
     "Mailer & Sons <office@mailer.example>", "Mail Administrator <kim@home.example>"],
)  # fmt: skip
def test_a_name_that_sounds_like_one_is_none(sender):
    read_one = read("Subject: Delivery failed", "Your parcel was not delivered to Bo.", sender)
    assert (read_one.is_bounce, read_one.automatic) == (False, "")


def test_a_mail_that_came_back_without_any_other_sign_counts_only_by_its_id():
    returned = "Message-ID: <ours@harbour.example>\nTo: bo@x.example\n"
    text = f"It could not be delivered.\n\nOriginal message follows:\n\n{returned}"
    unsure = read("Subject: Mail delivery failed", text)
    assert (unsure.is_bounce, unsure.is_sure_bounce) == (True, False)
    assert unsure.bounces[0].message_id == "ours@harbour.example"
    for passed_on in (
        "Subject: Fwd: Mail delivery failed",
        "Subject: Mail delivery failed\r\nIn-Reply-To: <o@x.example>",
    ):
        assert not read(passed_on, text).is_bounce


def test_somebody_who_passes_a_report_on_is_a_person():
    inner = report(
        "delivery-status",
        "Reporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; bo@x.example\nAction: failed\nStatus: 5.1.1",
    )
    raw = (
        b"From: ann@home.example\nTo: desk@harbour.example\nSubject: Undelivered mail\n"
        b'Content-Type: multipart/mixed; boundary="m"\n\n'
        b"--m\nContent-Type: text/plain\n\nI got this, it was not delivered. Why?\n"
        b"--m\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\n"
        b"Final-Recipient: rfc822; bo@x.example\nAction: failed\nStatus: 5.1.1\n\n--m\nContent-Type: message/rfc822\n\n"
        + inner
        + b"\n--m--\n"
    )
    assert (parse(raw).mail.is_bounce, parse(raw).mail.automatic) == (False, "")


def test_a_receipt_is_no_persons_mail_and_no_bounce():
    raw = report(
        "disposition-notification", "Final-Recipient: rfc822; ann@home.example\nDisposition: manual-action; displayed"
    )
    assert (parse(raw).mail.is_bounce, parse(raw).mail.automatic) == (False, "a read receipt")
    unnamed = raw.replace(b"report-type=disposition-notification; ", b"")
    assert parse(unnamed).mail.automatic == "a read receipt"
    refused = raw.replace(b"It was shown.", b"Your message could not be delivered, it was deleted unread.")
    assert (parse(refused).mail.is_bounce, parse(refused).mail.automatic) == (False, "a read receipt")


@pytest.mark.parametrize(
    "subject",
    ["I am out of tablets", "On holiday from Monday - please move my appointment", "Frånvaro idag: Lisa",
     "Automatic reply: is that what I get?", "Out of office hours?", "Abwesenheitsnotiz: Frage", "不在のお知らせ"],
)  # fmt: skip
def test_a_subject_alone_is_no_sign(subject):
    assert read(f"Subject: {subject}").automatic == ""
    assert read(f"Subject: {subject}\r\nAuto-Submitted: auto-generated").automatic.startswith("an automatic")


FORWARDED = [
    "Resent-From: ann@old.example\r\nAuto-Submitted: auto-generated",
    "X-MS-Exchange-Inbox-Rules-Loop: ann@old.example\r\nAuto-Submitted: auto-generated",
    "X-MS-Exchange-Generated-Message-Source: Mailbox Rules Agent\r\nAuto-Submitted: auto-generated",
    "X-Forwarded-For: ann@old.example desk@harbour.example\r\nAuto-Submitted: auto-generated (rule)",
    "Auto-Submitted: auto-generated\r\nDelivered-To: desk@harbour.example\r\nDelivered-To: ann@old.example",
]


@pytest.mark.parametrize("marks", FORWARDED)
def test_a_mail_that_a_rule_passed_on_is_a_persons(marks):
    assert read(f"Subject: A question\r\n{marks}").automatic == ""
    assert read(f"Subject: Delivery failed\r\nReturn-Path: <>\r\n{marks}", "It was not delivered.").automatic == ""
    assert not read(f"Subject: Delivery failed\r\nReturn-Path: <>\r\n{marks}", "It was not delivered.").is_bounce
    assert read(f"Subject: A question\r\n{marks}".replace("auto-generated", "auto-replied")).automatic
    assert read(f"Subject: A question\r\n{marks}", sender="noreply@shop.example").automatic == "a no-reply address"


@pytest.mark.parametrize("subject", ["Automatic reply: Your appointment", "Afwezig", "Harbour Autoreply", "自動応答"])
@pytest.mark.parametrize(
    "marks",
    [
        "X-Auto-Response-Suppress: All\r\nX-MS-Exchange-Inbox-Rules-Loop: ann@home.example",
        "X-MS-Exchange-Inbox-Rules-Loop: Ann@Home.example\r\nX-MS-Exchange-Parent-Message-Id: <1@harbour.example>",
    ],
)
def test_an_answer_by_the_writers_own_mailbox_is_a_machines(subject: str, marks: str):
    # Exchange has "out of office" written by the part that passes mails on by rules, with the same marks.
    source = "X-MS-Exchange-Generated-Message-Source: Mailbox Rules Agent\r\nAuto-Submitted: auto-generated"
    mail = read(f"Subject: {subject}\r\n{marks}\r\n{source}", sender="ann@home.example")
    assert mail.automatic.startswith("an automatic")
    passed_on = read(f"Subject: {subject}\r\n{marks}\r\n{source}", sender="bob@elsewhere.example")
    assert passed_on.automatic == ""


def test_a_mark_that_was_put_on_top_on_the_way_is_the_rules():
    mark, way = "Auto-Submitted: auto-generated\r\n", "Received: by mx.old.example\r\n"
    rest = "From: ann@home.example\r\nSubject: Hi\r\n\r\nHi"
    assert parse(f"{mark}{way}{rest}".encode()).mail.automatic == ""
    assert parse(f"{way}{mark}{rest}".encode()).mail.automatic == "an automatic mail"
