"""What some providers can do besides sending: `isinstance(provider, FetchesMedia)` asks for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import IO, Final, Protocol, runtime_checkable

from messaging.channels.base import Account, Kind, ReceivedMessage, StatusUpdate

# What a delivery is about.
MESSAGE: Final = "message"  # an inbound message
STATUS: Final = "status"  # what became of a message of ours


@dataclass(frozen=True, slots=True)
class FetchedMedia:
    """A file that was fetched from the provider."""

    content_type: str  # as the provider sent it with the file, without parameters; empty where it did not
    size: int
    filename: str = ""


class FetchError(Exception):
    """A file could not be fetched. `message` is in plain words; `is_final` says that asking again is of no use."""

    def __init__(self, code: str, message: str, *, is_final: bool, retry_after: timedelta | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.is_final = is_final
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Price:
    """What a provider charged for a message."""

    amount: Decimal  # zero or more
    currency: str  # ISO 4217, in capitals
    units: int | None = None  # messages, or segments of an SMS; None where it does not say


@dataclass(frozen=True, slots=True)
class ContentTemplate:
    """A template as the provider holds it, to be sent by its id once it is approved."""

    id: str
    name: str
    language: str
    kind: str  # text, media, quick-reply, list-picker, call-to-action, card, carousel, … as the provider calls it
    body: str  # with {{1}} for the variables
    variables: Mapping[str, str] = field(default_factory=dict)  # each with its sample
    status: str = ""  # approved, pending, received, rejected, paused, disabled, unsubmitted
    category: str = ""  # marketing, utility, authentication
    reason: str = ""  # why it was rejected or paused
    media: Sequence[str] = ()
    actions: Sequence[Mapping[str, str]] = ()  # buttons and list items: kind, text, value
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ListedMessage:
    """A message in the provider's own list, either way."""

    provider_message_id: str
    is_inbound: bool
    other: str  # address of the other side: E.164 or a user id
    body: str
    at: datetime  # when it was sent, else made
    status: str = ""  # one of ours, of an outbound message; empty for an inbound one
    raw_status: str = ""  # as the provider calls it
    error_code: str = ""
    webhook: bytes = b""  # the body of the webhook for it, in the form that the provider's parser reads


@dataclass(frozen=True, slots=True)
class WebhookAddress:
    """An address to enter at the provider, where, and what is set there now (None: it can't be read)."""

    purpose: str  # inbound or status
    label: str  # where it is entered at the provider, in plain words
    url: str  # to copy: with the retry options behind it
    found: str | None = None
    is_right: bool | None = None


@dataclass(frozen=True, slots=True)
class Hook:
    """What a provider reports at one address of ours, `/webhooks/<provider>/<name of the hook>`."""

    type: str  # MESSAGE or STATUS
    kind: str = ""  # of the channels that it serves; empty where the request says which


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """A request of a provider as it came, before it is verified."""

    hook: Hook
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # by name in any case; empty once stored


@dataclass(frozen=True, slots=True)
class WebhookRoute:
    """The values by which a request's channel is looked up, and those of its key; all of them unverified.

    Texts hold no NUL or lone surrogate; what the request does not name is empty.
    """

    kind: str
    address: str = ""  # ours, in E.164 or an e-mail address
    messaging_service_id: str = ""
    account_id: str = ""
    provider_message_id: str = ""
    about: str = ""  # of a status: what sets it apart from others of the same message
    signature: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """The signed values beside the body; `path` is the address without its host, which settings name."""

    signature: str
    url: str
    path: str
    content_type: str


@dataclass(frozen=True, slots=True)
class WebhookReply:
    """The answer to a provider once its request is stored."""

    body: str
    content_type: str


@dataclass(frozen=True, slots=True)
class AccountIds:
    """The ids by which a provider's requests name an account, besides its address; from the account's credentials."""

    account_id: str = ""
    messaging_service_id: str = ""


@dataclass(frozen=True, slots=True)
class FetchedMail:
    """A mail as the server holds it. `raw` is None where it is larger than was asked for: then the headers alone."""

    uid: int
    size: int  # bytes, as the server says
    raw: bytes | None = field(repr=False)
    headers: bytes = field(default=b"", repr=False)
    received_at: datetime | None = None  # when the server got it


class OpenMailbox(Protocol):
    """A folder, open for reading; every call raises SendError. What was read before a failure stays valid."""

    uidvalidity: int  # another number than the last time: the UIDs of before mean nothing any more
    uidnext: int  # every mail that comes after opening has this UID or a higher one

    def fetch_after(self, uid: int, *, limit: int, largest: int) -> Iterator[FetchedMail]:
        """The mails with a higher UID, oldest first; of one with more than `largest` bytes only the headers."""

    def since(self, day: date) -> list[int]:
        """The UIDs of the mails that the server got on this day or later, ascending."""


@runtime_checkable
class ParsesDeliveries(Protocol):
    def parse(self, delivery_type: str, body: bytes, *, kind: str) -> ReceivedMessage | StatusUpdate:
        """What a stored body says. Raises InvalidPayload, which names the field that is wrong."""


@runtime_checkable
class ReceivesWebhooks(ParsesDeliveries, Protocol):
    """A provider that posts to `/webhooks/<its key>/<hook>`: one view serves all of them.

    In order: `route` says which channels a request may be for; `verify` says with the credentials of each whether the
    request is the provider's; the request is stored; `webhook_reply` is sent; later `parse` reads what was stored.
    """

    hooks: Mapping[str, Hook]
    max_webhook_bytes: int  # a longer body is refused with 413
    signing_credential: str  # what people call the credential that requests are verified with: "auth token"

    @property
    def checks_signatures(self) -> bool:
        """False only where a setting has switched `verify` off; every request then counts as verified."""

    def route(self, request: WebhookRequest) -> WebhookRoute:
        """What the request names, also of a body that `parse` would refuse. Never raises."""

    def verify(self, proof: Proof, body: bytes, credentials: Mapping[str, object]) -> bool:
        """Whether the request was signed by the account with these credentials. Never raises."""

    def webhook_reply(self) -> WebhookReply: ...

    def account_ids(self, credentials: Mapping[str, object]) -> AccountIds: ...


@runtime_checkable
class ReadsMailbox(Protocol):
    def mailbox_folder(self, credentials: Mapping[str, object]) -> str:
        """The folder that is read for an account with these credentials; empty where none is."""

    def open_mailbox(self, account: Account) -> AbstractContextManager[OpenMailbox]:
        """The account's folder, closed at the end; nothing in it is changed.

        Raises SendError: FIX where somebody has to change a setting, LATER for a passing trouble.
        """


@runtime_checkable
class Simulates(Protocol):
    """A provider that reaches nobody, for trying things. A real channel of the same kind goes before one of its."""

    starting_channels: Mapping[Kind, tuple[str, str]]
    """What a new organization gets: name and address by kind; `{slug}` in an address is the organization's."""


@runtime_checkable
class LimitsSenders(Protocol):
    """A provider with senders that are slower than its others."""

    def sender_rate(self, address: str) -> float | None:
        """Messages a second that this sender may send; None where it is as fast as its kind of channel."""


@runtime_checkable
class KeepsCopies(Protocol):
    """A provider that writes messages into files of this machine."""

    def copies_of(self, kind: Kind, message_id: str) -> Sequence[Path]:
        """The files that hold a message of ours, there or not: erasure deletes them."""


@runtime_checkable
class FetchesMedia(Protocol):
    def fetch_media(self, account: Account, url: str, *, into: IO[bytes], max_bytes: int) -> FetchedMedia:
        """Write the file into `into`; only from the provider's own hosts. Raises FetchError."""


@runtime_checkable
class HasContent(Protocol):
    def list_content(self, account: Account) -> Sequence[ContentTemplate]:
        """Every template of the account with its state of approval. Raises SendError."""

    def template_id_problem(self, template_id: str) -> str:
        """Why this can't be the id of a template, in plain words; empty where it can."""


@runtime_checkable
class ShowsPresence(Protocol):
    def show_typing(self, account: Account, provider_message_id: str) -> None:
        """Show the sender of this message that somebody writes; it counts as read. Raises SendError."""

    def mark_read(self, account: Account, provider_message_id: str) -> None:
        """Send a read receipt to the sender of this message, where the channel can. Raises SendError."""


@runtime_checkable
class ListsMessages(Protocol):
    def list_messages(self, account: Account, *, since: datetime, until: datetime) -> Iterator[ListedMessage]:
        """The provider's messages of this channel between the moments, both ways, oldest first. Raises SendError."""


@runtime_checkable
class ReportsPrices(Protocol):
    def price_of(self, account: Account, provider_message_id: str) -> Price | None:
        """What the provider charged for a message of ours; None while it does not know. Raises SendError."""


@runtime_checkable
class HasWebhooks(Protocol):
    def webhooks(self, account: Account, *, inbound_url: str, status_url: str) -> Sequence[WebhookAddress]:
        """The addresses that the provider needs, with what is set there now, where it can be read. Never raises."""

    def webhooks_to_enter(self, *, inbound_url: str, status_url: str) -> Sequence[WebhookAddress]:
        """The same addresses, to be copied, without asking the provider."""

    def webhook_place(self, kind: Kind, address: str, ids: AccountIds) -> str:
        """Where the provider's console takes the addresses, a sentence in safe HTML; empty where nothing is to say."""


@runtime_checkable
class SendsSecrets(Protocol):
    """A provider whose accounts name the servers that their secrets are sent to."""

    def secret_destinations(self, credentials: Mapping[str, object]) -> Mapping[str, frozenset[tuple[object, ...]]]:
        """By a secret's key, where it is sent, and how it is protected on the way."""


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """The certificate of a server of the account's: when it ends, or why it is not valid, or could not be asked."""

    host: str
    ends_at: datetime | None = None
    refusal: str = ""
    problem: str = ""


@runtime_checkable
class ShowsCertificates(Protocol):
    """The account's servers are the customer's choice, and so may be their certificates."""

    def server_certificates(self, account: Account) -> Sequence[ServerCertificate]:
        """Ask each server for its certificate; waits for the network. Raises SendError for values that are wrong."""
        ...
