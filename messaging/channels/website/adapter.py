"""The organization's own site: forms and chats hand messages in through the API. Nothing can be sent back this way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final

from messaging.channels.base import (
    Account,
    Capabilities,
    CredentialField,
    ErrorMeaning,
    Kind,
    OutgoingMessage,
    Problem,
    Retry,
    SendError,
    SendResult,
    SentMessage,
)

CANNOT_SEND: Final = "Nothing can be sent through a website. Write by e-mail or phone."


class WebsiteProvider:
    key = "website"
    label = "Website"
    kinds: Mapping[Kind, Capabilities] = MappingProxyType(
        {Kind.WEB: Capabilities(kind=Kind.WEB, label="Website", icon="globe", max_length=0, rate_per_second=1)}
    )

    def credential_fields(self, kind: Kind) -> Sequence[CredentialField]:
        return ()

    def send(self, account: Account, message: OutgoingMessage) -> SendResult:
        raise SendError("cannot_send", CANNOT_SEND, Retry.NEVER)

    def find_sent(self, account: Account, message: OutgoingMessage, *, since: datetime) -> Sequence[SentMessage] | None:
        return None

    def explain(self, error_code: str) -> ErrorMeaning:
        return ErrorMeaning(Retry.NEVER, CANNOT_SEND)

    def check(self, account: Account) -> Sequence[Problem]:
        return ()
