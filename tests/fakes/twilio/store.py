"""What the stand-in remembers: messages, requests and how often each text was created for each recipient."""

from __future__ import annotations

import itertools
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from tests.fakes.twilio.media import File

ACCOUNT_SID = "AC" + "0" * 31 + "1"
AUTH_TOKEN = "token-of-the-stand-in"
API_VERSION = "2010-04-01"

# The resource shows the furthest that a message came, in whatever order it is told.
_RANK = {"accepted": 0, "queued": 0, "sending": 1, "sent": 2, "delivered": 3, "read": 4, "undelivered": 5, "failed": 5}


@dataclass
class Message:
    account_sid: str
    to: str
    sender: str | None
    body: str
    messaging_service_sid: str | None = None
    status_callback: str = ""
    sid: str = field(default_factory=lambda: f"SM{uuid.uuid4().hex}")
    direction: str = "outbound-api"
    status: str = "queued"
    error_code: int | None = None
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    sent_at: datetime | None = None  # as at Twilio: none while the message waits
    updated_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    files: list[File] = field(default_factory=list)
    # Billed some time after it was sent; a negative number as a text, as at Twilio.
    price: str | None = None
    price_unit: str | None = None
    num_segments: str = "1"

    def become(self, status: str, error_code: int | None = None) -> None:
        self.updated_at = datetime.now(UTC)
        if _RANK.get(status, 5) >= _RANK["sent"] and self.sent_at is None:
            self.sent_at = self.updated_at
        if _RANK.get(status, 5) > _RANK.get(self.status, 5):
            self.status = status
            self.error_code = error_code if status in ("failed", "undelivered") else None

    def resource(self) -> dict[str, Any]:
        """As api.v2010.account.message of the OpenAPI document."""
        uri = f"/{API_VERSION}/Accounts/{self.account_sid}/Messages/{self.sid}"
        return {
            "account_sid": self.account_sid,
            "api_version": API_VERSION,
            "body": self.body,
            "date_created": rfc2822(self.created_at),
            "date_sent": rfc2822(self.sent_at),
            "date_updated": rfc2822(self.updated_at),
            "direction": self.direction,
            "error_code": self.error_code,
            "error_message": "Failed" if self.error_code else None,
            "from": self.sender,
            "messaging_service_sid": self.messaging_service_sid,
            "num_media": str(len(self.files)),
            "num_segments": self.num_segments,
            "price": self.price,
            "price_unit": self.price_unit,
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": self.to,
            "uri": f"{uri}.json",
        }


class Store:
    """Safe for many threads. `creates` counts messages that exist, `requests` keeps every create that was asked for."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.clear()

    def clear(self) -> None:
        with self._lock:
            self._messages: dict[str, Message] = {}
            self.creates: Counter[tuple[str, str]] = Counter()
            self.requests: list[dict[str, Any]] = []

    def requested(self, form: Mapping[str, Any]) -> None:
        with self._lock:
            self.requests.append(dict(form))

    def add(self, message: Message) -> Message:
        with self._lock:
            self._messages[message.sid] = message
            self.creates[message.to, message.body] += 1
        return message

    def keep(self, message: Message) -> Message:
        """A message that nobody created through the API."""
        with self._lock:
            self._messages[message.sid] = message
        return message

    def get(self, sid: str) -> Message | None:
        return self._messages.get(sid)

    def all(self) -> list[Message]:
        with self._lock:
            return list(self._messages.values())

    def become(self, message: Message, status: str, error_code: int | None) -> None:
        with self._lock:
            message.become(status, error_code)

    def listed(self, account_sid: str, query: Mapping[str, str]) -> list[Message]:
        """Newest first. As in SQL, a message that waits has no DateSent and is in no range of it."""
        found: Iterable[Message] = (one for one in reversed(self.all()) if one.account_sid == account_sid)
        if to := query.get("To"):
            found = (one for one in found if one.to == to)
        if sender := query.get("From"):
            found = (one for one in found if one.sender == sender)
        return [one for one in found if _is_in_range(one, query)]


def page(messages: list[Message], path: str, query: Mapping[str, str]) -> dict[str, Any]:
    """One page of ListMessageResponse."""
    return paged("messages", (message.resource() for message in messages), path, query)


def paged(key: str, resources: Iterable[dict[str, Any]], path: str, query: Mapping[str, str]) -> dict[str, Any]:
    """One page of a list of the 2010 API."""
    size = min(max(int(query.get("PageSize", 50)), 1), 1000)
    number = max(int(query.get("Page", 0)), 0)
    start = number * size
    part = list(itertools.islice(resources, start, start + size + 1))
    return {
        "end": start + max(min(len(part), size) - 1, 0),
        "first_page_uri": _page_uri(path, query, size, 0),
        key: part[:size],
        "next_page_uri": _page_uri(path, query, size, number + 1) if len(part) > size else None,
        "page": number,
        "page_size": size,
        "previous_page_uri": _page_uri(path, query, size, number - 1) if number else None,
        "start": start,
        "uri": _page_uri(path, query, size, number),
    }


def meta(key: str, url: str, size: int, number: int, *, has_next: bool) -> dict[str, Any]:
    """What a list of the newer APIs says of its pages."""
    first = f"{url}?PageSize={size}&Page=0"
    return {
        "first_page_url": first,
        "key": key,
        "next_page_url": f"{url}?PageSize={size}&Page={number + 1}&PageToken=PT{number + 1}" if has_next else None,
        "page": number,
        "page_size": size,
        "previous_page_url": f"{url}?PageSize={size}&Page={number - 1}&PageToken=PT{number - 1}" if number else None,
        "url": f"{url}?PageSize={size}&Page={number}",
    }


def _page_uri(path: str, query: Mapping[str, str], size: int, number: int) -> str:
    kept = {key: value for key, value in query.items() if key not in ("Page", "PageSize", "PageToken")}
    token = {"PageToken": f"PA{number}"} if number else {}
    return f"{path}?{urlencode({**kept, 'PageSize': size, 'Page': number, **token})}"


def _is_in_range(message: Message, query: Mapping[str, str]) -> bool:
    for name in ("DateSent", "DateSent<", "DateSent>"):
        if name not in query:
            continue
        if message.sent_at is None:
            return False
        first, last = _span(query[name])
        sent_at = message.sent_at.replace(microsecond=0)
        is_after, is_before = sent_at >= first.replace(microsecond=0), sent_at <= last
        if not {"DateSent": is_after and is_before, "DateSent<": is_before, "DateSent>": is_after}[name]:
            return False
    return True


def _span(text: str) -> tuple[datetime, datetime]:
    """First and last moment of a day, or the moment itself; to the second, as Twilio keeps it."""
    if len(text) == 10:
        first = datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
        return first, first + timedelta(days=1, microseconds=-1)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = parsedate_to_datetime(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment, moment


def rfc2822(moment: datetime | None) -> str | None:
    return format_datetime(moment) if moment else None
