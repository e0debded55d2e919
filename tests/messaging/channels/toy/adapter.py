"""Toy messages: JSON over HTTP, signed with HMAC-SHA256. A whole provider, as docs/recipes.md adds one."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Final

import requests

from messaging.channels import kinds
from messaging.channels.abilities import (
    MESSAGE,
    STATUS,
    AccountIds,
    Hook,
    Proof,
    WebhookReply,
    WebhookRequest,
    WebhookRoute,
)
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
from messaging.channels.fields import MAX_BODY_LENGTH, JsonFields, decoded

HEADER: Final = "X-Toy-Signature"
SECONDS: Final = 5.0


class ToyProvider:
    key = "toy"
    label = "Toy messages"
    kinds: Mapping[Kind, Capabilities] = MappingProxyType({Kind.SMS: replace(kinds.SMS, rate_per_second=50)})
    hooks: Mapping[str, Hook] = MappingProxyType({"message": Hook(MESSAGE, Kind.SMS), "status": Hook(STATUS, Kind.SMS)})
    max_webhook_bytes = 10_000
    signing_credential = "signing key"
    checks_signatures = True

    def credential_fields(self, kind: Kind) -> Sequence[CredentialField]:
        return (
            CredentialField("url", "Address of the service"),
            CredentialField("team", "Team"),
            CredentialField("signing_key", "Signing key", is_secret=True),
        )

    def send(self, account: Account, message: OutgoingMessage) -> SendResult:
        body = {"to": message.to, "text": message.body, "report_to": message.status_callback_url}
        try:
            answer = requests.post(f"{account.credentials['url']}/messages", json=body, timeout=SECONDS)
        except requests.ConnectTimeout as error:
            raise SendError("connection", f"The toy service can't be reached. {AGAIN}", Retry.LATER) from error
        except requests.RequestException as error:
            raise SendUnconfirmed("The toy service did not answer; it may have taken the message.") from error
        if answer.status_code != 201:
            meaning = self.explain(str(answer.status_code))
            raise SendError(str(answer.status_code), meaning.message, meaning.retry)
        return SendResult(provider_message_id=str(answer.json()["id"]))

    def find_sent(self, account: Account, message: OutgoingMessage, *, since: datetime) -> Sequence[SentMessage] | None:
        return None

    def explain(self, error_code: str) -> ErrorMeaning:
        return ErrorMeaning(Retry.NEVER, "The toy service refused the message. Check the number.")

    def check(self, account: Account) -> Sequence[Problem]:
        return ()

    def route(self, request: WebhookRequest) -> WebhookRoute:
        signature = request.headers.get(HEADER, "")
        try:
            fields = JsonFields(decoded(request.body))
            return WebhookRoute(
                kind=Kind.SMS,
                address=fields.text("from" if request.hook.type == STATUS else "to"),
                account_id=fields.text("team"),
                provider_message_id=fields.text("id"),
                about=fields.text("status"),
                signature=signature,
            )
        except InvalidPayload:
            return WebhookRoute(kind=Kind.SMS, signature=signature)

    def verify(self, proof: Proof, body: bytes, credentials: Mapping[str, object]) -> bool:
        key = str(credentials.get("signing_key") or "")
        return bool(key) and hmac.compare_digest(signed(key, body).encode(), proof.signature.encode())

    def parse(self, delivery_type: str, body: bytes, *, kind: str) -> ReceivedMessage | StatusUpdate:
        fields = JsonFields(decoded(body))
        if delivery_type == STATUS:
            return StatusUpdate(fields.required("id"), fields.required("status"))
        return ReceivedMessage(
            kind=Kind.SMS,
            provider_message_id=fields.required("id"),
            to=fields.text("to"),
            sender=fields.required("from"),
            account_id=fields.text("team"),
            body=fields.text("text", longest=MAX_BODY_LENGTH),
            extra=fields.rest(),
        )

    def webhook_reply(self) -> WebhookReply:
        return WebhookReply(json.dumps({"taken": True}), "application/json")

    def account_ids(self, credentials: Mapping[str, object]) -> AccountIds:
        return AccountIds(account_id=str(credentials.get("team") or ""))


def signed(key: str, body: bytes) -> str:
    """The signature of a body, in hexadecimal."""
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
