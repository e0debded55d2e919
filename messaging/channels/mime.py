"""An outgoing e-mail as RFC 5322 and MIME have it; used by every provider that sends e-mail."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final

from messaging.channels.base import Account, OutgoingMessage, Retry, SendError
from messaging.channels.text import has_control

LONGEST_SUBJECT: Final = 900  # RFC 5322 allows 998 octets a line; folding does the rest
MOST_REFERENCES: Final = 20

_ADDRESS = re.compile(r"[^\s@<>(),;:\\\"\[\]]+@[^\s@<>(),;:\\\"\[\]]+")
_MESSAGE_ID = re.compile(r"<?[^\s<>]+>?")


def message_id(account: Account, message: OutgoingMessage) -> str:
    """The Message-ID of a message of ours: the same for the same message, so that a second sending can be told."""
    return f"<{message.id}@{domain_of(account.address)}>"


def domain_of(address: str) -> str:
    """The domain of an address as the network writes it (IDNA). Raises SendError."""
    try:
        return address.rpartition("@")[2].encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise _unfit(
            "address", f"{address[:100]!r} is not an e-mail address. Correct it and send the message again."
        ) from error


def wire_address(address: str) -> str:
    """An address with its domain as the network writes it. Raises SendError for what is not one, as with a line end."""
    address = address.strip(" ")
    if has_control(address) or len(address) > 254 or not _ADDRESS.fullmatch(address):
        raise _unfit("address", "This is not an e-mail address. Correct it and send the message again.")
    return f"{address.rpartition('@')[0]}@{domain_of(address)}"


def compose(account: Account, message: OutgoingMessage) -> EmailMessage:
    """The whole message, plain text in UTF-8. Raises SendError for what would make it another message than it is."""
    sender, recipient = wire_address(account.address), wire_address(message.to)
    _refuse_controls(message.subject, "subject", "The subject has a line break. Write it on one line.")
    _refuse_controls(account.name, "name", "The channel's name has a line break. Ask an administrator to correct it.")
    needs_utf8 = not (sender + recipient).isascii()
    # 7bit: not every server on the way takes more, and quoted-printable harms nobody.
    mail = EmailMessage(policy=(policy.SMTPUTF8 if needs_utf8 else policy.SMTP).clone(cte_type="7bit"))
    try:
        mail["From"] = _address(sender, account.name)
        mail["To"] = _address(recipient)
        mail["Subject"] = message.subject[:LONGEST_SUBJECT]
        mail["Date"] = format_datetime(datetime.now(UTC))
        mail["Message-ID"] = message_id(account, message)
        _thread(mail, message)
        if message.is_automatic:
            # RFC 3834: an answer is auto-replied, the rest auto-generated; both keep other machines quiet.
            mail["Auto-Submitted"] = "auto-replied" if message.in_reply_to else "auto-generated"
        mail.set_content(message.body)
        mail.as_bytes()  # what can't be written down fails here, before a connection
    except (ValueError, LookupError, AttributeError) as error:
        raise _unfit(
            "text", "The message holds characters that can't be sent. Remove them and send it again."
        ) from error
    return mail


def bracketed(identifier: str) -> str:
    """A Message-ID with its angle brackets; empty for what is none."""
    identifier = identifier.strip()
    if not identifier or has_control(identifier) or not _MESSAGE_ID.fullmatch(identifier):
        return ""
    return f"<{identifier.strip('<>')}>"


def _address(address: str, name: str = "") -> Address:
    local, _, domain = address.rpartition("@")
    return Address(display_name=name, username=local, domain=domain)


def _thread(mail: EmailMessage, message: OutgoingMessage) -> None:
    """RFC 5322, section 3.6.4: the answered message, and those before it, oldest first."""
    answered = bracketed(message.in_reply_to)
    _refuse_controls(message.in_reply_to, "in_reply_to", "The message answered has an unusual id. Write a new message.")
    references = _unique(bracketed(reference) for reference in [*message.references, answered])
    if answered:
        mail["In-Reply-To"] = answered
    if references:
        mail["References"] = " ".join(references[-MOST_REFERENCES:])


def _unique(identifiers: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(identifier for identifier in identifiers if identifier))


def _refuse_controls(text: str, code: str, message: str) -> None:
    if has_control(text):
        raise _unfit(code, message)


def _unfit(code: str, message: str) -> SendError:
    return SendError(code, message, Retry.FIX)
