"""WhatsApp and SMS through Twilio: each thing that it can do stands in a file of its own beside this one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import IO, Final

from django.conf import settings
from twilio.rest.api.v2010.account.message import MessageInstance

from messaging.channels import kinds
from messaging.channels.abilities import (
    AccountIds,
    ContentTemplate,
    FetchedMedia,
    Hook,
    ListedMessage,
    Price,
    Proof,
    WebhookAddress,
    WebhookReply,
    WebhookRequest,
    WebhookRoute,
)
from messaging.channels.base import (
    Account,
    Capabilities,
    CredentialField,
    ErrorMeaning,
    Kind,
    OutgoingMessage,
    Problem,
    ReceivedMessage,
    SendError,
    SendResult,
    SendUnconfirmed,
    SentMessage,
    StatusUpdate,
)
from messaging.channels.twilio import check, content, errors, hooks, listing, media, presence, prices, webhooks
from messaging.channels.twilio.account import client_for
from messaging.channels.twilio.calls import sending
from messaging.channels.twilio.outgoing import arguments
from messaging.channels.twilio.payload import FAILED, OUR_STATUS

# Files in an SMS make an MMS of it; networks in the United States and Canada carry them.
SMS: Final = replace(
    kinds.SMS,
    max_files=10,
    max_file_bytes=5_000_000,
    file_types=("image/", "audio/", "video/", "application/pdf", "text/vcard"),
)

_MESSAGE_SID = re.compile(r"(SM|MM)[0-9a-fA-F]{32}")

_CREDENTIALS: Final = (
    CredentialField("account_sid", "Account SID", help="Begins with AC; on the first page of the Twilio console."),
    CredentialField("auth_token", "Auth token", is_secret=True, help="Beside the account SID; it also signs webhooks."),
    CredentialField(
        "messaging_service_sid",
        "Messaging service SID",
        is_required=False,
        help="Begins with MG. With it Twilio chooses the sender; without it messages leave from the channel's number.",
    ),
)


class TwilioProvider:
    """Twilio. Every request has a time-out and is tried once; the library's own retries are off."""

    key = "twilio"
    label = "Twilio"
    kinds: Mapping[Kind, Capabilities] = MappingProxyType({Kind.WHATSAPP: kinds.WHATSAPP, Kind.SMS: SMS})
    hooks: Mapping[str, Hook] = webhooks.HOOKS
    max_webhook_bytes = webhooks.MAX_BYTES
    signing_credential = "auth token"

    def credential_fields(self, kind: Kind) -> Sequence[CredentialField]:
        return _CREDENTIALS

    def send(self, account: Account, message: OutgoingMessage) -> SendResult:
        """Create a Message: a text, files by their addresses, or an approved template by its id and values.

        What Twilio is known to refuse (an empty or too long text, too many files, a template's value that is empty or
        broken) is refused before a request. Nothing left, or Twilio refused: SendError. A time-out, a lost connection,
        a 5xx or an unreadable answer: SendUnconfirmed.
        """
        client = client_for(account)
        parameters = arguments(account, message, self.kinds[account.kind])
        with sending():
            return _result(client.messages.create(**parameters))

    def find_sent(self, account: Account, message: OutgoingMessage, *, since: datetime) -> Sequence[SentMessage] | None:
        """The outbound messages of this account to this recipient, created since then, newest first."""
        return listing.find_sent(account, message, since=since)

    def price_of(self, account: Account, provider_message_id: str) -> Price | None:
        """What Twilio charged for a message; None until it is billed. Raises SendError."""
        return prices.price_of(account, provider_message_id)

    def check(self, account: Account) -> Sequence[Problem]:
        """Whether the credentials are accepted, the account is active and the channel's address belongs to it."""
        return check.problems(account)

    def explain(self, error_code: str) -> ErrorMeaning:
        return errors.explain(error_code)

    def fetch_media(self, account: Account, url: str, *, into: IO[bytes], max_bytes: int) -> FetchedMedia:
        """Write an inbound message's file into `into`, from Twilio alone. Raises FetchError."""
        return media.fetch(account, url, into=into, max_bytes=max_bytes)

    def list_content(self, account: Account) -> Sequence[ContentTemplate]:
        """Every content template of the account with its state of approval by WhatsApp. Raises SendError."""
        return content.templates(account)

    def template_id_problem(self, template_id: str) -> str:
        """Twilio's are called content SIDs."""
        return content.id_problem(template_id)

    def show_typing(self, account: Account, provider_message_id: str) -> None:
        """Show the sender of this WhatsApp message that somebody writes, which marks it as read. Raises SendError."""
        presence.show_typing(account, provider_message_id)

    def mark_read(self, account: Account, provider_message_id: str) -> None:
        """Nothing: Twilio has no read receipt of its own. What marks a WhatsApp message as read is `show_typing`."""

    def list_messages(self, account: Account, *, since: datetime, until: datetime) -> Iterator[ListedMessage]:
        """The channel's messages between the moments, both ways, oldest first. Raises SendError on the way."""
        return listing.messages(account, since=since, until=until)

    def webhooks(self, account: Account, *, inbound_url: str, status_url: str) -> Sequence[WebhookAddress]:
        """Which addresses Twilio needs and what stands there now; never raises for what it can't see."""
        return hooks.webhooks(account, inbound_url=inbound_url, status_url=status_url)

    def webhooks_to_enter(self, *, inbound_url: str, status_url: str) -> Sequence[WebhookAddress]:
        """The addresses with Twilio's options for another try behind them."""
        return hooks.to_enter(inbound_url=inbound_url, status_url=status_url)

    def webhook_place(self, kind: Kind, address: str, ids: AccountIds) -> str:
        """The way through Twilio's console."""
        return hooks.place(kind, address, has_service=bool(ids.messaging_service_id))

    @property
    def checks_signatures(self) -> bool:
        return bool(settings.TWILIO_VALIDATE_SIGNATURE)

    def route(self, request: WebhookRequest) -> WebhookRoute:
        """By the address, else the messaging service, else the account that the form names."""
        return webhooks.route(request)

    def verify(self, proof: Proof, body: bytes, credentials: Mapping[str, object]) -> bool:
        """Whether the request carries Twilio's signature, made with the account's auth token. Never raises."""
        return webhooks.verify(proof, body, credentials)

    def parse(self, delivery_type: str, body: bytes, *, kind: str) -> ReceivedMessage | StatusUpdate:
        """A form of Twilio's; it says itself of which kind it is. Raises InvalidPayload."""
        return webhooks.parse(delivery_type, body)

    def webhook_reply(self) -> WebhookReply:
        """TwiML that asks for nothing."""
        return webhooks.REPLY

    def account_ids(self, credentials: Mapping[str, object]) -> AccountIds:
        return webhooks.account_ids(credentials)

    def sender_rate(self, address: str) -> float | None:
        """Of the sandbox, which all accounts share; the others are as fast as their kind."""
        return check.SANDBOX_RATE if address == check.SANDBOX else None


def _result(created: MessageInstance) -> SendResult:
    sid = created.sid
    if not isinstance(sid, str) or not _MESSAGE_SID.fullmatch(sid):
        raise SendUnconfirmed("Twilio's answer names no message; it may have taken it.")
    if OUR_STATUS.get(created.status) == FAILED:
        meaning = errors.explain(str(created.error_code or ""))
        raise SendError(str(created.error_code or "failed"), meaning.message, meaning.retry)
    return SendResult(provider_message_id=sid, status=OUR_STATUS.get(created.status, "sent"))
