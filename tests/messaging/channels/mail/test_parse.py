"""One mail's bytes become one message, whatever the bytes."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messaging.channels.base import InvalidPayload, Kind
from messaging.channels.mail.parse import parse
from messaging.channels.text import clean

CHATWOOT = Path(__file__).resolve().parents[4].parent / "shared" / "mail" / "chatwoot"
HEAD = b"From: Jane <Jane@Example.com>\r\nTo: us@example.org\r\n"


def mail(headers="", body="Hello"):
    return HEAD + headers.encode() + b"\r\n" + body.encode()


def multipart(kind, *parts):
    return mail(
        f'Content-Type: multipart/{kind}; boundary="b"\r\n',
        "".join(f"--b\r\n{part}\r\n" for part in parts) + "--b--\r\n",
    )


def test_a_plain_mail_has_all_its_fields():
    message = parse(
        b"From: =?utf-8?q?J=C3=BCrgen?= <Jane@Example.com>\nTo: Us <us@example.org>, Them <them@example.org>\n"
        b"Cc: c@example.org\nDelivered-To: box@example.org\nX-Original-To: REPLY+x@example.org\n"
        b"Subject: =?utf-8?b?R3LDvMOfZQ==?=\n folded\nMessage-ID: <Id.1@Example.com>\n"
        b"In-Reply-To: <a@x>\nReferences: <a@x>,\n\t<b@x> junk <a@x>\nReply-To: Other <other@example.com>\n"
        b"Date: Mon, 3 Feb 2020 10:15:00 +0100\n\nHello\n\n-- \nJane\n"
    )
    assert (message.kind, message.provider_message_id) == (Kind.EMAIL, "Id.1@Example.com")
    assert (message.sender, message.sender_name) == ("jane@example.com", "Jürgen")
    assert (message.to, message.subject, message.body) == ("us@example.org", "Grüße folded", "Hello")
    assert message.sent_at == datetime(2020, 2, 3, 9, 15, tzinfo=UTC)
    assert message.reply_to == "a@x"
    found = message.mail
    assert (found.to, found.cc) == (["us@example.org", "them@example.org"], ["c@example.org"])
    assert found.recipients == [
        "us@example.org", "them@example.org", "c@example.org", "box@example.org", "reply+x@example.org",
    ]  # fmt: skip
    assert (found.in_reply_to, found.references) == (["a@x"], ["a@x", "b@x"])
    assert (found.reply_to, found.automatic, found.folded) == ("other@example.com", "", "--\nJane")


@pytest.mark.parametrize(
    ("raw", "charset", "text"),
    [
        ("Grüße".encode("latin-1"), "iso-8859-1", "Grüße"),
        ("Grüße".encode(), "us-ascii", "Grüße"),
        ("Grüße".encode(), "", "Grüße"),
        ("Grüße".encode(), "no-such-charset", "Grüße"),
        ("Grüße".encode("latin-1"), "utf-8", "Grüße"),
        ("こんにちは".encode("iso-2022-jp"), "iso-2022-jp", "こんにちは"),
        ("你好世界".encode("gb18030"), "gb2312", "你好世界"),
        ("Привет".encode("koi8-r"), "koi8-r", "Привет"),
        ("€ “x”".encode("cp1252"), "windows-1252", "€ “x”"),
        ("Привет".encode("cp1251"), "windows-1251", "Привет"),
        (b"+ADw-b+AD4-", "utf-7", "+ADw-b+AD4-"),
        (b"YWJj", "rot13", "YWJj"),
        (b"a\x00b\x07c", "utf-8", "abc"),
    ],
)
def test_texts_are_read_by_the_charset_they_have(raw, charset, text):
    head = f"Content-Type: text/plain; charset={charset}\r\n" if charset else ""
    assert parse(HEAD + head.encode() + b"\r\n" + raw).body == text


def test_the_plain_text_is_read_and_the_html_shown():
    message = parse(
        multipart("alternative", "Content-Type: text/plain\r\n\r\nPlain", "Content-Type: text/html\r\n\r\n<p>Rich</p>")
    )
    assert (message.body, message.mail.html) == ("Plain", "<p>Rich</p>")


def test_html_alone_is_made_text_without_what_it_quotes():
    html = (
        '<p>Hello, <a href="https://example.com/x">see here</a> or <a href="https://example.com">example.com</a></p>'
        "<ul><li>one<li>two</ul><table><tr><td>a<td>b</tr></table><script>x()</script>"
        '<div class="gmail_quote">On Monday Jane wrote:<blockquote>Earlier</blockquote></div>'
    )
    message = parse(mail("Content-Type: text/html\r\n", html))
    assert message.body == "Hello, see here (https://example.com/x) or example.com\n\n- one\n- two\n\na  b"
    assert "Earlier" in message.mail.folded


@pytest.mark.parametrize(
    "quote",
    [
        '<blockquote type="cite">Earlier</blockquote>',
        '<div id="divRplyFwdMsg">From</div>Earlier',
        '<div id="appendonsend"></div>Earlier',
        '<div class="yahoo_quoted">Earlier</div>',
        '<div class="moz-cite-prefix">On Monday</div>Earlier',
        '<div class="protonmail_quote">Earlier</div>',
        '<div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm">Earlier</div>',
    ],
)
def test_what_mail_programs_quote_in_html_is_folded(quote):
    message = parse(mail("Content-Type: text/html\r\n", f"<div>Hello</div>{quote}"))
    assert message.body == "Hello"
    assert "Earlier" in message.mail.folded


@pytest.mark.parametrize(
    "bad",
    [
        "<script>alert(1)</script>", "<style>*{}</style>", "<iframe src=//x></iframe>", "<form action=x><input></form>",
        "<meta http-equiv=refresh>", "<base href=x>", "<link rel=stylesheet href=x>", "<img src=x onerror=alert(1)>",
        "<a href='javascript:alert(1)'>x</a>", "<img src='data:image/svg+xml;base64,AA=='>", "<svg onload=alert(1)>",
        "<div style='background:url(http://x)'>x</div>", "<div style='position:fixed'>x</div>", "<!--x--><b>y</b>",
        "<div style='color:expression(alert(1))'>x</div>", "<object data=x>", "<a href='data:text/html,x'>x</a>",
    ],
)  # fmt: skip
def test_html_for_display_holds_nothing_that_runs_or_leaves_its_box(bad):
    html = parse(mail("Content-Type: text/html\r\n", f"<p>ok</p>{bad}")).mail.html.casefold()
    assert html.startswith("<p>ok</p>")
    for word in ("alert", "script", "<style", "iframe", "<form", "<meta", "<base", "<link", "onerror", "data:", "svg",
                 "url(", "fixed", "<!--", "<object"):  # fmt: skip
        assert word not in html


def test_html_for_display_keeps_images_links_and_plain_styles():
    html = parse(
        mail(
            "Content-Type: text/html\r\n",
            '<p style="color: red; position: fixed">x</p><img src="cid:one"><img src="https://x.example/y.png">'
            '<img src="data:image/png;base64,AAAA"><a href="mailto:a@b.example">m</a>',
        )
    ).mail.html
    for kept in ("color:red", 'src="cid:one"', 'src="https://x.example/y.png"', "data:image/png;base64,AAAA",
                 'href="mailto:a@b.example"', 'target="_blank"', 'rel="noopener'):  # fmt: skip
        assert kept in html.replace(": ", ":")


@pytest.mark.parametrize(
    ("headers", "name", "kind"),
    [
        ("Content-Type: application/pdf\r\nContent-Disposition: attachment; filename*=utf-8''Gr%C3%BC%C3%9Fe.pdf",
         "Grüße.pdf", "application/pdf"),
        ("Content-Type: application/pdf; name=\"=?utf-8?q?Gr=C3=BC=C3=9Fe.pdf?=\"", "Grüße.pdf", "application/pdf"),
        ("Content-Type: application/pdf", "file.pdf", "application/pdf"),
        ("Content-Type: IMAGE/PNG", "image.png", "image/png"),
        ("Content-Type: application/x; name=\"../../etc/passwd\"", "passwd", "application/x"),
        ("Content-Type: application/x; name=\"C:\\\\dir\\\\a\u202egpj.exe\"", "agpj.exe", "application/x"),
        ("Content-Type: nonsense\r\nContent-Disposition: attachment; filename=..", "file.txt", "text/plain"),
        ("Content-Type: application/ms-tnef; name=x.y", "winmail.dat", "application/ms-tnef"),
    ],
)  # fmt: skip
def test_files_have_safe_names(headers, name, kind):
    message = parse(
        multipart(
            "mixed", "Content-Type: text/plain\r\n\r\nHi", f"{headers}\r\nContent-Transfer-Encoding: base64\r\n\r\nYWJj"
        )
    )
    (file,) = message.mail.files
    assert (message.body, file.filename, file.content_type, file.content) == ("Hi", name, kind, b"abc")


def test_inline_images_and_attached_mails_are_files():
    message = parse(
        multipart(
            "related",
            "Content-Type: image/png; name=a.png\r\nContent-ID: <one>\r\n\r\nabc",
            "Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nhi",
        )
    )
    image, inner = message.mail.files
    assert (image.content_id, image.is_inline, message.body) == ("one", True, "")
    assert (inner.filename, b"inner" in inner.content) == ("message.eml", True)


def test_an_invitation_alone_is_reported_in_a_line():
    event = (
        "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nSUMMARY:Lunch\r\nLOCATION:Room 1\r\n"
        "DTSTART:20200203T101500Z\r\nEND:VEVENT\r\nEND:VCALENDAR"
    )
    message = parse(multipart("mixed", f"Content-Type: text/calendar\r\n\r\n{event}"))
    assert message.body == "Invitation: Lunch, 2020-02-03 10:15 UTC, Room 1"
    assert [file.filename for file in message.mail.files] == ["invite.ics"]


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ("Auto-Submitted: auto-replied", "an automatic answer"),
        ("Auto-Submitted: auto-generated", "an automatic mail"),
        ("Auto-Submitted: no", ""),
        ("X-Auto-Response-Suppress: All", ""),
        ("X-Autoreply: yes", "an automatic answer"),
        ("Precedence: list", "a mailing list"),
        ("List-Id: <l.example>", "a mailing list"),
        ("Precedence: bulk", "bulk mail"),
        ("List-Unsubscribe: <https://x.example>", "bulk mail"),
        ("Return-Path: <>", "no sender"),
        ("Subject: Abwesenheitsnotiz: Hallo", ""),
        ("Subject: Abwesenheitsnotiz: Hallo\r\nAuto-Submitted: auto-generated", "an automatic answer"),
        ("Subject: Réponse automatique : Bonjour\r\nAuto-Submitted: auto-generated", "an automatic answer"),
        ("X-Apple-Action: VACATION", "an automatic answer"),
        ("Subject: Automatic doors", ""),
    ],
)
def test_automatic_mail_is_reported_with_its_reason(headers, why):
    assert parse(mail(f"{headers}\r\n")).mail.automatic == why


@pytest.mark.parametrize("address", ["noreply@x.example", "no-reply@x.example", "MAILER-DAEMON@x.example"])
def test_addresses_that_take_no_answer_are_automatic(address):
    assert parse(f"From: {address}\nSubject: Hi\n\nHi".encode()).mail.automatic == "a no-reply address"


def test_a_mail_without_an_id_gets_the_same_one_every_time():
    first, second = parse(mail()).provider_message_id, parse(mail()).provider_message_id
    assert first == second
    assert first.endswith("@without-id")
    assert parse(mail(f"Message-ID: <{'a' * 999}@x>\r\n")).provider_message_id.endswith("@without-id")


def test_groups_and_broken_addresses_are_left_out():
    message = parse(
        b"From: a@b.example\nTo: undisclosed-recipients:;\nCc: Team: x@y.example, z@y.example;, broken\n\nHi"
    )
    assert (message.to, message.mail.cc) == ("", ["x@y.example", "z@y.example"])


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Feb 2020 10:15:00 +0100", "Thu, 1 Jan 9999 00:00:00 +0000"])
def test_an_absurd_date_is_none(date):
    assert parse(mail(f"Date: {date}\r\n")).sent_at is None


@pytest.mark.parametrize(
    "raw", [b"", b"no headers at all", b"From: nobody\n\nHi", b"\xff\xfe", b"To: a@b.example\n\nHi"]
)
def test_a_mail_without_a_sender_is_refused(raw):
    with pytest.raises(InvalidPayload, match="From"):
        parse(raw)


def _nested(levels):
    head = b"".join(b"Content-Type: multipart/mixed; boundary=x%d\n\n--x%d\n" % (n, n) for n in range(levels))
    return b"From: a@b.example\n" + head + b"\nhi\n"


HTML = HEAD + b"Content-Type: text/html\n\n"
HOSTILE = {
    "ten megabytes of quotes": HEAD + b"\n" + b"> x\n" * 2_500_000,
    "deep": _nested(90),
    "very deep": _nested(20_000),
    "long header": HEAD + b"Subject: " + b"a" * 200_000 + b"\n\nhi",
    "open comments": HEAD + b"Cc: " + b"(" * 200_000 + b"\n\nhi",
    "open quotes": HEAD + b"Cc: " + b'"' * 200_000 + b"\n\nhi",
    "many addresses": HEAD + b"Cc: " + b"a@b.c," * 40_000 + b"\n\nhi",
    "open parameter": HEAD + b'Content-Type: text/plain; x="' + b";" * 200_000 + b"\n\nhi",
    "open ids": HEAD + b"References: " + b"<" * 200_000 + b"\n\nhi",
    "encoded words": HEAD + b"Subject: " + b"=?utf-8?q?a?=" * 20_000 + b"\n\nhi",
    "many parts": HEAD + b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n\na\n" * 200_000,
    "many headers": HEAD + b"X: y\n" * 200_000 + b"\nhi",
    "html deep": HTML + b"<div>" * 200_000,
    "html open": HTML + b"<" * 500_000,
    "html comments": HTML + b"<!--" * 300_000,
    "html and": HTML + b"&" * 500_000,
    "html links": HTML + b"<a href='http://x'>a" * 50_000,
    "html open tags": HTML + b"<a href=x " * 200_000,
    "bounce": b"From: mailer-daemon@x.y\nSubject: failure notice\n\n" + b"<a@b.c>:\n" * 100_000,
    "bounce fields": b"From: mailer-daemon@x.y\n\n" + b"Final-Recipient: rfc822; a@b.c\nAction: failed\n" * 20_000,
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
def test_hostile_mail_is_read_in_linear_time(raw):
    began = time.process_time()
    parse(raw)
    assert time.process_time() - began < 5


def _fit(text):
    return clean(text) == text


TOKENS = st.sampled_from(
    [b"From: a@b.example\n", b"To: ", b"Subject: =?utf-8?b?/w==?=", b"\n", b"\r\n", b"\n\n", b"--b\n", b"--b--", b"=?",
     b"Content-Type: multipart/mixed; boundary=b\n", b"Content-Type: text/html; charset=utf-16\n", b"<p>", b"\x00",
     b"Content-Type: message/rfc822\n",
     b"Content-Type: message/delivery-status\n", b"Content-Transfer-Encoding: base64\n",
     b"filename*0*=utf-8''%ff", b"Content-Disposition: attachment; ", b"Final-Recipient: ", b"\xed\xa0\x80", b"Date: 1"]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(TOKENS | st.binary(max_size=20), max_size=40).map(b"".join))
def test_nothing_but_invalid_payload_leaves_the_parser(raw):
    try:
        message = parse(b"From: x@y.example\n" + raw)
        parse(raw)
    except InvalidPayload:
        return
    texts = [message.body, message.subject, message.sender_name, message.mail.html, message.mail.folded]
    assert all(_fit(text) for text in (*texts, message.provider_message_id, *(f.filename for f in message.mail.files)))


def _real():
    if not CHATWOOT.exists():
        pytest.skip("needs ../shared/mail/chatwoot, which is not part of the repository")
    return {path.stem: parse(path.read_bytes()) for path in sorted(CHATWOOT.glob("*.eml"))}


def test_real_mails_are_read():
    found = _real()
    assert len(found["multiple_attachments"].mail.files) == 30
    assert [file.filename for file in found["attachments_without_filename"].mail.files] == ["image.png", "image.png"]
    assert found["attachments_without_text"].body == ""
    assert found["auto_reply"].mail.automatic == "an automatic answer"
    assert found["bounced_with_no_from"].mail.is_bounce
    assert found["mail_with_invalid_to"].to == found["mail_with_invalid_to_2"].to == "vishnu@chatwoot.com"
    assert found["group_sender_support"].sender == "jane@example.com"
    assert found["support_uppercase"].sender == "sony@chatwoot.com"
    assert found["mail_with_no_date"].sent_at is None
    assert found["mail_with_no_subject"].subject == ""
    assert found["only_html"].body == "This is html only mail"
    assert found["mail_with_quote"].body == "Yes, I am providing you step how to reproduce this issue"
    assert len(found["multiple_in_reply_to"].mail.in_reply_to) == 2
    assert found["non_utf_encoded_mail"].sender_name == "متجر سوق نت"
    assert [file.is_inline for file in found["mail_with_inline_images"].mail.files] == [True] * 3
