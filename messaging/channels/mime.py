"""An outgoing e-mail as RFC 5322 and MIME have it; used by every provider that sends e-mail."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import Policy
from email.utils import format_datetime
from typing import Final

from messaging.channels.base import AGAIN, Account, OutgoingFile, OutgoingMessage, Retry, SendError
from messaging.channels.mime_html import as_html
from messaging.channels.text import has_control

MAX_SUBJECT_LENGTH: Final = 900  # RFC 5322 allows 998 octets a line; folding does the rest
MAX_TOKEN_LENGTH: Final = 900  # characters of an id or an address of the web, which can't be folded
MAX_FILENAME_LENGTH: Final = 200
MAX_REFERENCES: Final = 20
MAX_FILE_BYTES: Final = 25_000_000  # of all files of a mail together; what most servers take
_MAX_MEGABYTES: Final = MAX_FILE_BYTES // 1_000_000

_ADDRESS = re.compile(r"[^\s@<>(),;:\\\"\[\]]+@[^\s@<>(),;:\\\"\[\]]+")
_MESSAGE_ID = re.compile(r"<?[^\s<>]+>?")
_URL = re.compile(r"https?://[!-;=?-~]+")  # printable ASCII without spaces and angle brackets
_CONTENT_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,100}")
# What holds other parts must be written part by part (RFC 2046, section 5); as a file it is bytes like any other.
_COMPOSITE = ("message/", "multipart/")


def message_id(account: Account, message: OutgoingMessage) -> str:
    """The Message-ID of a message of ours: the same for the same message, so that a second sending is recognized."""
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
    """The whole message: plain text and the same as HTML, in UTF-8, with its files.

    Raises SendError: FIX for what would make it another message than it is, or too large; LATER ("file") for a file
    that can't be read now. Of two messages with the same id the Message-ID is the same.
    """
    sender, recipient = wire_address(account.address), wire_address(message.to)
    copies, answers_to = copied(message), _answers_to(message)
    _refuse_controls(message.subject, "subject", "The subject has a line break. Write it on one line.")
    _refuse_controls(account.name, "name", "The channel's name has a line break. Ask an administrator to correct it.")
    is_ascii = "".join([sender, recipient, answers_to, *copies]).isascii()
    # 7bit: not every server on the way takes more, and quoted-printable harms nobody.
    mail = EmailMessage(policy=(policy.SMTP if is_ascii else policy.SMTPUTF8).clone(cte_type="7bit"))
    try:
        mail["From"] = _address(sender, account.name)
        mail["To"] = _address(recipient)
        if copies:
            mail["Cc"] = [_address(copy) for copy in copies]
        if answers_to:
            mail["Reply-To"] = _address(answers_to)
        mail["Subject"] = message.subject[:MAX_SUBJECT_LENGTH]
        mail["Date"] = format_datetime(datetime.now(UTC))
        mail["Message-ID"] = message_id(account, message)
        _thread(mail, message)
        _declare_automatic(mail, message)
        mail.set_content(message.body)
        mail.add_alternative(as_html(message.body), subtype="html")
        mail.as_bytes()  # what can't be written down fails here, before a connection and before the files are read
        _attach(mail, message.files)
    except (ValueError, LookupError, AttributeError, TypeError) as error:
        raise _unwritable() from error
    return mail


def written(mail: EmailMessage) -> bytes:
    """A composed mail as it goes over the wire, with CRLF. Raises SendError for what can't be written down."""
    try:
        return mail.as_bytes()
    except (ValueError, LookupError, AttributeError, TypeError) as error:
        raise _unwritable() from error


def needs_utf8(mail: EmailMessage) -> bool:
    """Whether an address in a composed mail has letters that only a server with SMTPUTF8 takes."""
    return bool(getattr(mail.policy, "utf8", False))


def copied(message: OutgoingMessage) -> list[str]:
    """The addresses in Cc as the network writes them, each once, without the recipient's own. Raises SendError."""
    words = "An address in Cc is not an e-mail address. Correct it and send the message again."
    seen = {wire_address(message.to).lower()}
    copies = []
    for address in message.cc:
        copy = _wire_address(address, "cc", words)
        if copy.lower() not in seen:
            seen.add(copy.lower())
            copies.append(copy)
    return copies


def bracketed(identifier: str) -> str:
    """A Message-ID with its angle brackets; empty for what is none."""
    identifier = identifier.strip()
    if not identifier or has_control(identifier) or not _MESSAGE_ID.fullmatch(identifier):
        return ""
    return f"<{identifier.strip('<>')}>"


class _Verbatim(str):
    """A header's value, one token a line: the library would encode a token longer than its line and so break it."""

    name: str
    __slots__ = ("name",)

    def __new__(cls, name: str, tokens: Iterable[str]) -> _Verbatim:
        value = super().__new__(cls, " ".join(tokens))
        value.name = name
        return value

    def fold(self, *, policy: Policy) -> str:
        """The whole header as the library's generator asks for it."""
        return f"{self.name}: {self.replace(' ', policy.linesep + ' ')}{policy.linesep}"


def _address(address: str, name: str = "") -> Address:
    local, _, domain = address.rpartition("@")
    return Address(display_name=name, username=local, domain=domain)


def _wire_address(address: str, code: str, words: str) -> str:
    try:
        return wire_address(address)
    except SendError as error:
        raise _unfit(code, words) from error


def _answers_to(message: OutgoingMessage) -> str:
    words = "The address that answers go to is not an e-mail address. Tell the administrators."
    return _wire_address(message.reply_to_address, "reply_to_address", words) if message.reply_to_address else ""


def _thread(mail: EmailMessage, message: OutgoingMessage) -> None:
    """RFC 5322, section 3.6.4: the answered message, and those before it, oldest first."""
    _refuse_controls(message.in_reply_to, "in_reply_to", "The message answered has an unusual id. Write a new message.")
    answered = _token(message.in_reply_to)
    references = _unique(_token(reference) for reference in [*message.references, answered])
    if answered:
        mail["In-Reply-To"] = _Verbatim("In-Reply-To", [answered])
    if references:
        mail["References"] = _Verbatim("References", references[-MAX_REFERENCES:])


def _token(identifier: str) -> str:
    """An id with its brackets; empty for what can't stand in a header as it is."""
    identifier = bracketed(identifier)
    return identifier if identifier.isascii() and len(identifier) <= MAX_TOKEN_LENGTH else ""


def _unique(identifiers: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(identifier for identifier in identifiers if identifier))


def _declare_automatic(mail: EmailMessage, message: OutgoingMessage) -> None:
    """RFC 3834: an answer is auto-replied, the rest auto-generated; both keep other machines quiet. RFC 8058 after."""
    url = message.unsubscribe_url
    if url and (len(url) > MAX_TOKEN_LENGTH or not _URL.fullmatch(url)):
        words = "The address for unsubscribing is not a web address. Tell the administrators to check PUBLIC_BASE_URL."
        raise _unfit("unsubscribe_url", words)
    if not message.is_automatic:
        return
    mail["Auto-Submitted"] = "auto-replied" if message.in_reply_to else "auto-generated"
    if url:
        mail["List-Unsubscribe"] = _Verbatim("List-Unsubscribe", [f"<{url}>"])
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"


def _attach(mail: EmailMessage, files: Sequence[OutgoingFile]) -> None:
    if sum(file.size for file in files) > MAX_FILE_BYTES:
        raise _too_large()
    names = [_filename(file.filename) for file in files]
    left = MAX_FILE_BYTES
    for file, name in zip(files, names, strict=True):
        content = _read(file, left)
        left -= len(content)
        main, _, sub = _content_type(file.content_type).partition("/")
        mail.add_attachment(content, maintype=main, subtype=sub, filename=name)


def _read(file: OutgoingFile, most: int) -> bytes:
    """The file's bytes, whatever its declared size. Raises SendError."""
    try:
        with file.open() as stream:
            content = stream.read(most + 1)
    except Exception as error:  # a storage raises what it likes
        message = f"A file of this message could not be read. {AGAIN}"
        raise SendError("file", message, Retry.LATER) from error
    if len(content) > most:
        raise _too_large()
    return content


def _filename(name: str) -> str:
    _refuse_controls(name, "filename", "A file's name has a line break or another control character. Rename the file.")
    name = name.replace("/", "_").replace("\\", "_").strip() or "file"
    name.encode()  # a lone surrogate fails here
    if len(name) <= MAX_FILENAME_LENGTH:
        return name
    stem, dot, ending = name.rpartition(".")
    ending = dot + ending if stem and len(ending) <= 10 else ""
    return name[: MAX_FILENAME_LENGTH - len(ending)] + ending


def _content_type(requested: str) -> str:
    """The type without parameters; bytes of no known type where it is none that may stand there."""
    content_type = requested.partition(";")[0].strip().lower()
    if content_type.startswith(_COMPOSITE) or not _CONTENT_TYPE.fullmatch(content_type):
        return "application/octet-stream"
    return content_type


def _refuse_controls(text: str, code: str, message: str) -> None:
    if has_control(text):
        raise _unfit(code, message)


def _too_large() -> SendError:
    words = f"The files are larger than {_MAX_MEGABYTES} MB together. Send fewer or smaller ones, or a link to them."
    return _unfit("too_large", words)


def _unwritable() -> SendError:
    return _unfit("text", "The message holds characters that can't be sent. Remove them and send it again.")


def _unfit(code: str, message: str) -> SendError:
    return SendError(code, message, Retry.FIX)
