"""WhatsApp and SMS through Twilio's Messages resource."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import chain
from types import MappingProxyType
from typing import Any, Final

from twilio.base.exceptions import TwilioException

from messaging.channels import kinds
from messaging.channels.base import (
    Account,
    Capabilities,
    CredentialField,
    ErrorMeaning,
    FoundMessage,
    Kind,
    OutgoingMessage,
    Problem,
    Retry,
    SendError,
    SendResult,
    SendUnconfirmed,
)
from messaging.channels.twilio import errors
from messaging.channels.twilio.account import (
    WHATSAPP_PREFIX,
    channel_address,
    client_for,
    messaging_service_sid,
    sender,
)
from messaging.channels.twilio.check import problems
from messaging.channels.twilio.http import NoAnswer, NotConnected, NotTrusted, Refused, Unsendable
from messaging.channels.twilio.payload import FAILED, OUR_STATUS

PAGE_SIZE = 200
MOST_PAGES = 5
CLOCK_SLACK = timedelta(seconds=5)  # Twilio's clock against ours, and its dates without fractions of a second

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
    kinds: Mapping[Kind, Capabilities] = MappingProxyType({Kind.WHATSAPP: kinds.WHATSAPP, Kind.SMS: kinds.SMS})

    def credential_fields(self, kind: Kind) -> Sequence[CredentialField]:
        return _CREDENTIALS

    def send(self, account: Account, message: OutgoingMessage) -> SendResult:
        """Create a Message. A text that is empty or over 1600 characters is refused before a request.

        Nothing left, or Twilio refused: SendError. A time-out, a lost connection, a 5xx or an unreadable answer:
        SendUnconfirmed.
        """
        client = client_for(account)
        self._refuse_unfit(account, message)
        callback = {"status_callback": message.status_callback_url} if message.status_callback_url else {}
        with _sending():
            created = client.messages.create(
                to=channel_address(account.kind, message.to), body=message.body, **sender(account), **callback
            )
            return _result(created)

    def find_sent(
        self, account: Account, message: OutgoingMessage, *, since: datetime
    ) -> Sequence[FoundMessage] | None:
        """The outbound messages of this account to this recipient, created since then (less CLOCK_SLACK), newest first.

        A message that waits at Twilio has no DateSent yet, and a filter by DateSent may leave it out: so the
        recipient's newest are asked for without that filter too. At most MOST_PAGES + 1 pages of PAGE_SIZE are read.
        """
        client = client_for(account)
        since = since.astimezone(UTC) - CLOCK_SLACK
        to = channel_address(account.kind, message.to)
        with _asking():
            dated = client.messages.stream(
                to=to, date_sent_after=since, page_size=PAGE_SIZE, limit=MOST_PAGES * PAGE_SIZE
            )
            newest = client.messages.stream(to=to, page_size=PAGE_SIZE, limit=PAGE_SIZE)
            found = {
                record.sid: _found(record)
                for record in chain(dated, newest)
                if _is_ours(record, account) and _at(record.date_created) >= since
            }
        return sorted(found.values(), key=lambda one: _at(one.created_at), reverse=True)

    def check(self, account: Account) -> Sequence[Problem]:
        """Whether the credentials are accepted, the account is active and the channel's address belongs to it."""
        return problems(account)

    def explain(self, error_code: str) -> ErrorMeaning:
        return errors.explain(error_code)

    def _refuse_unfit(self, account: Account, message: OutgoingMessage) -> None:
        if not message.to:
            raise errors.known_refusal("21604")
        if not message.body.strip():
            raise errors.known_refusal("21602")
        if len(message.body) > self.kinds[account.kind].max_length:
            raise errors.known_refusal("21617")


@contextmanager
def _asking() -> Iterator[None]:
    """Every failure of a question that changes nothing as a SendError."""
    try:
        yield
    except Refused as refused:
        refusal = errors.refusal(refused.status, refused.code, refused.retry_after)
        if isinstance(refusal, SendError):
            raise refusal from refused
        raise SendError(refused.code, "Twilio has a trouble of its own. Try again later.", Retry.LATER) from refused
    except NotTrusted as error:
        raise _not_trusted() from error
    except (NotConnected, NoAnswer) as error:
        raise _not_connected() from error
    except (Unsendable, TwilioException, ValueError, LookupError, TypeError, AttributeError) as error:
        raise SendError("unreadable", "Twilio's answer could not be read. Try again later.", Retry.LATER) from error


@contextmanager
def _sending() -> Iterator[None]:
    """Every failure of a send as a SendError when nothing left or Twilio refused, else as SendUnconfirmed."""
    try:
        yield
    except Refused as refused:
        raise errors.refusal(refused.status, refused.code, refused.retry_after) from refused
    except NotTrusted as error:
        raise _not_trusted() from error
    except NotConnected as error:
        raise _not_connected() from error
    except Unsendable as error:
        message = "The text holds characters that can't be sent. Remove them and send it again."
        raise SendError("text", message, Retry.FIX) from error
    except NoAnswer as error:
        raise SendUnconfirmed("Twilio did not answer in time; it may have taken the message.") from error
    except (TwilioException, ValueError, LookupError, TypeError, AttributeError) as error:
        raise SendUnconfirmed("Twilio's answer could not be read; it may have taken the message.") from error


def _not_connected() -> SendError:
    return SendError("connection", "Twilio could not be reached. It will be tried again by itself.", Retry.LATER)


def _not_trusted() -> SendError:
    message = "Twilio's certificate is not valid from here. Ask an administrator to check the server's clock and proxy."
    return SendError("certificate", message, Retry.FIX)


def _result(created: Any) -> SendResult:
    sid = created.sid
    if not isinstance(sid, str) or not _MESSAGE_SID.fullmatch(sid):
        raise SendUnconfirmed("Twilio's answer names no message; it may have taken it.")
    if OUR_STATUS.get(created.status) == FAILED:
        meaning = errors.explain(str(created.error_code or ""))
        raise SendError(str(created.error_code or "failed"), meaning.message, meaning.retry)
    return SendResult(provider_message_id=sid, status=OUR_STATUS.get(created.status, "sent"))


def _found(record: Any) -> FoundMessage:
    return FoundMessage(
        provider_message_id=record.sid,
        to=(record.to or "").removeprefix(WHATSAPP_PREFIX),
        body=record.body or "",
        status=OUR_STATUS.get(record.status, "sent"),
        created_at=record.date_created if isinstance(record.date_created, datetime) else None,
        error_code=str(record.error_code or ""),
    )


def _is_ours(record: Any, account: Account) -> bool:
    """Whether the channel sent it. Through a messaging service the sender is Twilio's choice, and empty at first."""
    if not str(record.direction or "").startswith("outbound"):
        return False
    if service := messaging_service_sid(account):
        return bool(record.messaging_service_sid == service)
    return bool(record.from_ == channel_address(account.kind, account.address))


def _at(moment: object) -> datetime:
    """A record's time; one that can't be read counts as now, so that the record is not overlooked."""
    return moment if isinstance(moment, datetime) else datetime.now(UTC)
