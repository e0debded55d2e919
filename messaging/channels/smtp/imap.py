"""Reading a mailbox by IMAP (RFC 3501) without leaving a trace in it: nothing is marked as seen, moved or deleted.

How far a mailbox was read is kept by others: the UID of the last mail, which counts only together with UIDVALIDITY.
"""

from __future__ import annotations

import imaplib
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, Final

from django.conf import settings

from messaging.channels.abilities import FetchedMail
from messaging.channels.base import AGAIN, Account, Retry, SendError
from messaging.channels.smtp import errors
from messaging.channels.smtp.imap_client import Box, Step, in_plain_words
from messaging.channels.smtp.servers import IncomingServer

LARGEST_HEADERS: Final = 256_000
MAX_WAIT_SECONDS: Final = 28 * 60.0  # RFC 2177 wants IDLE renewed within 29 minutes
_CHUNK: Final = 200  # sizes asked for at once; a command has to stay below 8,000 characters
_SLACK: Final = 1_000_000  # what else an answer may hold beside the mail itself
_BYTES_A_SECOND: Final = 50_000  # a line slower than this is given up

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UID = re.compile(rb"\bUID (\d{1,10})\b")
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d{1,18})\b")
_DATE = re.compile(
    rb'\bINTERNALDATE "([ \d]\d)-(\w{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)"', re.IGNORECASE
)
_QUOTED = re.compile(rb'\bBODY\[[A-Z]*\](?:<\d+>)? (NIL|"(?:[^"\\]|\\.)*")', re.IGNORECASE)


@contextmanager
def open_mailbox(account: Account) -> Iterator[Mailbox]:
    """The account's folder, to be read only; closed at the end.

    Raises SendError, here and in every call of the mailbox: FIX where somebody has to change a setting, LATER for a
    passing trouble. It never holds a credential.
    """
    server = IncomingServer.of(account)
    with in_plain_words(server, Step.CONNECT):
        box = Box(server)
    try:
        with in_plain_words(server, Step.SIGN_IN):
            box.sign_in()
        with in_plain_words(server):
            box.folder.set(server.folder, readonly=True)
            mailbox = Mailbox(server, box)
        yield mailbox
    finally:
        box.client.leave()


class Mailbox:
    """An open folder. What was read before a failure stays valid."""

    uidvalidity: int  # another number than the last time: the UIDs of before mean nothing any more
    uidnext: int  # every mail that comes after opening has this UID or a higher one

    def __init__(self, server: IncomingServer, box: Box) -> None:
        self._server = server
        self._box = box
        self._client = box.client
        self._is_answered = False  # whether the last search was
        self.uidvalidity = self._number("UIDVALIDITY") or self._status("UIDVALIDITY")
        self.uidnext = self._number("UIDNEXT") or self._status("UIDNEXT")
        if self.uidvalidity < 1 or self.uidnext < 1:
            # Both count from 1 (RFC 3501, section 9); with another number every old mail would come in as a new one.
            raise ValueError("The server does not number its mails.")
        self._forget_news()

    def fetch_after(self, uid: int, *, limit: int, largest: int) -> Iterator[FetchedMail]:
        """The mails with a higher UID, oldest first, at most `limit`; one in memory at a time.

        Of a mail with more than `largest` bytes only the headers are fetched. One that disappears meanwhile is passed
        over.
        """
        with in_plain_words(self._server):
            self._forget_news()
            # "n:*" means the last mail too where n is beyond it (RFC 3501, section 6.4.8).
            uids = [result for result in self._search(f"UID {max(uid, 0) + 1}:*") if result > uid][:limit]
        for start in range(0, len(uids), _CHUNK):
            with in_plain_words(self._server):
                chunk = uids[start : start + _CHUNK]
                sizes = self._sizes(chunk)
                self._require_missing([one for one in chunk if one not in sizes])
            for one, (size, received_at) in sorted(sizes.items()):
                yield from self._mail(one, size, received_at, largest)

    def since(self, day: date) -> list[int]:
        """The UIDs of the mails that the server got on this day or later, ascending."""
        with in_plain_words(self._server):
            result = self._search(f"SINCE {day.day}-{_MONTHS[day.month - 1]}-{day.year:04}")
            if not result and not self._is_answered:
                raise _no_answer(self._server)
            return result

    def wait(self, seconds: float) -> bool:
        """Wait until a mail comes, so long at most: whether one did. False at once where the server has no IDLE."""
        with in_plain_words(self._server):
            if "EXISTS" in self._client.untagged_responses:  # came with a reply since the mails were read
                return True
            if "IDLE" not in self._client.capabilities:
                return False
            return self._idle(min(seconds, MAX_WAIT_SECONDS))

    def _idle(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        client = self._client
        tag = client._command("IDLE")
        client.allow(_SLACK, seconds=seconds + settings.PROVIDER_TIMEOUT_SECONDS)
        is_idle = False
        while not is_idle or "EXISTS" not in client.untagged_responses:
            if is_idle and not client.reader.has_something(seconds=until - time.monotonic()):
                break
            # None is the server's word that it now waits with us; before, it answers within the time-out.
            is_idle = client._get_response() is None or is_idle
            if "BYE" in client.untagged_responses:
                raise imaplib.IMAP4.abort("the server hung up")
            if client.tagged_commands[tag] is not None:  # it offers IDLE and does not do it
                del client.tagged_commands[tag]
                return False
        client.send(b"DONE\r\n")
        self._box.consume_until_tagged_response(tag)
        return "EXISTS" in client.untagged_responses

    def _mail(self, uid: int, size: int, received_at: datetime | None, largest: int) -> Iterator[FetchedMail]:
        with in_plain_words(self._server):
            # One byte more than wanted shows a mail that is larger than the server said.
            raw = self._part(uid, "", largest + 1) if size <= largest else None
            is_missing = raw is None and size <= largest
            if raw is not None and len(raw) > largest:
                raw = None
            headers = b"" if is_missing or raw is not None else self._part(uid, "HEADER", LARGEST_HEADERS)
            if is_missing or headers is None:
                self._require_missing([uid])
        if not is_missing and headers is not None:
            yield FetchedMail(uid=uid, size=size, raw=raw, headers=headers, received_at=received_at)

    def _search(self, criteria: str) -> list[int]:
        status, data = self._client.uid("SEARCH", criteria)
        if status != "OK":
            raise imaplib.IMAP4.error(data[-1] if data else b"")
        # Without a line of its own (RFC 3501, section 7.2.5) a search has not found nothing: it was not answered.
        self._is_answered = bool(data) and data[0] is not None
        return sorted({int(uid) for line in data if line for uid in line.split()})

    def _require_missing(self, uids: Sequence[int]) -> None:
        """Raise SendError unless these mails were deleted meanwhile: an existing mail is never skipped."""
        if uids and set(self._search(f"UID {','.join(map(str, uids))}")) & set(uids):
            raise _no_answer(self._server)

    def _sizes(self, uids: Sequence[int]) -> Mapping[int, tuple[int, datetime | None]]:
        requested = set(uids)
        sizes = {}
        for line in self._fetch(",".join(map(str, uids)), "(RFC822.SIZE INTERNALDATE)"):
            text = line[0] if isinstance(line, tuple) else line
            uid, size = _UID.search(text), _SIZE.search(text)
            # Other lines are news of flags that nobody asked for.
            if uid and size and int(uid[1]) in requested:
                sizes[int(uid[1])] = (int(size[1]), _moment(text))
        return sizes

    def _part(self, uid: int, section: str, most: int) -> bytes | None:
        """The beginning of a mail or of its headers; None where the mail is gone."""
        for line in self._fetch(str(uid), f"(BODY.PEEK[{section}]<0.{most}>)", most=most):
            if isinstance(line, tuple):
                own = _UID.search(line[0])
                if b"BODY[" in line[0].upper() and (own is None or int(own[1]) == uid):
                    return bytes(line[1])
            elif match := _QUOTED.search(line):  # a very short one may come without a length
                return b"" if match[1].upper() == b"NIL" else re.sub(rb"\\(.)", rb"\1", match[1][1:-1])
        return None

    def _fetch(self, uids: str, parts: str, *, most: int = 0) -> list[Any]:
        client = self._client
        seconds = settings.PROVIDER_TIMEOUT_SECONDS + most / _BYTES_A_SECOND
        tag = client._command("UID", "FETCH", uids, parts)
        client.allow(most + _SLACK, seconds=seconds)
        status, data = client._command_complete("UID", tag)
        if status != "OK":
            words = errors.words(data[-1] or b"", hidden=self._server.login.hidden)
            message = f"The server for incoming mail could not give a mail. {AGAIN} The server said: {words}"
            raise SendError("imap_fetch", message, Retry.LATER)
        _, lines = client._untagged_response(status, data, "FETCH")
        return [line for line in lines if line]

    def _number(self, key: str) -> int:
        _, data = self._client.response(key)
        return int(data[0]) if data and data[0] else 0

    def _status(self, key: str) -> int:
        """For servers that don't say it when a folder is opened."""
        return int(self._box.folder.status(self._server.folder, [key])[key])

    def _forget_news(self) -> None:
        self._client.untagged_responses.pop("EXISTS", None)


def _no_answer(server: IncomingServer) -> SendError:
    return SendError("imap_answer", f"{server.host} did not give what it lists. {errors.AGAIN}", Retry.LATER)


def _moment(text: bytes) -> datetime | None:
    """INTERNALDATE in UTC; None for what is no time."""
    match = _DATE.search(text)
    if not match:
        return None
    day, month, year, hour, minute, second, sign, hours, minutes = (part.decode() for part in match.groups())
    try:
        offset = timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == "-" else 1)
        number = _MONTHS.index(month.title()) + 1
        zone = timezone(offset)
        return datetime(
            int(year), number, int(day), int(hour), int(minute), min(int(second), 59), tzinfo=zone
        ).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
