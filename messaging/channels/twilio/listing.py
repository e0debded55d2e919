"""Twilio's own list of a channel's messages: those to one recipient, and all of a time range, both ways."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from typing import Final
from urllib.parse import urlencode

from twilio.base.page import Page
from twilio.rest import Client
from twilio.rest.api.v2010.account.message import MessageInstance

from messaging.channels.abilities import ListedMessage
from messaging.channels.base import Account, Kind, OutgoingMessage, SentMessage
from messaging.channels.text import clean
from messaging.channels.twilio.account import (
    WHATSAPP_PREFIX,
    channel_address,
    client_for,
    messaging_service_sid,
    sender,
)
from messaging.channels.twilio.calls import pages, reading, records
from messaging.channels.twilio.http import Refused
from messaging.channels.twilio.payload import OUR_STATUS

PAGE_SIZE = 200
MAX_PAGES = 5  # of one recipient's messages
MAX_PAGES_A_WINDOW: Final = 2000
MAX_MEDIA: Final = 20  # of one message; Twilio takes ten
WINDOW: Final = timedelta(hours=12)  # what is held at once, so that the oldest can come first
CLOCK_SLACK = timedelta(seconds=5)  # Twilio's clock against ours, and its dates without fractions of a second
LIST: Final = "messages"
NEEDED: Final = ("sid", "direction", "status")
MEDIA_HOST: Final = "https://api.twilio.com"


def find_sent(account: Account, message: OutgoingMessage, *, since: datetime) -> Sequence[SentMessage]:
    """The outbound messages of this account to this recipient, created since then (less CLOCK_SLACK), newest first.

    A message that waits at Twilio has no DateSent yet, and a filter by DateSent may leave it out: so the recipient's
    newest are asked for without that filter too. At most MAX_PAGES + 1 pages of PAGE_SIZE are read.
    """
    client = client_for(account)
    since = since.astimezone(UTC) - CLOCK_SLACK
    to = channel_address(account.kind, message.to)
    with reading():
        dated = _newest(client.messages.page(to=to, date_sent_after=since, page_size=PAGE_SIZE), most=MAX_PAGES)
        newest = _newest(client.messages.page(to=to, page_size=PAGE_SIZE), most=1)
        results = {
            record.sid: _match(record)
            for record in chain(dated, newest)
            if _is_from(record, account) and _at(record.date_created) >= since
        }
    return sorted(results.values(), key=lambda one: _at(one.created_at), reverse=True)


def messages(account: Account, *, since: datetime, until: datetime) -> Iterator[ListedMessage]:
    """Every message of the channel from `since` to `until`, to the second, both ways, oldest first, each once.

    A window of time is asked for when the one before it was used up; of an inbound message with files they are asked
    for too. Those that wait at Twilio unsent stand at the time they were made; only the newest PAGE_SIZE messages are
    looked through for them. Raises SendError while it is gone through.
    """
    client = client_for(account)
    sender(account)  # a channel without a number or a service has no messages of its own
    start, until = since.astimezone(UTC).replace(microsecond=0), until.astimezone(UTC)
    with reading():
        waiting = _waiting(client, account)
    known_ids: set[str] = set()
    while start < until:
        end = min(start + WINDOW, until)
        with reading():
            records = chain(_dated(client, account, start, end), waiting)
            results = {one.sid: one for one in records if start <= _moment(one) <= end and one.sid not in known_ids}
        for record in sorted(results.values(), key=_moment):
            with reading():
                listed = _listed(client, record)
            yield listed
        # A second may lie in two windows, and one that waits may be sent meanwhile.
        known_ids = {*results, *(one.sid for one in waiting if one.sid in known_ids)}
        start = end


def _newest(first: Page, *, most: int) -> Iterator[MessageInstance]:
    """The messages of the first so many pages."""
    return (record for page in islice(pages(first, LIST, most=most + 1, required=NEEDED), most) for record in page)


def _waiting(client: Client, account: Account) -> list[MessageInstance]:
    """Those of the newest messages that have no DateSent yet, which a filter by it leaves out."""
    if messaging_service_sid(account):
        page = client.messages.page(page_size=PAGE_SIZE)
    else:
        page = client.messages.page(from_=channel_address(account.kind, account.address), page_size=PAGE_SIZE)
    return [record for record in _newest(page, most=1) if record.date_sent is None and _is_from(record, account)]


def _dated(client: Client, account: Account, start: datetime, end: datetime) -> Iterator[MessageInstance]:
    """What was sent or received in this time. Who sends for a messaging service is Twilio's choice: no filter by it."""
    address = channel_address(account.kind, account.address)
    if messaging_service_sid(account):
        queries: list[dict[str, str]] = [{}]
    else:
        queries = [{"to": address}, {"from_": address}]
    for query in queries:
        first = client.messages.page(**query, date_sent_after=start, date_sent_before=end, page_size=PAGE_SIZE)
        listed_records = records(first, LIST, most=MAX_PAGES_A_WINDOW, required=NEEDED)
        yield from (record for record in listed_records if _is_from(record, account) or _is_to(record, account))


def _listed(client: Client, record: MessageInstance) -> ListedMessage:
    is_inbound = not _is_outbound(record)
    fields = _inbound_fields(client, record) if is_inbound else _outbound_fields(record)
    return ListedMessage(
        provider_message_id=record.sid,
        is_inbound=is_inbound,
        other=str((record.from_ if is_inbound else record.to) or "").removeprefix(WHATSAPP_PREFIX),
        body=clean(record.body or ""),
        at=_moment(record),
        status="" if is_inbound else OUR_STATUS.get(record.status, "sent"),
        raw_status=str(record.status or ""),
        error_code=str(record.error_code or ""),
        webhook=urlencode([(name, clean(str(value))) for name, value in fields]).encode(),
    )


def _inbound_fields(client: Client, record: MessageInstance) -> list[tuple[str, object]]:
    media = _media(client, record)
    service = [("MessagingServiceSid", record.messaging_service_sid)] if record.messaging_service_sid else []
    return [
        ("MessageSid", record.sid),
        ("SmsMessageSid", record.sid),
        ("AccountSid", record.account_sid or ""),
        *service,
        ("From", record.from_ or ""),
        ("To", record.to or ""),
        ("Body", record.body or ""),
        ("NumMedia", len(media)),
        *(field for number, (url, kind) in enumerate(media) for field in _media_fields(number, url, kind)),
    ]


def _media_fields(number: int, url: str, content_type: str) -> list[tuple[str, object]]:
    return [(f"MediaUrl{number}", url), (f"MediaContentType{number}", content_type)]


def _media(client: Client, record: MessageInstance) -> list[tuple[str, str]]:
    """Address and type of each file, as a webhook names them; none where they were deleted since."""
    if str(record.num_media or "0") == "0":
        return []
    try:
        first = client.messages(record.sid).media.page(page_size=MAX_MEDIA)
        files = list(islice(records(first, "media_list", most=2), MAX_MEDIA))
    except Refused as refused:
        if refused.status in (404, 410):
            return []
        raise
    folder = f"{MEDIA_HOST}/2010-04-01/Accounts/{client.account_sid}/Messages/{record.sid}/Media"
    return [(f"{folder}/{file.sid}", file.content_type or "") for file in files]


def _outbound_fields(record: MessageInstance) -> list[tuple[str, object]]:
    error = [("ErrorCode", record.error_code)] if record.error_code else []
    return [
        ("MessageSid", record.sid),
        ("MessageStatus", record.status or ""),
        *error,
        ("AccountSid", record.account_sid or ""),
        ("From", record.from_ or ""),
        ("To", record.to or ""),
    ]


def _match(record: MessageInstance) -> SentMessage:
    return SentMessage(
        provider_message_id=record.sid,
        to=(record.to or "").removeprefix(WHATSAPP_PREFIX),
        body=record.body or "",
        status=OUR_STATUS.get(record.status, "sent"),
        created_at=record.date_created if isinstance(record.date_created, datetime) else None,
        error_code=str(record.error_code or ""),
    )


def _is_outbound(record: MessageInstance) -> bool:
    return str(record.direction or "").startswith("outbound")


def _is_from(record: MessageInstance, account: Account) -> bool:
    """Whether the channel sent it. Through a messaging service the sender is Twilio's choice, and empty at first."""
    if not isinstance(record.sid, str) or not _is_outbound(record) or not _is_kind(record.to, account):
        return False
    if service := messaging_service_sid(account):
        return bool(record.messaging_service_sid == service)
    return bool(record.from_ == channel_address(account.kind, account.address))


def _is_to(record: MessageInstance, account: Account) -> bool:
    """Whether the channel received it: by its address, and where it has none by its messaging service."""
    if not isinstance(record.sid, str) or _is_outbound(record) or not _is_kind(record.from_, account):
        return False
    if account.address:
        return bool(record.to == channel_address(account.kind, account.address))
    service = messaging_service_sid(account)
    return bool(service and record.messaging_service_sid == service)


def _is_kind(address: object, account: Account) -> bool:
    return str(address or "").startswith(WHATSAPP_PREFIX) == (account.kind is Kind.WHATSAPP)


def _moment(record: MessageInstance) -> datetime:
    """The moment it was sent, else created."""
    return record.date_sent if isinstance(record.date_sent, datetime) else _at(record.date_created)


def _at(moment: object) -> datetime:
    """A record's time; one that can't be read counts as now, so that the record is not overlooked."""
    return moment if isinstance(moment, datetime) else datetime.now(UTC)
