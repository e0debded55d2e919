"""A broken line in a mail's head hides none of those below it, and who wrote is read wherever it stands."""

from __future__ import annotations

import base64

import pytest

from messaging.channels.base import InvalidPayload
from messaging.channels.mail.parse import parse

FROM = b"From: Karl <k@x.example>"
REST = b"To: desk@harbour.example\r\nSubject: Room\r\nMessage-ID: <1@x.example>\r\n\r\nTwo rooms, please.\r\n"
ENCODED = base64.b64encode("Käte <kate@x.example>".encode()).decode()

# Whatever stands above the rest of the head.
BROKEN = {
    "a cut encoding": b"X-T: abc\r\ndefdef==\r\n" + FROM,
    "a line without a colon": b"Received: by mx\r\nthis is no field\r\n" + FROM,
    "a space in a name": b"X Spam Score: 3\r\n" + FROM,
    "a space before the colon": b"X-Test : 1\r\nFrom : Karl <k@x.example>",
    "a tab before the colon": b"From\t: Karl <k@x.example>",
    "an escaped line of a mailbox": b">From somebody@else.example Mon Nov 16 10:00:00 2026\r\n" + FROM,
    "a line of a mailbox": b"From somebody@else.example Mon Nov 16 10:00:00 2026\r\n" + FROM,
    "a line of a mailbox further down": b"Received: by mx\r\nFrom somebody@else.example Mon Nov 16 10:00\r\n" + FROM,
    "a byte order mark": b"\xef\xbb\xbf" + FROM,
    "a byte order mark below empty lines": b"\r\n\r\n\xef\xbb\xbf" + FROM,
    "a NUL": b"X-T: a\0b\r\nFr\0om: Karl <k@x.example>",
    "a line of NUL": b"\0\0\0\r\n" + FROM,
    "a return alone": b"X-T: one\rtwo\r\n" + FROM,
    "a return instead of a line's end": b"X-T: one\rFrom: Karl <k@x.example>",
    "two returns": b"X-T: one\r\r\n" + FROM,
    "8-bit signs in a name": b"X-\xdcber: 1\r\n" + FROM,
    "8-bit signs alone": b"\xdcber\r\n" + FROM,
    "an empty name": b": empty\r\n" + FROM,
    "an indented first line": b"  " + FROM,
    "a continuation before any field": b"\tcut off\r\n" + FROM,
    "a fold that is not indented": b"Received: from a\r\nby b with c\r\n" + FROM,
    "rubbish right below": FROM + b"\r\nrubbish without a colon",
    "a blank line that folds": b"X-T: one\r\n  \r\n" + FROM,
    "an encoded word around brackets": b"From: =?utf-8?q?Karl_<k@x.example>?=",
    "a quoted field": b">" + FROM,
    "all in one encoded word": b"From: =?utf-8?q?Karl_=3Ck=40x=2Eexample=3E?=",
    "an empty line too early": b"Received: by mx\r\n\r\n" + FROM,
    "very many broken lines": b"no field here\r\n" * 5000 + FROM,
}


@pytest.mark.parametrize("kind", list(BROKEN))
@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_the_head_is_read_on_to_the_empty_line(kind: str, end: bytes):
    message = parse((BROKEN[kind] + b"\r\n" + REST).replace(b"\r\n", end))
    assert (message.sender, message.sender_name) == ("k@x.example", "Karl")
    assert (message.subject, message.to) == ("Room", "desk@harbour.example")
    assert (message.body, message.provider_message_id) == ("Two rooms, please.", "1@x.example")


def test_a_field_that_is_wholly_encoded_in_base64():
    message = parse(f"From: =?utf-8?b?{ENCODED}?=\n".encode() + REST)
    assert (message.sender, message.sender_name) == ("kate@x.example", "Käte")


@pytest.mark.parametrize(
    ("head", "sender"),
    [
        (b"Sender: Ann <ann@x.example>", "ann@x.example"),
        (b"From: Karl\r\nSender: ann@x.example\r\nReturn-Path: <other@x.example>", "ann@x.example"),
        (b"From: \r\nReturn-Path: <karl@x.example>", "karl@x.example"),
        (b"Return-Path: <karl@x.example>\r\nFrom: Karl at home", "karl@x.example"),
        (b"From karl@x.example Mon Nov 16 10:00:00 2026\r\nX-T: 1", "karl@x.example"),
        (b"From: Eve <eve@x.example>\r\n>From: Karl <karl@x.example>", "eve@x.example"),
    ],
)
def test_the_sender_is_taken_from_the_surest_field(head: bytes, sender: str):
    assert parse(head + b"\r\n" + REST).sender == sender


@pytest.mark.parametrize(
    "raw", [b"", b"\xef\xbb\xbf", b"just words", b"X-T: 1\r\n\r\nHi", b"\0\0\0", b"From: Karl\n\nk@x"]
)
def test_without_a_sender_it_is_refused_so_that_it_is_set_aside(raw: bytes):
    with pytest.raises(InvalidPayload, match="From"):
        parse(raw)


def test_a_text_that_looks_like_a_head_stays_the_text():
    body = "Name: Bob\nFrom: Bob <bob@x.example>\n\nPlease call me."
    message = parse(FROM + b"\r\nSubject: Form\r\n\r\n" + body.encode())
    assert (message.sender, message.subject) == ("k@x.example", "Form")
    assert "Please call me." in message.body + message.mail.folded
    assert "Name: Bob" in message.body + message.mail.folded


def test_a_text_without_an_empty_line_above_it_is_not_lost():
    message = parse(FROM + b"\r\nSubject: Hi\r\nMIME-Version: 1.0\r\nI need a room\r\non Friday.\r\n\r\nKarl")
    assert (message.subject, message.body) == ("Hi", "I need a room\non Friday.\n\nKarl")


def test_the_address_in_brackets_is_meant():
    assert parse(b"From: Karl@Home <k@x.example>\r\n" + REST).sender == "k@x.example"


def test_a_list_of_addresses_that_goes_on_without_an_indent_is_whole():
    message = parse(FROM + b"\r\nTo: a@x.example,\r\nb@x.example\r\nSubject: Hi\r\n\r\nHi")
    assert message.mail.to == ["a@x.example", "b@x.example"]


def test_parts_with_a_boundary_on_a_line_of_its_own_are_read():
    body = b"--b\r\nContent-Type: text/plain\r\n\r\nHi\r\n--b--\r\n"
    raw = FROM + b'\r\nContent-Type: multipart/mixed;\r\nboundary="b"\r\n\r\n' + body
    assert parse(raw).body == "Hi"
