"""A Twilio account as the library wants it."""

from __future__ import annotations

import re

from twilio.rest import Client

from messaging.channels.base import Account, Kind, Retry, SendError
from messaging.channels.twilio import errors
from messaging.channels.twilio.http import pooled_client

WHATSAPP_PREFIX = "whatsapp:"

_ACCOUNT_SID = re.compile(r"AC[0-9a-fA-F]{32}")
_SERVICE_SID = re.compile(r"MG[0-9a-fA-F]{32}")


def client_for(account: Account, *, seconds: float | None = None) -> Client:
    """The library's client with the account's credentials; the connections beneath are shared. Raises SendError.

    `seconds` makes the time-out of each request shorter than the settings'.
    """
    # An environment of its own: the settings are the one place where the process's is read.
    return Client(*credentials(account), http_client=pooled_client(seconds), environment={"": ""})


def credentials(account: Account) -> tuple[str, str]:
    """Account SID and auth token. Raises SendError; the SID stands in paths, so it has to look like one."""
    sid, token = str(account.credentials.get("account_sid", "")), str(account.credentials.get("auth_token", ""))
    if not _ACCOUNT_SID.fullmatch(sid) or not token:
        raise SendError(
            "credentials",
            "The channel has no valid account SID (AC and 32 characters) or no auth token. Tell the administrators.",
            Retry.FIX,
        )
    return sid, token


def channel_address(kind: Kind, address: str) -> str:
    """An address as Twilio writes it: `whatsapp:` before a number or a user id, a bare number for SMS."""
    return f"{WHATSAPP_PREFIX}{address}" if kind is Kind.WHATSAPP else address


def messaging_service_sid(account: Account) -> str:
    """The account's messaging service, or empty. Raises SendError for what is not one."""
    sid = str(account.credentials.get("messaging_service_sid") or "")
    if sid and not _SERVICE_SID.fullmatch(sid):
        raise errors.known_refusal("21701")
    return sid


def sender(account: Account) -> dict[str, str]:
    """Who a message leaves from, as arguments of the library. Raises SendError."""
    if service := messaging_service_sid(account):
        return {"messaging_service_sid": service}
    if not account.address:
        raise errors.known_refusal("21603")
    return {"from_": channel_address(account.kind, account.address)}
