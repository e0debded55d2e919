"""What some providers can do besides sending: `isinstance(provider, FetchesMedia)` asks for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import IO, Protocol, runtime_checkable

from messaging.channels.base import Account


@dataclass(frozen=True, slots=True)
class FetchedMedia:
    """A file that was fetched from the provider."""

    content_type: str  # as the provider said it with the file, without parameters; empty where it did not
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
class ContentTemplate:
    """A template as the provider holds it, to be sent by its id once it is approved."""

    sid: str
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
    webhook: bytes = b""  # what the provider's own call would have said, in the form that its parser reads


@dataclass(frozen=True, slots=True)
class WebhookAddress:
    """An address that the provider has to be told, where, and what is set there now (None: it can't be seen)."""

    purpose: str  # inbound or status
    label: str  # where it is entered at the provider, in plain words
    url: str  # to copy: with the retry options behind it
    found: str | None = None
    is_right: bool | None = None


@runtime_checkable
class FetchesMedia(Protocol):
    def fetch_media(self, account: Account, url: str, *, into: IO[bytes], max_bytes: int) -> FetchedMedia:
        """Write the file into `into`; only from the provider's own hosts. Raises FetchError."""


@runtime_checkable
class HasContent(Protocol):
    def list_content(self, account: Account) -> Sequence[ContentTemplate]:
        """Every template of the account with its state of approval. Raises SendError."""


@runtime_checkable
class ShowsPresence(Protocol):
    def show_typing(self, account: Account, provider_message_id: str) -> None:
        """Show the sender of this message that somebody writes; it counts as read. Raises SendError."""

    def mark_read(self, account: Account, provider_message_id: str) -> None:
        """Tell the sender of this message that it was read. Raises SendError; does nothing where it can't be told."""


@runtime_checkable
class ListsMessages(Protocol):
    def list_messages(self, account: Account, *, since: datetime, until: datetime) -> Iterator[ListedMessage]:
        """What the provider holds of this channel between the moments, both ways, oldest first. Raises SendError."""


@runtime_checkable
class HasWebhooks(Protocol):
    def webhooks(self, account: Account, *, inbound_url: str, status_url: str) -> Sequence[WebhookAddress]:
        """Which addresses the provider needs, and what is set there now. Never raises for what it can't see."""


@runtime_checkable
class SendsSecrets(Protocol):
    """A provider whose accounts name the servers that their secrets are sent to."""

    def secret_destinations(self, credentials: Mapping[str, object]) -> Mapping[str, frozenset[tuple[object, ...]]]:
        """By a secret's key, where it is sent, and how it is protected on the way."""
