from __future__ import annotations

import time
from dataclasses import replace
from email import message_from_bytes, policy
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.channels.base import Account, Kind, OutgoingFile, OutgoingMessage, Retry, SendError
from messaging.channels.mime import MAX_FILE_BYTES, bracketed, compose, copied, message_id, wire_address, written
from messaging.channels.mime_html import as_html

DESK = Account(channel_id="c", kind=Kind.EMAIL, address="desk@clinic.example", name="Clinic Süd")
MAIL = OutgoingMessage(
    id="0190a0a0-0000-7000-8000-000000000001", to="ada@example.com", body="Hello", subject="Your visit"
)


def sent(account: Account = DESK, **changes):
    """What arrives: the message after its way over the wire."""
    return message_from_bytes(compose(account, replace(MAIL, **changes)).as_bytes(), policy=policy.default)


def plain(mail) -> str:
    return mail.get_body(("plain",)).get_content()


def html(mail) -> str:
    return mail.get_body(("html",)).get_content()


def refused(account: Account = DESK, **changes) -> SendError:
    with pytest.raises(SendError) as caught:
        compose(account, replace(MAIL, **changes))
    return caught.value


def a_file(content: bytes = b"abc", filename: str = "note.txt", content_type: str = "text/plain", size: int = -1):
    length = len(content) if size < 0 else size
    return OutgoingFile(filename, content_type, length, "https://crm.example/f", lambda: BytesIO(content))


def test_headers_and_text():
    mail = sent(body="Grüße 🙂\n.\nbye", subject="Besuch für Zoë")
    assert mail["From"].addresses[0].display_name == "Clinic Süd"
    assert mail["From"].addresses[0].addr_spec == "desk@clinic.example"
    assert mail["To"].addresses[0].addr_spec == "ada@example.com"
    assert mail["Subject"] == "Besuch für Zoë"
    assert mail["Message-ID"] == f"<{MAIL.id}@clinic.example>" == message_id(DESK, MAIL)
    assert mail["Date"].datetime.tzinfo is not None
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert plain(mail).splitlines() == ["Grüße 🙂", ".", "bye"]
    assert "Auto-Submitted" not in mail
    assert "In-Reply-To" not in mail


def test_the_wire_carries_seven_bits_and_short_lines():
    written = compose(DESK, replace(MAIL, body="ü" * 5000, subject="ü" * 500)).as_bytes()
    assert written.isascii()
    assert max(len(line) for line in written.split(b"\r\n")) <= 998
    assert b"\n" not in written.replace(b"\r\n", b"")


def test_an_answer_stands_in_its_thread():
    mail = sent(in_reply_to="b@x", references=["<a@x>", "<b@x>", "not an id", "<a@x>"])
    assert mail["In-Reply-To"] == "<b@x>"
    assert mail["References"] == "<a@x> <b@x>"


def test_a_long_thread_keeps_its_newest():
    mail = sent(in_reply_to="<30@x>", references=[f"<{number}@x>" for number in range(30)])
    assert mail["References"].split() == [f"<{number}@x>" for number in range(11, 31)]


def test_automatic_mail_says_so():
    assert sent(is_automatic=True)["Auto-Submitted"] == "auto-generated"
    assert sent(is_automatic=True, in_reply_to="<a@x>")["Auto-Submitted"] == "auto-replied"


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "Hi\r\nBcc: everybody@example.com"},
        {"subject": "Hi\nBcc: everybody@example.com"},
        {"subject": "Hi\x00"},
        {"to": "ada@example.com\r\nBcc: everybody@example.com"},
        {"to": "ada@example.com, everybody@example.com"},
        {"to": "Ada <ada@example.com>"},
        {"in_reply_to": "<a@x>\r\nBcc: everybody@example.com"},
        {"cc": ["bob@example.com\r\nBcc: everybody@example.com"]},
        {"cc": ["bob@example.com, everybody@example.com"]},
        {"reply_to_address": "desk@example.com\r\nBcc: everybody@example.com"},
        {"reply_to_address": "desk@example.com\x00"},
        {"unsubscribe_url": "https://crm.example/u\r\nBcc: everybody@example.com", "is_automatic": True},
        {"unsubscribe_url": "https://crm.example/u>, <mailto:everybody@example.com", "is_automatic": True},
        {"unsubscribe_url": "https://crm.example/u\r\nBcc: everybody@example.com"},
        {"files": [a_file(filename="a.txt\r\nBcc: everybody@example.com")]},
        {"files": [a_file(filename="a\x00.txt")]},
    ],
)
def test_a_second_header_cannot_be_smuggled_in(changes):
    with pytest.raises(SendError) as caught:
        compose(DESK, replace(MAIL, **changes))
    assert caught.value.retry is Retry.FIX


def test_references_that_are_none_are_left_out():
    assert "Bcc" not in sent(references=["<a@x>\r\nBcc: everybody@example.com"])


def test_a_name_with_everything_in_it_stays_a_name():
    mail = sent(replace(DESK, name='Dr. "A", <b@c.example>; (x) ü'))
    assert [one.addr_spec for one in mail["From"].addresses] == ["desk@clinic.example"]
    assert mail["From"].addresses[0].display_name == 'Dr. "A", <b@c.example>; (x) ü'
    with pytest.raises(SendError):
        compose(replace(DESK, name="Desk\r\nBcc: x@y.example"), MAIL)


def test_a_domain_is_written_as_the_network_does():
    assert wire_address("ada@bücher.example") == "ada@xn--bcher-kva.example"
    assert sent(to="ada@bücher.example")["To"].addresses[0].domain == "xn--bcher-kva.example"


@pytest.mark.parametrize(
    "address", ["", "ada", "@example.com", "ada@", "a b@example.com", "ada@exa..mple", "a@b@c", "x" * 251 + "@b.c"]
)
def test_what_is_no_address_is_refused(address):
    with pytest.raises(SendError) as caught:
        wire_address(address)
    assert caught.value.code == "address"


def test_a_text_that_cannot_be_written_is_refused():
    with pytest.raises(SendError) as caught:
        compose(DESK, replace(MAIL, body="\ud83d"))
    assert caught.value.code == "text"


@pytest.mark.parametrize(
    ("given", "expected"),
    [("a@x", "<a@x>"), ("<a@x>", "<a@x>"), (" <a@x> ", "<a@x>"), ("", ""), ("a b", ""), ("<a>\n<b>", "")],
)
def test_brackets(given, expected):
    assert bracketed(given) == expected


@given(subject=st.text(), body=st.text(), name=st.text(), to=st.text())
def test_whatever_is_written_no_header_comes_from_it(subject, body, name, to):
    try:
        mail = compose(replace(DESK, name=name), replace(MAIL, subject=subject, body=body, to=to or MAIL.to))
    except SendError:
        return
    assert sorted(message_from_bytes(mail.as_bytes()).keys()) == [
        "Content-Type",
        "Date",
        "From",
        "MIME-Version",
        "Message-ID",
        "Subject",
        "To",
    ]


def test_what_cannot_be_folded_stays_whole_on_the_wire():
    """The library would write long tokens as encoded words, which no program takes for an id or an address."""
    ids = [f"<{'x' * length}@mail.example>" for length in (40, 90, 200)]
    url = "https://crm.example/u/" + "a" * 300
    written_down = compose(
        DESK, replace(MAIL, in_reply_to=ids[2], references=ids, unsubscribe_url=url, is_automatic=True)
    ).as_bytes()
    assert b"In-Reply-To: " + ids[2].encode() + b"\r\n" in written_down
    assert b"References: " + "\r\n ".join(ids).encode() + b"\r\n" in written_down
    assert b"List-Unsubscribe: <" + url.encode() + b">\r\n" in written_down


def test_an_id_that_no_header_can_carry_is_left_out():
    mail = sent(in_reply_to="<ü@x>", references=["<" + "x" * 2000 + "@x>", "<a@x>"])
    assert "In-Reply-To" not in mail
    assert mail["References"] == "<a@x>"


class TestCopies:
    def test_each_once_and_never_the_recipient(self):
        message = replace(MAIL, cc=["bob@example.com", "BOB@example.com", "Ada@example.com", "zoe@bücher.example"])
        assert copied(message) == ["bob@example.com", "zoe@xn--bcher-kva.example"]
        assert [one.addr_spec for one in sent(cc=message.cc)["Cc"].addresses] == copied(message)

    def test_one_that_is_no_address(self):
        assert refused(cc=["bob@example.com", "bob"]).code == "cc"

    def test_none(self):
        assert "Cc" not in sent()


class TestAnswersAndUnsubscribing:
    def test_answers_go_where_they_are_wanted(self):
        assert sent(reply_to_address="reply+a.b@clinic.example")["Reply-To"] == "reply+a.b@clinic.example"
        assert "Reply-To" not in sent()
        assert refused(reply_to_address="nobody").code == "reply_to_address"

    def test_automatic_mail_can_be_stopped_with_one_click(self):
        mail = sent(is_automatic=True, unsubscribe_url="https://crm.example/u/1?a=b&c=d")
        assert mail["List-Unsubscribe"] == "<https://crm.example/u/1?a=b&c=d>"
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"

    def test_a_persons_mail_is_no_list(self):
        mail = sent(unsubscribe_url="https://crm.example/u/1")
        assert "List-Unsubscribe" not in mail
        assert "List-Unsubscribe-Post" not in mail

    @pytest.mark.parametrize(
        "url", ["javascript:alert(1)", "crm.example", "https://crm.example/ü", "https://" + "a" * 999]
    )
    def test_an_address_that_is_none(self, url):
        assert refused(is_automatic=True, unsubscribe_url=url).code == "unsubscribe_url"


class TestHtml:
    def test_both_parts_say_the_same(self):
        mail = sent(body="Dear Ada,\n\nsee you\nat 9.\n\n-- \nBob\nClinic")
        assert plain(mail).splitlines()[-3:] == ["-- ", "Bob", "Clinic"]
        assert [line for line in html(mail).splitlines() if line.startswith("<p")] == [
            f'<p dir="auto" style="margin:0 0 1em;white-space:pre-wrap">{lines}</p>'
            for lines in ("Dear Ada,", "see you<br>at 9.", "-- <br>Bob<br>Clinic")
        ]

    def test_what_looks_like_markup_is_text(self):
        page = as_html("<script>alert('x')</script> & {paragraphs} https://x.example/<b>")
        assert "<script" not in page
        assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt; &amp; {paragraphs}" in page
        assert '<a href="https://x.example/">https://x.example/</a>&lt;b&gt;' in page

    @pytest.mark.parametrize(
        ("text", "link", "after"),
        [
            ("See https://a.example/x?y=1&z=2.", "https://a.example/x?y=1&amp;z=2", "."),
            ("(https://a.example/x)", "https://a.example/x", ")"),
            ("https://a.example/x_(y)", "https://a.example/x_(y)", "<"),
            ("HTTP://A.example!", "HTTP://A.example", "!"),
        ],
    )
    def test_links_without_the_sentence_around_them(self, text, link, after):
        assert f'<a href="{link}">{link}</a>{after}' in as_html(text)

    @pytest.mark.parametrize("text", ["\n \t" * 40_000, "https://" * 15_000, "http://a" + ")" * 90_000, "\n" * 100_000])
    def test_time_grows_with_the_text_only(self, text):
        started = time.monotonic()
        as_html(text)
        assert time.monotonic() - started < 1


class TestFiles:
    def test_a_file_arrives_as_it_is(self):
        every_byte = bytes(range(256)) * 300
        mail = sent(files=[a_file(every_byte, "Größe für Zoë.pdf", "application/pdf"), a_file()])
        assert mail.get_content_type() == "multipart/mixed"
        assert plain(mail).strip() == "Hello"
        first, second = mail.iter_attachments()
        assert (first.get_filename(), first.get_content_type()) == ("Größe für Zoë.pdf", "application/pdf")
        assert first.get_content() == every_byte
        assert first.get_content_disposition() == "attachment"
        assert second.get_filename() == "note.txt"

    def test_a_name_beyond_ascii_is_written_by_rfc_2231(self):
        assert (
            b"filename*=utf-8''Gr%C3%B6%C3%9Fe.txt"
            in compose(DESK, replace(MAIL, files=[a_file(filename="Größe.txt")])).as_bytes()
        )

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ("image/PNG; name=x", "image/png"),
            ("", "application/octet-stream"),
            ("message/rfc822", "application/octet-stream"),
            ("multipart/mixed", "application/octet-stream"),
            ("text/html\r\nBcc: a@b.c", "application/octet-stream"),
            ("a b/c", "application/octet-stream"),
        ],
    )
    def test_a_type_is_one_or_none(self, given, expected):
        [part] = sent(files=[a_file(content_type=given)]).iter_attachments()
        assert part.get_content_type() == expected

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ("../../etc/passwd", ".._.._etc_passwd"),
            ("", "file"),
            ('a"b\\c.txt', 'a"b_c.txt'),
            ("x" * 300 + ".pdf", "x" * 196 + ".pdf"),
        ],
    )
    def test_a_name_is_one_name(self, given, expected):
        [part] = sent(files=[a_file(filename=given)]).iter_attachments()
        assert part.get_filename() == expected

    def test_too_much_is_refused_before_anything_is_read(self):
        def opened():
            raise AssertionError

        half = OutgoingFile("a", "text/plain", MAX_FILE_BYTES // 2 + 1, "", opened)
        error = refused(files=[half, half])
        assert (error.code, error.retry) == ("too_large", Retry.FIX)
        assert "25 MB" in error.message

    def test_a_file_larger_than_it_was_announced_to_be(self):
        assert refused(files=[a_file(bytes(MAX_FILE_BYTES + 1), size=3)]).code == "too_large"

    @pytest.mark.parametrize("failure", [FileNotFoundError("gone"), RuntimeError("the storage sleeps")])
    def test_a_file_that_cannot_be_read_now(self, failure):
        def opened():
            raise failure

        error = refused(files=[OutgoingFile("a", "text/plain", 1, "", opened)])
        assert (error.code, error.retry) == ("file", Retry.LATER)

    @given(filename=st.text(), content_type=st.text())
    def test_whatever_a_file_is_called_it_stays_one_file(self, filename, content_type):
        try:
            mail = compose(DESK, replace(MAIL, files=[a_file(filename=filename, content_type=content_type)]))
        except SendError:
            return
        arrived = message_from_bytes(written(mail), policy=policy.default)
        assert "Bcc" not in arrived
        assert len(list(arrived.iter_parts())) == 2
        assert arrived.get_body(("plain",)) is not None
