"""Trying a Twilio account without sending anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from twilio.rest import Client

from messaging.channels.base import Account, Kind, Problem, SendError
from messaging.channels.twilio.account import channel_address, client_for, messaging_service_sid
from messaging.channels.twilio.calls import UNREADABLE, complete, records
from messaging.channels.twilio.http import NoAnswer, NotConnected, NotTrusted, Refused, Unsendable

SANDBOX: Final = "+14155238886"  # Twilio's shared WhatsApp sandbox: on every account and in no account's list
SANDBOX_RATE: Final = 1 / 3  # messages a second that it takes
PAGE_SIZE: Final = 100
MAX_PAGES: Final = 20


def problems(account: Account) -> list[Problem]:
    """What is wrong with the account, in plain words with the next step; empty when all is well."""
    try:
        client = client_for(account)
        service = messaging_service_sid(account)
    except SendError as error:
        return [Problem(error.code, error.message)]
    result = _problems_of(lambda: _account(client), "account")
    if result:
        return result
    if service:
        return _problems_of(lambda: _service(client, service), "messaging_service")
    if not account.address:
        return [Problem("address", "The channel has no number. Enter the number that messages leave from.")]
    if account.kind is Kind.WHATSAPP:
        return _problems_of(lambda: _whatsapp_sender(client, account), "address")
    return _problems_of(lambda: _number(client, account), "address")


def _problems_of(question: Callable[[], list[Problem]], subject: str) -> list[Problem]:
    try:
        return question()
    except Refused as refused:
        return [_refused(refused, subject)]
    except NotTrusted:
        detail = "The certificate of Twilio's server is not valid from here. Check this server's clock and proxy."
        return [Problem("certificate", detail)]
    except (NotConnected, NoAnswer):
        detail = "Twilio could not be reached. Check this server's way to the internet, then try again."
        return [Problem("connection", detail)]
    except (Unsendable, *UNREADABLE):
        return [Problem("unreadable", "Twilio's answer could not be read. Try again later.")]


def _refused(refused: Refused, subject: str) -> Problem:
    if refused.status == 429 or refused.status >= 500:
        return Problem("connection", "Twilio is busy or has a trouble of its own. Try again later.")
    if subject == "account":
        detail = (
            "Twilio does not accept this account SID with this auth token. Copy both again from the Twilio console."
        )
        return Problem("credentials", detail)
    if subject == "messaging_service" and refused.status == 404:
        detail = (
            "The account has no such messaging service. Copy its SID again, or leave it empty to send from the number."
        )
        return Problem("messaging_service", detail)
    detail = f"The account is accepted, but Twilio did not let us look up the sender (error {refused.code})."
    return Problem(subject, f"{detail} Send a message to yourself to try it.")


def _account(client: Client) -> list[Problem]:
    record = complete(client.api.v2010.accounts(client.account_sid).fetch(), "status")
    if record.status == "active":
        return []
    return [Problem("account", f"The Twilio account is {record.status}. Look at the Twilio console to make it active.")]


def _service(client: Client, sid: str) -> list[Problem]:
    complete(client.messaging.v1.services(sid).fetch())
    return []


def _number(client: Client, account: Account) -> list[Problem]:
    first = client.incoming_phone_numbers.page(phone_number=account.address, page_size=1)
    number = next(records(first, "incoming_phone_numbers", most=MAX_PAGES), None)
    if number is None:
        detail = (
            f"The account has no number {account.address}. Check the channel's address, or buy the number at Twilio."
        )
        return [Problem("address", detail)]
    capabilities = number.capabilities
    sends = capabilities.get("sms") if isinstance(capabilities, dict) else getattr(capabilities, "sms", True)
    if not sends:
        return [
            Problem("address", f"The number {account.address} can't send SMS. Choose another number of the account.")
        ]
    return []


def _whatsapp_sender(client: Client, account: Account) -> list[Problem]:
    if account.address == SANDBOX:
        return []
    own_id = channel_address(Kind.WHATSAPP, account.address)
    first = client.messaging.v2.channels_senders.page(channel="whatsapp", page_size=PAGE_SIZE)
    for sender in records(first, "senders", most=MAX_PAGES, required=("sid", "sender_id", "status")):
        if sender.sender_id == own_id:
            return _sender_state(str(sender.status), account)
    detail = f"{account.address} is not a WhatsApp sender of this account. Check the address, or register it at Twilio."
    return [Problem("address", detail)]


def _sender_state(status: str, account: Account) -> list[Problem]:
    if status.upper().startswith("ONLINE"):
        return []
    detail = f"The WhatsApp sender {account.address} is not online at Twilio (it is {status.lower()})."
    return [Problem("address", f"{detail} Look at it in the Twilio console.")]
