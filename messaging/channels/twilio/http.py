"""The pooled HTTP client under Twilio's library.

The library's own client logs addresses at info level, hides the header that says how long to wait, reads answers
without a limit, and keeps the last request and answer, text and all, in itself for every thread that shares it. This
one has no state but its connections, tries nothing twice, and tells what never left from what got no answer.
"""

from __future__ import annotations

import json
import logging
import os
import re
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from twilio.http import HttpClient
from twilio.http.response import Response
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

LARGEST_ANSWER = 8 * 1024 * 1024  # a page of 200 messages is under 1 MiB
MAX_RETRY_AFTER = timedelta(hours=1)
TWILIO: Final = ".twilio.com"
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
# Narrower than the standard: two parsers that read one odd address differently would send the credentials elsewhere.
_HTTPS: Final = re.compile(r"https://([a-z0-9.-]{1,253})(?::443)?(?:[/?][!-~]*)?", re.IGNORECASE)

logger = logging.getLogger(__name__)


class Unsendable(Exception):
    """The request could not be written down; nothing left."""


class NotConnected(Exception):
    """No connection came about; nothing left."""


class NotTrusted(NotConnected):
    """The server's certificate is not valid; nothing left."""


class NoAnswer(Exception):
    """The request left, at least in part, and no whole answer came."""


class Refused(Exception):
    """An answer that is not a success."""

    def __init__(self, status: int, code: str, retry_after: timedelta | None) -> None:
        super().__init__(f"HTTP {status}, error {code}")
        self.status = status
        self.code = code
        self.retry_after = retry_after


class PooledHttpClient(HttpClient):
    """Sends requests over kept connections; safe to share between threads."""

    def __init__(self, *, base_url: str, timeout: float) -> None:
        super().__init__(logger, is_async=False, timeout=timeout)
        self._base_url = base_url.rstrip("/")
        self._seconds = timeout
        self._session = requests.Session()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        # A loopback stand-in is never behind the proxy that the environment names.
        self._session.trust_env = urlsplit(base_url).hostname not in _LOOPBACK
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(pool_connections=8, pool_maxsize=64, max_retries=0))

    def request(
        self,
        method: str,
        uri: str,
        params: dict[str, object] | None = None,
        data: dict[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """One request, one try, no redirect. Raises Unsendable, NotConnected, NoAnswer or Refused."""
        prepared = self._prepared(method, uri, params, data, headers, auth)
        seconds = timeout or self._seconds
        try:
            environment = self._session.merge_environment_settings(prepared.url or "", {}, True, None, None)
            with self._session.send(
                prepared, timeout=(seconds, seconds), allow_redirects=False, **environment
            ) as answer:
                text = _read(answer, deadline=time.monotonic() + seconds)
        except (requests.RequestException, HTTPError, OSError) as error:
            raise _failure(error) from error
        if not 200 <= answer.status_code < 300:
            raise Refused(answer.status_code, _code(answer.status_code, text), retry_after(answer.headers))
        return Response(answer.status_code, text, answer.headers)

    @contextmanager
    def download(self, uri: str, *, auth: tuple[str, str] | None) -> Iterator[requests.Response]:
        """A GET whose body the caller reads, whatever its status; no redirect is followed.

        Whether the address may be asked is for the caller to know; with a stand-in all of it goes there. Raises
        Unsendable, NotConnected or NoAnswer, also for what goes wrong while the caller reads.
        """
        request = requests.Request("GET", self._rewritten(uri), headers={"Accept-Encoding": "identity"})
        request.auth = auth or _anonymous
        try:
            prepared = self._session.prepare_request(request)
        except (ValueError, requests.RequestException) as error:
            raise Unsendable("The request can't be written down.") from error
        try:
            environment = self._session.merge_environment_settings(prepared.url or "", {}, True, None, None)
            with self._session.send(
                prepared, timeout=(self._seconds, self._seconds), allow_redirects=False, **environment
            ) as answer:
                yield answer
        except (requests.RequestException, HTTPError, OSError) as error:
            raise _failure(error) from error

    def _prepared(
        self,
        method: str,
        uri: str,
        params: Mapping[str, object] | None,
        data: Mapping[str, object] | None,
        headers: Mapping[str, str] | None,
        auth: tuple[str, str] | None,
    ) -> requests.PreparedRequest:
        try:
            return self._session.prepare_request(
                requests.Request(
                    method.upper(), self._address(uri), params=params, data=data, headers=headers, auth=auth
                )
            )
        except (ValueError, requests.RequestException) as error:
            raise Unsendable("The request can't be written down.") from error

    def _address(self, uri: str) -> str:
        """Where a request goes: to Twilio only, or all of it to the stand-in that the settings name."""
        # The next page's address comes out of an answer; the credentials must not follow it elsewhere.
        if not self._base_url and not https_host(uri).endswith(TWILIO):
            raise ValueError("Not an address of Twilio.")
        return self._rewritten(uri)

    def _rewritten(self, uri: str) -> str:
        if not self._base_url:
            return uri
        parts = urlsplit(uri)
        query = f"?{parts.query}" if parts.query else ""
        return f"{self._base_url}{parts.path}{query}"


def https_host(uri: str) -> str:
    """The host of an https address on the usual port, in lower case; empty for every other address."""
    match = _HTTPS.fullmatch(uri)
    return match[1].lower() if match else ""


def pooled_client(seconds: float | None = None) -> PooledHttpClient:
    """The process's client for the settings as they are now, and where given with a shorter time-out."""
    timeout = float(settings.PROVIDER_TIMEOUT_SECONDS)
    return _client(settings.TWILIO_API_BASE_URL, min(timeout, seconds or timeout), os.getpid())


@lru_cache(maxsize=8)
def _client(base_url: str, timeout: float, process: int) -> PooledHttpClient:
    """One for each process: a connection that a fork has copied can't be shared."""
    return PooledHttpClient(base_url=base_url, timeout=timeout)


def _anonymous(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """No credentials at all: without this the library would look for some in the user's netrc."""
    return request


def _read(answer: requests.Response, *, deadline: float) -> str:
    """The answer's text, of bounded size and within bounded time: a drip of bytes would renew the socket's time-out."""
    parts: list[bytes] = []
    size = 0
    while part := answer.raw.read1(65536, decode_content=True):
        size += len(part)
        if size > LARGEST_ANSWER or time.monotonic() > deadline:
            raise HTTPError("The answer is too long or too slow.")
        parts.append(part)
    return b"".join(parts).decode("utf-8", "replace")


def _failure(error: Exception) -> NotConnected | NoAnswer:
    """What a failed request means; in doubt, that it left."""
    reason: Any = error.args[0] if error.args else error
    reason = getattr(reason, "reason", reason)
    if isinstance(error, requests.exceptions.SSLError):
        cause = reason.args[0] if getattr(reason, "args", None) else reason
        if isinstance(cause, ssl.SSLCertVerificationError):
            return NotTrusted("The server's certificate is not valid.")
    elif isinstance(error, requests.exceptions.ConnectTimeout | requests.exceptions.ProxyError):
        return NotConnected("No connection in time.")
    elif isinstance(reason, NewConnectionError | ConnectTimeoutError):
        return NotConnected("The connection was refused, or the name is not known.")
    return NoAnswer("No answer came.")


def _code(status: int, text: str) -> str:
    """Twilio's error code in an answer; the HTTP status where it has none, as from a proxy on the way."""
    try:
        code = json.loads(text)["code"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return str(status)
    return str(code) if isinstance(code, int | str) and str(code).isdecimal() else str(status)


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """RFC 9110, section 10.2.3: seconds or a date. Held between 0 and MAX_RETRY_AFTER."""
    value = headers.get("Retry-After", "").strip()
    if not value:
        return None
    try:
        wait = timedelta(seconds=int(value)) if value.isdecimal() else parsedate_to_datetime(value) - datetime.now(UTC)
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(wait, timedelta()), MAX_RETRY_AFTER)
