"""No text from outside, whatever it repeats, takes more than a moment of anybody's parser, renderer or filter.

Each sign of the keyboard and some beyond it, and each pair that a format knows, fills 25,000 characters in every place
where foreign text is read: what grows with the square takes tens of seconds for that, what is linear a few hundredths.
The clock is the process's own, so that a busy machine changes nothing.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import pytest

from core import phones, safe_cells
from core.templatetags import ui
from customers import search
from customers.data.imports import mapping as import_mapping
from customers.data.imports import values as import_values
from customers.data.tables import sniffing
from customers.models import CustomField
from customers.people.custom_fields import values as field_values
from messaging.channels import mime_html, text
from messaging.channels.generic import payload as generic
from messaging.channels.mail import headers, html, invitations, replies
from messaging.channels.mail.parse import parse
from messaging.intake import optout
from messaging.texts import placeholders

SIZE: Final = 25_000
MAX_SECONDS: Final = 0.5
# Of letters and digits a few: they are alike to whatever does not name one, and the pairs have those that are named.
SIGNS: Final = [
    *(sign for sign in map(chr, range(32, 127)) if not sign.isalnum() or sign in "abXfhsvw01"),
    "\n",
    "\t",
    "\r",
    "\0",
    "\xa0",
    "é",
    "字",
    "\u202e",
    "😀",
    "\u0301",
    "\ud800",
]
PAIRS: Final = [
    "{{", "{{a", "}}", "{%", "> ", "- ", "-\n", "\n-", "\n>", "<b", "<!", "<!--", "</", "<p>", "&#", "&a", "=?", "?=",
    "=?utf-8?q?a?= ", "=\n", "a@", "@a", "a@b ", "<a@b>", "a:", "a: b\n", ": ", "\n ", "\n\t", "\r\n", "a;", ";\n",
    ", ", '",', '"\n', "''", "' ", "a,", "a\t", "-- \n", "_\n", "*\n", "On ", "On 1:11 ", "wrote:\n", "From: ",
    "From: a@b.c\n",
    "sent from my ", "http://", "http://a ", "www.", "a.", ".a", "5.1.1 ", "550 ", "rcpt to ", "Message-ID: <", "To: ",
    "Final-Recipient: rfc822; a@b.c\n", "Status: 5.1.1\n", "a\n", "\n\n", "1 ", "+1", "(1", "é ", "字\n", "|a", "a=b;",
    "BEGIN:", "--b\n", "--b\nContent-Type: a\n\n", "boundary", "[a](", "](", "$(", "\\\\", "\\n", "/*", "//",
]  # fmt: skip

HEAD: Final = "From: Ann <ann@x.example>\nTo: desk@harbour.example\nSubject: Hi\n"
NOTICE: Final = "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example\nSubject: Undelivered mail\n"
REPORT: Final = (
    f"{NOTICE}Content-Type: multipart/report; report-type=delivery-status; boundary=q\n\n--q\n\n%s\n--q\n"
    "Content-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\nFinal-Recipient: rfc822; %s\nStatus: 5.0.0\n"
    "Diagnostic-Code: smtp; %s\n\n--q--\n"
)


def mail(raw: str) -> None:
    parse(raw.encode("utf-8", "surrogatepass"))


def report(text: str) -> None:
    mail(REPORT.replace("%s", text[: SIZE // 3]))


def field_of(kind: str) -> CustomField:
    return CustomField(label="X", key="x", type=kind, choices=["a", "b"])


def json_mail(text: str) -> None:
    generic.parse_inbound(
        {"message_id": "1", "from": "a@b.example", "sent_at": "2026-11-21T09:30:00Z", "body": text, "html": text,
         "reply_to": text[:900], "references": [text[:900]]},
        channel="email",
    )  # fmt: skip


PLACES: Final[dict[str, Callable[[str], Any]]] = {
    "a mail's text": lambda given: mail(f"{HEAD}\n{given}"),
    "a mail's html": lambda given: mail(f"{HEAD}Content-Type: text/html; charset=utf-8\n\n{given}"),
    "a mail's parts": lambda given: mail(f"{HEAD}Content-Type: multipart/mixed; boundary=b\n\n{given}"),
    "a mail's head": lambda given: mail(f"{given}\n{HEAD}\nHi"),
    "a mail's fields": lambda given: mail(
        f"From: {given}\nSubject: {given}\nReply-To: {given}\nReferences: {given}\nContent-Type: {given}\n"
        f"Content-Disposition: {given}\n\nHi"
    ),
    "a notice of a bounce": lambda given: mail(
        f"{NOTICE}\nIt was not delivered.\n{given[: SIZE // 2]}\nOriginal message follows\n{given}"
    ),
    "a report of a bounce": report,
    "a mail handed in": json_mail,
    "a text beside a quote": lambda given: replies.fold(f"Yes\n{given}\nOn Monday, X wrote:\n> {given}\n{given}"),
    "html to be read": html.to_text,
    "html to be shown": html.clean_html,
    "an invitation": lambda given: invitations.summary(given.encode("utf-8", "replace")),
    "an encoded word": headers.decoded,
    "text to be cleaned": text.clean,
    "text as html": mime_html.as_html,
    "text with links": ui.linkify,
    "a template": placeholders.parse,
    "a template filled in": lambda given: placeholders.render(given, {"customer.name": given}),
    "a word that stops": optout.meaning,
    "a phone number": lambda given: phones.parse(given, country="GB"),
    "a search": search.normalize,
    "a cell": safe_cells.safe,
    "a number": lambda given: field_values.read_text(field_of("number"), given),
    "choices": lambda given: field_values.read_text(field_of("multi_choice"), given),
    "a web address": lambda given: field_values.read_text(field_of("url"), given),
    "a moment": lambda given: import_values.moment(given, None),
    "headers of a table": lambda given: import_mapping.guess([given], [[given]], []),
    "a file's encoding": lambda given: sniffing.encoding_of(io.BytesIO(given.encode("utf-8", "surrogatepass"))),
    "a file's delimiter": sniffing.delimiter_of,
}


@pytest.mark.parametrize("place", list(PLACES))
def test_what_is_repeated_takes_a_moment(place: str):
    read, slow = PLACES[place], {}
    for sign in dict.fromkeys([*SIGNS, *PAIRS]):
        given = sign * (SIZE // len(sign))
        began = time.process_time()
        with suppress(Exception):  # refused is as good as read: here it is about how long either takes
            read(given)
        if (taken := time.process_time() - began) > MAX_SECONDS:
            slow[sign] = round(taken, 1)
            if len(slow) > 2:
                break
    assert not slow
