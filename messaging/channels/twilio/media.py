"""Fetching the file of an inbound message from Twilio, and from nowhere else."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from email.message import Message
from typing import IO, Final
from urllib.parse import urljoin, urlsplit

import requests
from django.conf import settings

from messaging.channels.abilities import FetchedMedia, FetchError
from messaging.channels.base import AGAIN, Account, SendError
from messaging.channels.text import clean
from messaging.channels.twilio.account import credentials
from messaging.channels.twilio.http import (
    TWILIO,
    NoAnswer,
    NotConnected,
    Unsendable,
    https_host,
    pooled_client,
    retry_after,
)

MAX_REDIRECTS: Final = 3
MAX_SECONDS: Final = 120.0  # for the whole file, redirects and all
MAX_URL_LENGTH: Final = 4096
PIECE: Final = 65536

# Where Twilio keeps the files: its own network for messages and Amazon's storage, both by addresses that are signed.
_STORES: Final = (TWILIO, ".twiliocdn.com", ".amazonaws.com")
_REDIRECTS: Final = (301, 302, 303, 307, 308)
# What lies at other addresses of Twilio's, the account's secrets too, is not for whoever may see a conversation.
_FILE: Final = re.compile(r"/2010-04-01/Accounts/\w{1,64}/Messages/\w{1,64}/Media/\w{1,64}", re.ASCII)
_CONTENT_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,120}/[a-z0-9!#$&^_.+-]{1,120}")

# What a proxy on the way shows instead of a file; no message of Twilio's carries one.
_PAGES: Final = ("text/html", "application/xhtml+xml")
_UNREADABLE: Final = "What came was not the file. It will be tried again by itself."

_LATER: Final[Mapping[int, tuple[str, str]]] = {
    401: ("credentials", "Twilio did not accept the credentials. Ask an administrator to enter them again."),
    403: ("not_found", f"Twilio does not give the file out yet. {AGAIN}"),
    404: ("not_found", f"The file is not at Twilio yet. {AGAIN}"),
    408: ("timeout", f"Twilio did not give the file in time. {AGAIN}"),
    429: ("busy", f"Twilio asks us to go slower. {AGAIN}"),
}


def fetch(account: Account, url: str, *, into: IO[bytes], max_bytes: int) -> FetchedMedia:
    """Write the file at this address into `into`, at most `max_bytes` of it. Raises FetchError.

    The credentials go to Twilio's own hosts only; a redirect is followed without them, to Twilio's stores alone. A
    404 in the first seconds is usual. When it fails, `into` may hold a part of the file.
    """
    deadline = time.monotonic() + MAX_SECONDS
    try:
        auth: tuple[str, str] | None = credentials(account)
    except SendError as error:
        raise FetchError("credentials", error.message, is_final=False) from error
    stores: tuple[str, ...] = (TWILIO,)
    _refuse_foreign(url, stores)
    if not _FILE.fullmatch(_path(url)):
        raise FetchError("host", "This is not the address of a file at Twilio.", is_final=True)
    for _ in range(1 + MAX_REDIRECTS):
        _refuse_foreign(url, stores)
        result = _get(url, auth, into, max_bytes, deadline)
        if isinstance(result, FetchedMedia):
            return result
        url, auth, stores = result, None, _STORES
    raise FetchError("redirects", "The file's address leads in circles.", is_final=True)


def _get(
    url: str, auth: tuple[str, str] | None, into: IO[bytes], max_bytes: int, deadline: float
) -> FetchedMedia | str:
    """The file, or the address that it is at instead."""
    try:
        with pooled_client().download(url, auth=auth) as answer:
            location = answer.headers.get("Location", "")[: MAX_URL_LENGTH + 1]
            if answer.status_code in _REDIRECTS and location:
                return urljoin(url, location)
            if answer.status_code != 200:
                raise _refusal(answer)
            if _content_type(answer) in _PAGES:
                raise FetchError("unreadable", _UNREADABLE, is_final=False)
            size = _copy(answer, into, max_bytes, deadline)
            return FetchedMedia(_content_type(answer), size, _filename(answer))
    except (NotConnected, NoAnswer) as error:
        message = f"Twilio could not be reached for the file. {AGAIN}"
        raise FetchError("connection", message, is_final=False) from error
    except (Unsendable, ValueError) as error:
        raise FetchError("host", "The file's address can't be read.", is_final=True) from error


def _refuse_foreign(url: str, stores: tuple[str, ...]) -> None:
    """Whether the file may be fetched from there; with a stand-in, from the stand-in too."""
    stand_in = settings.TWILIO_API_BASE_URL
    is_stand_in = stand_in and _origin(url) == _origin(stand_in)
    if len(url) > MAX_URL_LENGTH or not (is_stand_in or https_host(url).endswith(stores)):
        raise FetchError("host", "The file is not at Twilio; it is not fetched from anywhere else.", is_final=True)


def _path(url: str) -> str:
    """The path of an address that has nothing behind it; empty for every other."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return "" if parts.query or parts.fragment else parts.path


def _origin(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""
    return parts.scheme, parts.netloc


def _refusal(answer: requests.Response) -> FetchError:
    status = answer.status_code
    if status in _LATER:
        code, message = _LATER[status]
        return FetchError(code, message, is_final=False, retry_after=retry_after(answer.headers))
    if status >= 500:
        message = f"Twilio has a trouble of its own. {AGAIN}"
        return FetchError("server", message, is_final=False, retry_after=retry_after(answer.headers))
    if status == 410:
        return FetchError("gone", "The file was deleted at Twilio.", is_final=True)
    return FetchError("refused", f"Twilio does not give the file out (HTTP {status}).", is_final=True)


def _copy(answer: requests.Response, into: IO[bytes], max_bytes: int, deadline: float) -> int:
    """The bytes, counted as they come: what an answer says of its own length is only believed when it is too much."""
    stated = answer.headers.get("Content-Length", "")
    is_plain = not answer.headers.get("Content-Encoding")
    length = int(stated) if is_plain and stated.isascii() and stated.isdecimal() and len(stated) < 20 else None
    if length is not None and length > max_bytes:
        raise _too_large(max_bytes, length)
    size = 0
    while piece := answer.raw.read1(PIECE, decode_content=True):
        size += len(piece)
        if size > max_bytes:
            raise _too_large(max_bytes, None)
        if time.monotonic() > deadline:
            raise FetchError(*_LATER[408], is_final=False)
        _write(into, piece)
    if length is not None and size != length:
        raise NoAnswer("The file broke off.")
    return size


def _write(into: IO[bytes], piece: bytes) -> None:
    try:
        into.write(piece)
    except OSError as error:
        message = "The file could not be stored here. Ask an administrator to look at the server's disk."
        raise FetchError("storage", message, is_final=False) from error


def _too_large(max_bytes: int, size: int | None) -> FetchError:
    stated = f"The file has {_megabytes(size)}" if size else "The file is too large"
    return FetchError("too_large", f"{stated}; at most {_megabytes(max_bytes)} are taken.", is_final=True)


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:.1f} MB" if size >= 100_000 else f"{size} bytes"


def _content_type(answer: requests.Response) -> str:
    stated: str = answer.headers.get("Content-Type", "")[:300].partition(";")[0].strip().lower()
    return stated if _CONTENT_TYPE.fullmatch(stated) else ""


def _filename(answer: requests.Response) -> str:
    """The name in Content-Disposition without a folder; empty where there is none that can be read."""
    stated = answer.headers.get("Content-Disposition", "")[:1000]
    if not stated:
        return ""
    header = Message()
    try:
        # Headers come as Latin-1; names in them are mostly UTF-8.
        header["Content-Disposition"] = clean(stated.encode("latin-1").decode("utf-8", "replace")).replace("\n", " ")
        name = header.get_filename() or ""
    except (ValueError, LookupError, TypeError):
        return ""
    return clean(name).replace("\n", " ").replace("\\", "/").rpartition("/")[2].strip()[:255]
