from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes, policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.channels.base import Account, Kind, OutgoingMessage, Retry, SendError
from messaging.channels.mime import bracketed, compose, message_id, wire_address

DESK = Account(channel_id="c", kind=Kind.EMAIL, address="desk@clinic.example", name="Clinic Süd")
MAIL = OutgoingMessage(
    id="0190a0a0-0000-7000-8000-000000000001", to="ada@example.com", body="Hello", subject="Your visit"
)


def sent(account: Account = DESK, **changes):
    """What arrives: the message after its way over the wire."""
    return message_from_bytes(compose(account, replace(MAIL, **changes)).as_bytes(), policy=policy.default)


def test_headers_and_text():
    mail = sent(body="Grüße 🙂\n.\nbye", subject="Besuch für Zoë")
    assert mail["From"].addresses[0].display_name == "Clinic Süd"
    assert mail["From"].addresses[0].addr_spec == "desk@clinic.example"
    assert mail["To"].addresses[0].addr_spec == "ada@example.com"
    assert mail["Subject"] == "Besuch für Zoë"
    assert mail["Message-ID"] == f"<{MAIL.id}@clinic.example>" == message_id(DESK, MAIL)
    assert mail["Date"].datetime.tzinfo is not None
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().splitlines() == ["Grüße 🙂", ".", "bye"]
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
        "Content-Transfer-Encoding",
        "Content-Type",
        "Date",
        "From",
        "MIME-Version",
        "Message-ID",
        "Subject",
        "To",
    ]
