"""A provider that sends nothing: messages go to a phone and a mailbox in the browser.

It is a provider like any other. What it does with a message is data in the account's settings, so that every failure
can be seen without an account anywhere: `behaviours` maps an address, or `*` for all, to an outcome and its delay in
seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from messaging.channels import kinds, mime
from messaging.channels.abilities import MESSAGE, ContentTemplate
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
    Retry,
    SendError,
    SendResult,
    SendUnconfirmed,
    SentMessage,
    StatusUpdate,
)
from messaging.channels.fields import decoded
from messaging.channels.simulator import content, mailbox, payload, presence
from messaging.channels.simulator.outcomes import MEANINGS, Behaviour, behaviour_for


class SimulatorProvider:
    """WhatsApp, SMS and e-mail that never leave this installation."""

    key = "simulator"
    label = "Simulator"
    kinds: Mapping[Kind, Capabilities] = MappingProxyType(
        {
            Kind.WHATSAPP: kinds.WHATSAPP,
            Kind.SMS: replace(kinds.SMS, rate_per_second=kinds.WHATSAPP.rate_per_second),  # no network to wait for
            Kind.EMAIL: replace(kinds.EMAIL, has_read_receipts=True, has_delivery_receipts=True),
        }
    )

    starting_channels: Mapping[Kind, tuple[str, str]] = MappingProxyType(
        {
            Kind.WHATSAPP: ("WhatsApp simulator", "+447700900000"),
            Kind.SMS: ("SMS simulator", "+447700900000"),
            Kind.EMAIL: ("E-mail simulator", "hello@{slug}.example"),
        }
    )

    def credential_fields(self, kind: Kind) -> Sequence[CredentialField]:
        return ()

    def send(self, account: Account, message: OutgoingMessage) -> SendResult:
        """Do what is set for the recipient. An e-mail that arrives is also written to a file under DATA_DIR/mail."""
        behaviour = behaviour_for(account, message.to)
        outcome = behaviour.outcome
        self._refuse_unfit(account, message)
        if account.kind is Kind.EMAIL:
            _keep_mail(account, message, has_arrived=outcome.has_arrived)
        if outcome.is_unconfirmed:
            raise SendUnconfirmed("The simulator did not answer; it may have taken the message.")
        if outcome.error_code and not outcome.statuses:
            raise _refusal(outcome.error_code, behaviour)
        return SendResult(provider_message_id=_provider_id(account, message), later=outcome.later(behaviour.delay))

    def find_sent(self, account: Account, message: OutgoingMessage, *, since: datetime) -> Sequence[SentMessage] | None:
        """The message, where "no answer, but it arrived" is set for its recipient; else nothing.

        Empty is right for the other outcomes too: where the caller died before the answer, nobody received the message.
        """
        outcome = behaviour_for(account, message.to).outcome
        if not (outcome.is_unconfirmed and outcome.has_arrived):
            return []
        result = SentMessage(_provider_id(account, message), message.to, message.body, "delivered", datetime.now(UTC))
        return [result]

    def check(self, account: Account) -> Sequence[Problem]:
        """Whether mail can be written to its folder; the rest can't fail."""
        if account.kind is not Kind.EMAIL:
            return []
        try:
            mailbox.folder().mkdir(parents=True, exist_ok=True)
        except OSError:
            return [
                Problem("disk", f"Mail can't be written to {mailbox.folder()}. Check DATA_DIR and its permissions.")
            ]
        return []

    def list_content(self, account: Account) -> Sequence[ContentTemplate]:
        """Templates in every state of approval, for WhatsApp."""
        return content.TEMPLATES if account.kind is Kind.WHATSAPP else ()

    def template_id_problem(self, template_id: str) -> str:
        return content.id_problem(template_id)

    def parse(self, delivery_type: str, body: bytes, *, kind: str) -> ReceivedMessage | StatusUpdate:
        """What the phone and the mailbox in the browser wrote. Raises InvalidPayload."""
        if delivery_type != MESSAGE:
            raise InvalidPayload("The simulator writes messages only.")
        return payload.parse_inbound(decoded(body))

    def copies_of(self, kind: Kind, message_id: str) -> Sequence[Path]:
        """A mail's file."""
        return [mailbox.folder() / mailbox.name_of(message_id)] if kind is Kind.EMAIL else []

    def show_typing(self, account: Account, provider_message_id: str) -> None:
        """The phone shows it for a while; it counts as read."""
        presence.note_typing(provider_message_id)
        presence.note_read(provider_message_id)

    def mark_read(self, account: Account, provider_message_id: str) -> None:
        presence.note_read(provider_message_id)

    def explain(self, error_code: str) -> ErrorMeaning:
        return MEANINGS.get(error_code) or ErrorMeaning(
            Retry.LATER, f"The simulator could not deliver the message. {AGAIN}"
        )

    def _refuse_unfit(self, account: Account, message: OutgoingMessage) -> None:
        longest = self.kinds[account.kind].max_length
        if len(message.body) > longest:
            detail = f"The text is longer than {longest} characters. Shorten it or send it in parts."
            raise SendError("too_long", detail, Retry.FIX)


def _keep_mail(account: Account, message: OutgoingMessage, *, has_arrived: bool) -> None:
    mail = mime.compose(account, message)  # a mail that can't be written is refused, wherever it would have gone
    if not has_arrived:
        return
    try:
        mailbox.write(message.id, mail)
    except OSError as error:
        raise SendError("disk", MEANINGS["disk"].message, MEANINGS["disk"].retry) from error


def _refusal(code: str, behaviour: Behaviour) -> SendError:
    meaning = MEANINGS[code]
    retry_after = behaviour.delay if meaning.retry is Retry.BACKOFF else None
    return SendError(code, meaning.message, meaning.retry, retry_after=retry_after)


def _provider_id(account: Account, message: OutgoingMessage) -> str:
    """The provider's id: computed from the message, so that it can be looked up without a store."""
    if account.kind is Kind.EMAIL:
        return mime.message_id(account, message)
    return f"sim-{message.id}"
