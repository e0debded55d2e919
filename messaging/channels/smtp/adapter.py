"""E-mail out by SMTP (RFC 5321); what comes in is read by `imap`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from types import MappingProxyType
from typing import Final

from messaging.channels import kinds
from messaging.channels.abilities import MESSAGE, ServerCertificate
from messaging.channels.base import (
    AGAIN,
    Account,
    Capabilities,
    CredentialField,
    ErrorMeaning,
    InvalidPayload,
    Kind,
    OutgoingMessage,
    Problem,
    ReceivedMessage,
    SendError,
    SendResult,
    SentMessage,
    StatusUpdate,
)
from messaging.channels.mail.parse import parse
from messaging.channels.mime import message_id, wire_address
from messaging.channels.smtp import certificates, errors, handover, servers
from messaging.channels.smtp.connection import leave, opened
from messaging.channels.smtp.imap import Mailbox, open_mailbox
from messaging.channels.smtp.pool import borrowed

_CREDENTIALS: Final = (
    CredentialField("host", "Mail server", help="The name of the server for outgoing mail, as smtp.example.com."),
    CredentialField("port", "Port", is_required=False, default="587", help="587 for STARTTLS, 465 for TLS."),
    CredentialField("username", "User name", is_required=False),
    CredentialField("password", "Password", is_secret=True, is_required=False, help="Only ever sent over TLS."),
    CredentialField(
        "oauth_token",
        "OAuth token",
        is_secret=True,
        is_required=False,
        help="Instead of the password, for outgoing and incoming mail. The user name is the address if none is given.",
    ),
    CredentialField("use_starttls", "STARTTLS", is_required=False, default="true"),
    CredentialField("use_ssl", "TLS from the start", is_required=False, default="false"),
    CredentialField(
        "imap_host", "Server for incoming mail", is_required=False, help="Empty where no mail is read, else its name."
    ),
    CredentialField("imap_port", "Port for incoming mail", is_required=False, default="993"),
    CredentialField(
        "imap_username",
        "User name for incoming mail",
        is_required=False,
        help="If it is not the one for outgoing mail.",
    ),
    CredentialField(
        "imap_password",
        "Password for incoming mail",
        is_secret=True,
        is_required=False,
        help="If it is not the one for outgoing mail; many providers want an app password.",
    ),
    CredentialField(
        "imap_use_ssl",
        "TLS from the start for incoming mail",
        is_required=False,
        default="true",
        help="Otherwise STARTTLS is used, usually on port 143.",
    ),
    CredentialField("imap_folder", "Folder to read", is_required=False, default="INBOX"),
)


class SmtpProvider:
    """Every mail server. Each step has a time-out; a message is handed over once."""

    key = "smtp"
    label = "E-mail server"
    kinds: Mapping[Kind, Capabilities] = MappingProxyType({Kind.EMAIL: kinds.EMAIL})

    def credential_fields(self, kind: Kind) -> Sequence[CredentialField]:
        return _CREDENTIALS

    def secret_destinations(self, credentials: Mapping[str, object]) -> Mapping[str, frozenset[tuple[object, ...]]]:
        """By a secret's key, the servers that it is sent to."""
        return servers.secret_destinations(credentials)

    def send(self, account: Account, message: OutgoingMessage) -> SendResult:
        """Hand a mail to the server; its Message-ID is the provider's id.

        SendUnconfirmed only when the connection was lost after the text's end began to leave; before, the server has
        nothing. A copy that the server refuses does not keep the mail from its recipient.
        """
        letter = handover.letter(account, message)
        if not _was_sent(account, letter, is_new=False):
            # The server had hung up on the connection that waited, before it took the first word of this mail.
            _was_sent(account, letter, is_new=True)
        return SendResult(provider_message_id=message_id(account, message))

    def parse(self, delivery_type: str, body: bytes, *, kind: str) -> ReceivedMessage | StatusUpdate:
        """A mail as it came over the wire. Raises InvalidPayload."""
        if delivery_type != MESSAGE:
            raise InvalidPayload("A mail server delivers mails only.")
        return parse(body)

    def mailbox_folder(self, credentials: Mapping[str, object]) -> str:
        """Empty where no server for incoming mail is given."""
        if not _reads_mail(credentials):
            return ""
        return str(credentials.get("imap_folder") or "INBOX")

    def open_mailbox(self, account: Account) -> AbstractContextManager[Mailbox]:
        """The account's folder by IMAP, without leaving a trace in it. Raises SendError."""
        return open_mailbox(account)

    def find_sent(self, account: Account, message: OutgoingMessage, *, since: datetime) -> Sequence[SentMessage] | None:
        """None: a mail server keeps no list that can be asked."""
        return None

    def check(self, account: Account) -> Sequence[Problem]:
        """Connect, sign in and leave; the same with the server for incoming mail, where there is one."""
        checks: list[Callable[[Account], None]] = [_try_outgoing]
        if _reads_mail(account.credentials):
            checks.append(_try_incoming)
        problems = []
        for check in checks:
            try:
                check(account)
            except SendError as error:
                detail = error.message.replace(AGAIN, "Check its name and port, or try later.")
                problems.append(Problem(error.code, detail))
        return problems

    def server_certificates(self, account: Account) -> Sequence[ServerCertificate]:
        """Those of the servers that are reached by TLS. Raises SendError for values that are wrong."""
        return certificates.read(account, with_incoming=_reads_mail(account.credentials))

    def explain(self, error_code: str) -> ErrorMeaning:
        return errors.explain(error_code)


def _reads_mail(credentials: Mapping[str, object]) -> bool:
    return bool(str(credentials.get("imap_host") or "").strip())


def _was_sent(account: Account, letter: handover.Letter, *, is_new: bool) -> bool:
    """False where a connection that waited turned out to be lost before anything left. Raises as `send` does."""
    try:
        with borrowed(account, is_new=is_new) as link:
            handover.address(link.smtp, letter)
            handover.deliver(link.smtp, letter)
    except handover.HungUp as error:
        if link.is_reused:
            return False
        raise error.refusal from error
    return True


def _try_outgoing(account: Account) -> None:
    wire_address(account.address)
    leave(opened(account))


def _try_incoming(account: Account) -> None:
    with open_mailbox(account):
        pass
