"""Messages from outside: kept in the list as Twilio keeps them, and told of as its webhook would."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from tests.fakes.twilio.media import File
from tests.fakes.twilio.store import ACCOUNT_SID, API_VERSION, Message


def received(
    *,
    sender: str,
    to: str,
    body: str,
    files: Sequence[File] = (),
    at: datetime | None = None,
    account: str = ACCOUNT_SID,
    service: str | None = None,
) -> Message:
    """A message from `sender` (`whatsapp:+…`, `whatsapp:US.…` or `+…`) to one of the account's addresses."""
    moment = at or datetime.now(UTC)
    return Message(
        account,
        to,
        sender,
        body,
        messaging_service_sid=service,
        direction="inbound",
        status="received",
        created_at=moment,
        sent_at=moment,
        updated_at=moment,
        files=list(files),
    )


def webhook(message: Message, **more: str) -> dict[str, str]:
    """The parameters of Twilio's call for this message, and more of them."""
    params = {
        "AccountSid": message.account_sid,
        "ApiVersion": API_VERSION,
        "Body": message.body,
        "From": message.sender or "",
        "MessageSid": message.sid,
        "NumMedia": str(len(message.files)),
        "NumSegments": "1",
        "SmsMessageSid": message.sid,
        "SmsSid": message.sid,
        "SmsStatus": "received",
        "To": message.to,
    }
    for number, file in enumerate(message.files):
        params |= {f"MediaUrl{number}": file.url(message), f"MediaContentType{number}": file.content_type}
    if message.messaging_service_sid:
        params["MessagingServiceSid"] = message.messaging_service_sid
    if params["From"].startswith("whatsapp:+"):
        params["WaId"] = params["From"].removeprefix("whatsapp:+")
    return params | more
