"""The interface of providers, and the types by which the rest of Parley uses any of them.

Nothing here or in the folders beside it touches the database: an adapter turns an `Account` and an `OutgoingMessage`
into a request, and a provider's payload into a `ReceivedMessage` or a `StatusUpdate`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import IO, Any, Final, Protocol


class Kind(StrEnum):
    """What a channel carries."""

    WHATSAPP = "whatsapp"
    SMS = "sms"
    EMAIL = "email"
    WEB = "web"  # a form or a chat on the organization's site; what comes from it can't be answered on it


KIND_CHOICES = [kind.value for kind in Kind]


class Retry(StrEnum):
    """The next step after a failure, from the provider's error code."""

    NEVER = "never"  # the recipient can't be reached this way
    FIX = "fix"  # somebody has to change a setting or the text first
    LATER = "later"  # a passing trouble: try again with backoff
    BACKOFF = "backoff"  # we were too fast: try again, slower
    SUPPRESS = "suppress"  # the recipient does not want messages: stop this address
    TEMPLATE = "template"  # outside the reply window: only an approved template may be sent
    RECONCILE = "reconcile"  # nobody knows whether it left: ask the provider before anything else


# The sentence for a temporary failure. After the last try `final` takes it out again.
AGAIN: Final = "It will be tried again by itself."


def final(text: str) -> str:
    """The reason of a final failure: without the promise of another try."""
    return " ".join(text.replace(AGAIN, "It was tried again and again, without success.").split())


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a kind of channel can do at a provider; data, so that nobody has to ask for the kind."""

    kind: Kind
    label: str
    icon: str  # a lucide icon's name
    max_length: int  # characters of a body
    rate_per_second: float  # messages a sender may send
    reply_window: timedelta | None = None  # free text only so long after the customer's last message
    has_subject: bool = False
    has_templates: bool = False  # those that the provider approves; the only way to write outside the reply window
    has_typing: bool = False  # the other side can be shown that somebody writes
    needs_opt_in: bool = False  # who begins a conversation needs the other side's word for it
    max_files: int = 0  # a message may carry
    max_file_bytes: int = 0  # each
    file_types: Sequence[str] = ()  # what may be sent: whole types, or beginnings as "image/"; empty: all
    has_read_receipts: bool = False
    has_delivery_receipts: bool = False
    bills_delivered: bool = False  # what the provider took and did not deliver costs nothing


@dataclass(frozen=True, slots=True)
class CredentialField:
    """One value that an account needs, for forms and for the check of what the API is given."""

    key: str
    label: str
    is_secret: bool = False
    is_required: bool = True
    help: str = ""
    default: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """A channel as an adapter sees it."""

    channel_id: str
    kind: Kind
    address: str  # E.164 or an e-mail address
    name: str
    credentials: Mapping[str, Any] = field(default_factory=dict, repr=False)
    settings: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OutgoingFile:
    """A file that goes with a message: fetched by the provider from `url`, or read by the adapter by `open`."""

    filename: str
    content_type: str
    size: int
    url: str  # public, signed, expires
    open: Callable[[], IO[bytes]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """One message to be handed to the provider."""

    id: str  # our message id; stands in the status callback's URL
    to: str  # E.164, an e-mail address or, on WhatsApp, a user id
    body: str
    subject: str = ""
    status_callback_url: str = ""  # empty where the provider could not reach us
    in_reply_to: str = ""  # the provider's id of the message answered (e-mail: a Message-ID)
    references: Sequence[str] = ()
    is_automatic: bool = False
    files: Sequence[OutgoingFile] = ()
    # An approved template: sent by its id and values instead of the body, which is what people here are shown.
    provider_template_id: str = ""
    content_variables: Mapping[str, str] = field(default_factory=dict)
    # E-mail only.
    cc: Sequence[str] = ()
    reply_to_address: str = ""  # where answers go, signed; empty: the account's own address
    unsubscribe_url: str = ""  # one click (RFC 8058); only for automatic mail


@dataclass(frozen=True, slots=True)
class LaterStatus:
    """A status that the provider will report by itself after a time (the simulator's way to call back)."""

    after: timedelta
    status: str
    error_code: str = ""


@dataclass(frozen=True, slots=True)
class SendResult:
    """The provider took the message."""

    provider_message_id: str
    status: str = "sent"
    later: Sequence[LaterStatus] = ()


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message of ours in the provider's own list."""

    provider_message_id: str
    to: str
    body: str
    status: str
    created_at: datetime | None
    error_code: str = ""


class SendError(Exception):
    """The provider refused, or could not be reached before anything left.

    `message` is in plain words and says what to do; it never holds a credential or the message's text.
    """

    def __init__(self, code: str, message: str, retry: Retry, *, retry_after: timedelta | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.retry = retry
        self.retry_after = retry_after


class SendUnconfirmed(Exception):
    """The request left and no answer came: the provider may or may not have the message.

    Its text is in plain words and holds neither a credential nor the message's text.
    """


@dataclass(frozen=True, slots=True)
class ErrorMeaning:
    """The meaning of a provider's error code: the next step, and its text."""

    retry: Retry
    message: str  # plain words with what to do


class InvalidPayload(ValueError):
    """A webhook that no message or status can be read from; the text says which field is wrong."""


@dataclass(frozen=True, slots=True)
class Media:
    url: str
    content_type: str
    filename: str = ""
    size: int | None = None


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A file whose bytes came with the message itself."""

    filename: str
    content_type: str
    content: bytes = field(repr=False)
    content_id: str = ""  # without brackets; the HTML names it as cid:…
    is_inline: bool = False


@dataclass(frozen=True, slots=True)
class Bounce:
    """What a mail server says of one mail of ours that it could not deliver to one recipient."""

    recipient: str  # lower case; empty where it does not say
    is_hard: bool  # the address will not take mail later either
    code: str = ""  # RFC 3463, as 5.1.1; empty where there is none
    reply: str = ""  # RFC 5321, as 550
    reason: str = ""  # one word: userunknown, mailboxfull, …
    text: str = ""  # the server's words, on one line
    message_id: str = ""  # of the mail that bounced, without brackets; empty where it does not say
    is_final: bool = True  # False: the server says that it is late, and still tries


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """What an e-mail has beyond a message. Addresses are in lower case, ids without brackets."""

    html: str = ""  # cleaned, fit to be shown in a sandboxed frame; images of the mail itself as cid:…
    folded: str = ""  # the quoted text and the signature, which the body lacks
    to: Sequence[str] = ()
    cc: Sequence[str] = ()
    recipients: Sequence[str] = ()  # every address that it was sent or delivered to, as far as the headers say
    reply_to: str = ""  # where the writer wants answers, when that is elsewhere
    digest: str = ""  # of who wrote it and what it says, the same for the same mail on whichever way it came
    in_reply_to: Sequence[str] = ()
    references: Sequence[str] = ()  # oldest first
    automatic: str = ""  # why it is no person's own mail, in words: "auto-replied", "a list", …; empty for a person's
    bounces: Sequence[Bounce] = ()
    automatic_for_another: str = ""  # the same, where the address in Reply-To is the writer's
    is_bounce: bool = False  # also where no bounce of a single recipient could be read out of it
    is_sure_bounce: bool = False  # one that is not sure is a bounce only where it names a mail of ours
    files: Sequence[ReceivedFile] = ()


@dataclass(frozen=True, slots=True)
class Location:
    latitude: float
    longitude: float
    label: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """An inbound message, the same for every provider. Texts hold no NUL or lone surrogate."""

    kind: Kind
    provider_message_id: str
    to: str  # E.164 or e-mail; empty when the payload names none
    sender: str  # E.164, short code or e-mail; empty for a WhatsApp user without a phone number
    sender_user_id: str = ""  # WhatsApp's business-scoped user id, "US.000…", without the prefix
    sender_name: str = ""
    account_id: str = ""  # the provider's name of the account that it was sent to
    messaging_service_id: str = ""
    body: str = ""
    subject: str = ""
    media: Sequence[Media] = ()
    location: Location | None = None
    button: Mapping[str, str] = field(default_factory=dict)  # kind (button, list), text, payload
    reply_to: str = ""  # provider's id of the message quoted or answered
    referral: Mapping[str, str] = field(default_factory=dict)
    opt_out: str = ""  # STOP, START or HELP where the provider says so
    sent_at: datetime | None = None
    reply_addresses: Sequence[tuple[str, str]] = ()  # name and address of everybody in Reply-To
    files: Sequence[ReceivedFile] = ()  # those whose bytes came along; an e-mail's are in `mail`
    mail: ReceivedMail | None = None  # e-mail only
    extra: Mapping[str, Any] = field(default_factory=dict)  # every parameter that has no field above


@dataclass(frozen=True, slots=True)
class StatusUpdate:
    """A status of a message of ours: sent, delivered, read or failed."""

    provider_message_id: str
    status: str
    error_code: str = ""
    occurred_at: datetime | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)  # every parameter that has no field above


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that a check of an account found, in plain words with the next step."""

    code: str
    detail: str


class Provider(Protocol):
    """A provider of channels; each has a folder beside this file, and is looked up by `registry.provider(key)`."""

    key: str
    label: str
    kinds: Mapping[Kind, Capabilities]

    def credential_fields(self, kind: Kind) -> Sequence[CredentialField]: ...

    def send(self, account: Account, message: OutgoingMessage) -> SendResult:
        """Hand one message over. Raises SendError or SendUnconfirmed; every wait has a limit."""

    def find_sent(self, account: Account, message: OutgoingMessage, *, since: datetime) -> Sequence[SentMessage] | None:
        """The provider's own list of what it took for this recipient since then; None where it can't be asked.

        Raises SendError when asking failed this time: ask again by its class, and don't take it for an empty list.
        """

    def explain(self, error_code: str) -> ErrorMeaning:
        """What an error code of a status asks for. Unknown and empty codes have a meaning too."""

    def check(self, account: Account) -> Sequence[Problem]:
        """Try the account without sending anything; empty when all is well."""
