"""One mail over an open connection, step by step: at each it is known whether the server can have it."""

from __future__ import annotations

import logging
import re
import smtplib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from django.conf import settings

from messaging.channels.base import AGAIN, Account, OutgoingMessage, Retry, SendError, SendUnconfirmed
from messaging.channels.mime import compose, copied, needs_utf8, wire_address, written
from messaging.channels.smtp import errors

logger = logging.getLogger(__name__)

_CHUNK: Final = 65_536
_END: Final = b".\r\n"
_CLOSING: Final = 421
_BYTES_A_SECOND: Final = 1_000_000  # so fast a server looks through a mail, beyond the time-out, before it answers


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail ready to go: its envelope and its bytes, as DATA wants them, without the end."""

    sender: str
    recipient: str
    copies: Sequence[str]
    content: bytes = field(repr=False)
    needs_utf8: bool
    hidden: tuple[str, ...]  # what must not stand in a message about the server's words


class HungUp(SendError):
    """The connection was lost before anything of the text left; `refusal` is what to raise of it."""

    def __init__(self, refusal: SendError) -> None:
        super().__init__(refusal.code, refusal.message, refusal.retry)
        self.refusal = refusal


def letter(account: Account, message: OutgoingMessage) -> Letter:
    """Raises SendError for what can't be sent."""
    mail = compose(account, message)
    sender, recipient, copies = wire_address(account.address), wire_address(message.to), copied(message)
    return Letter(
        sender=sender,
        recipient=recipient,
        copies=copies,
        content=_dotted(written(mail)),
        needs_utf8=needs_utf8(mail),
        hidden=(recipient, sender, *copies, str(account.credentials.get("username") or "")),
    )


def address(smtp: smtplib.SMTP, letter: Letter) -> None:
    """MAIL and RCPT. Raises SendError; HungUp where the server closed the connection instead of an answer.

    By hand: smtplib's own call can't tell whether it was lost before or after the text left.
    """
    options = _options(smtp, letter)
    try:
        reply, text = smtp.mail(letter.sender, options)
        if reply != 250:
            # RFC 5321 has 550 for the sender too; that is ours to correct, whoever the recipient.
            raise _refused(reply, _sender_refused(reply, text, letter.hidden))
        reply, text = smtp.rcpt(letter.recipient)
        if reply not in (250, 251):
            raise _refused(reply, errors.refusal(reply, text, hidden=letter.hidden))
        _copy(smtp, letter)
    except OSError as error:  # smtplib's exceptions are OSErrors
        raise HungUp(_disconnected()) from error


def deliver(smtp: smtplib.SMTP, letter: Letter) -> None:
    """DATA and the text. Raises SendError while the server can't have it, SendUnconfirmed when nobody knows."""
    try:
        reply, text = smtp.docmd("DATA")
        if reply != 354:
            raise errors.refusal(reply, text, hidden=letter.hidden)
        _send_slowly(smtp, letter.content)
    except OSError as error:
        raise _disconnected() from error  # without its end no server takes a mail (RFC 5321, section 4.1.1.4)
    try:
        if smtp.sock is not None:
            smtp.sock.settimeout(_answer_seconds(smtp, letter))
        smtp.send(_END)
        reply, text = smtp.getreply()
        if smtp.sock is not None:
            smtp.sock.settimeout(smtp.timeout)
    except OSError as error:
        raise SendUnconfirmed("The mail server did not answer after the message; it may have taken it.") from error
    if 400 <= reply < 600:
        raise errors.refusal(reply, text, hidden=letter.hidden)
    if not 200 <= reply < 300:
        raise SendUnconfirmed("The mail server's answer to the message makes no sense; it may have taken it.")


def _options(smtp: smtplib.SMTP, letter: Letter) -> list[str]:
    options = []
    size = smtp.esmtp_features.get("size")
    if size is not None:
        _refuse_too_large(size, letter)
        options.append(f"SIZE={len(letter.content)}")  # RFC 1870: refused before it travels
    if letter.needs_utf8:
        if not smtp.has_extn("smtputf8"):
            message = (
                "The mail server takes no addresses with letters beyond a to z. Use another address for this person."
            )
            raise SendError("smtputf8", message, Retry.FIX)
        options += ["SMTPUTF8", "BODY=8BITMIME"]
    return options


def _refuse_too_large(size: str, letter: Letter) -> None:
    most = int(size) if re.fullmatch(r"[0-9]{1,18}", size) else 0
    if 0 < most < len(letter.content):
        message = (
            f"The message is too large for the mail server, which takes {most / 1_000_000:.1f} MB with everything. "
            "Send fewer or smaller files, or a link to them."
        )
        raise SendError("size", message, Retry.FIX)


def _copy(smtp: smtplib.SMTP, letter: Letter) -> None:
    """Name the recipients of copies; a refused one is skipped, and the mail goes to the others."""
    refused = []
    for copy in letter.copies:
        reply, text = smtp.rcpt(copy)
        if reply == _CLOSING:
            raise HungUp(errors.refusal(reply, text, hidden=letter.hidden))
        if reply not in (250, 251):
            refused.append(errors.code_of(reply, text))
    if refused:
        codes = ", ".join(sorted(set(refused)))
        logger.warning(
            "The mail server refused %d of %d copies of a mail: %s.", len(refused), len(letter.copies), codes
        )


def _answer_seconds(smtp: smtplib.SMTP, letter: Letter) -> float:
    """Many servers look through a mail before they answer; longer for a larger one, but within the message's claim."""
    longest = max(smtp.timeout, settings.OUTBOUND_LEASE_SECONDS / 6)
    return float(min(smtp.timeout + len(letter.content) / _BYTES_A_SECOND, longest))


def _send_slowly(smtp: smtplib.SMTP, content: bytes) -> None:
    """In parts, each with the time-out: a large mail takes longer than one, but not longer than half its claim."""
    until = time.monotonic() + max(smtp.timeout, settings.OUTBOUND_LEASE_SECONDS / 2)
    for start in range(0, len(content), _CHUNK):
        if time.monotonic() > until:
            raise TimeoutError("the mail server takes the message too slowly")
        smtp.send(content[start : start + _CHUNK])


def _refused(reply: int, refusal: SendError) -> SendError:
    return HungUp(refusal) if reply == _CLOSING else refusal


def _disconnected() -> SendError:
    return SendError("connection", f"The mail server closed the connection. {AGAIN}", Retry.LATER)


def _sender_refused(reply: int, text: bytes, hidden: tuple[str, ...]) -> SendError:
    refusal = errors.refusal(reply, text, hidden=hidden)
    if refusal.retry is not Retry.NEVER:
        return refusal
    words = errors.reply_text(reply, text, hidden=hidden)
    message = f"The mail server does not take mail from this address. Tell the administrators. The server said: {words}"
    return SendError(refusal.code, message, Retry.FIX)


def _dotted(content: bytes) -> bytes:
    """The message as DATA wants it (RFC 5321, section 4.5.2): CRLF, each leading dot doubled, ending with a line."""
    content = re.sub(rb"\r(?!\n)|(?<!\r)\n", b"\r\n", content)  # those that stand alone: few or none
    content = re.sub(rb"(?m)^\.", b"..", content)
    return content if content.endswith(b"\r\n") else content + b"\r\n"
