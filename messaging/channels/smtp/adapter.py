"""E-mail out by SMTP (RFC 5321)."""

from __future__ import annotations

import re
import smtplib
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.message import EmailMessage
from types import MappingProxyType
from typing import Final

from messaging.channels import kinds
from messaging.channels.base import (
    Account,
    Capabilities,
    CredentialField,
    ErrorMeaning,
    FoundMessage,
    Kind,
    OutgoingMessage,
    Problem,
    Retry,
    SendError,
    SendResult,
    SendUnconfirmed,
)
from messaging.channels.mime import compose, message_id, wire_address
from messaging.channels.smtp import errors
from messaging.channels.smtp.connection import connected

_CREDENTIALS: Final = (
    CredentialField("host", "Mail server", help="The name of the server for outgoing mail, as smtp.example.com."),
    CredentialField("port", "Port", is_required=False, default="587", help="587 for STARTTLS, 465 for TLS."),
    CredentialField("username", "User name", is_required=False),
    CredentialField("password", "Password", is_secret=True, is_required=False, help="Only ever sent over TLS."),
    CredentialField("use_starttls", "STARTTLS", is_required=False, default="true"),
    CredentialField("use_ssl", "TLS from the start", is_required=False, default="false"),
    CredentialField("imap_host", "Server for incoming mail", is_required=False),
    CredentialField("imap_port", "Port for incoming mail", is_required=False, default="993"),
    CredentialField("imap_username", "User name for incoming mail", is_required=False),
    CredentialField("imap_password", "Password for incoming mail", is_secret=True, is_required=False),
    CredentialField("imap_use_ssl", "TLS for incoming mail", is_required=False, default="true"),
    CredentialField("imap_folder", "Folder to read", is_required=False, default="INBOX"),
)


class SmtpProvider:
    """Any mail server. Each step has a time-out; a message is handed over once."""

    key = "smtp"
    label = "E-mail server"
    kinds: Mapping[Kind, Capabilities] = MappingProxyType({Kind.EMAIL: kinds.EMAIL})

    def credential_fields(self, kind: Kind) -> Sequence[CredentialField]:
        return _CREDENTIALS

    def send(self, account: Account, message: OutgoingMessage) -> SendResult:
        """Hand a mail to the server; its Message-ID is the provider's id.

        SendUnconfirmed only when the connection was lost after the text began to leave; before, the server has nothing.
        """
        mail = compose(account, message)
        sender, recipient = wire_address(account.address), wire_address(message.to)
        with connected(account) as smtp:
            _hand_over(
                smtp, mail, sender, recipient, hidden=(recipient, sender, str(account.credentials.get("username", "")))
            )
        return SendResult(provider_message_id=message_id(account, message))

    def find_sent(
        self, account: Account, message: OutgoingMessage, *, since: datetime
    ) -> Sequence[FoundMessage] | None:
        """None: a mail server keeps no list that can be asked."""
        return None

    def check(self, account: Account) -> Sequence[Problem]:
        """Connect, sign in and leave."""
        try:
            wire_address(account.address)
            with connected(account):
                return []
        except SendError as error:
            return [Problem(error.code, error.message.replace(errors.AGAIN, "Check its name and port, or try later."))]

    def explain(self, error_code: str) -> ErrorMeaning:
        return errors.explain(error_code)


def _hand_over(smtp: smtplib.SMTP, mail: EmailMessage, sender: str, recipient: str, *, hidden: tuple[str, ...]) -> None:
    try:
        _envelope(smtp, sender, recipient, hidden)
    except OSError as error:  # smtplib's exceptions are OSErrors
        message = f"The mail server closed the connection. {errors.AGAIN}"
        raise SendError("connection", message, Retry.LATER) from error
    try:
        smtp.send(_dotted(mail))
        reply, text = smtp.getreply()
    except OSError as error:
        raise SendUnconfirmed("The mail server did not answer after the message; it may have taken it.") from error
    if 400 <= reply < 600:
        raise errors.refusal(reply, text, hidden=hidden)
    if not 200 <= reply < 300:
        raise SendUnconfirmed("The mail server's answer to the message makes no sense; it may have taken it.")


def _envelope(smtp: smtplib.SMTP, sender: str, recipient: str, hidden: tuple[str, ...]) -> None:
    """MAIL, RCPT and DATA by hand: smtplib's own call can't tell whether it was lost before or after the text left."""
    options = []
    if not (sender + recipient).isascii():
        if not smtp.has_extn("smtputf8"):
            message = (
                "The mail server takes no addresses with letters beyond a to z. Use another address for this person."
            )
            raise SendError("smtputf8", message, Retry.FIX)
        options = ["SMTPUTF8", "BODY=8BITMIME"]
    reply, text = smtp.mail(sender, options)
    if reply != 250:
        # RFC 5321 has 550 for the sender too; that is ours to correct, whoever the recipient.
        raise _sender_refused(reply, text, hidden)
    reply, text = smtp.rcpt(recipient)
    if reply not in (250, 251):
        raise errors.refusal(reply, text, hidden=hidden)
    reply, text = smtp.docmd("DATA")
    if reply != 354:
        raise errors.refusal(reply, text, hidden=hidden)


def _sender_refused(reply: int, text: bytes, hidden: tuple[str, ...]) -> SendError:
    refusal = errors.refusal(reply, text, hidden=hidden)
    if refusal.retry is not Retry.NEVER:
        return refusal
    words = errors.said(reply, text, hidden=hidden)
    message = f"The mail server does not take mail from this address. Tell the administrators. The server said: {words}"
    return SendError(refusal.code, message, Retry.FIX)


def _dotted(mail: EmailMessage) -> bytes:
    """The message as DATA wants it (RFC 5321, section 4.5.2): CRLF, each leading dot doubled, and the end."""
    content = re.sub(rb"\r\n|\r|\n", b"\r\n", mail.as_bytes())
    content = re.sub(rb"(?m)^\.", b"..", content)
    return content + (b".\r\n" if content.endswith(b"\r\n") else b"\r\n.\r\n")
