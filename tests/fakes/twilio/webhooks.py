"""Calls from the stand-in to us: status callbacks and inbound messages, signed as Twilio documents it.

The signature is computed here from the documentation and not by the library, so that each is a check of the other.
"""

from __future__ import annotations

import base64
import hashlib
import heapq
import hmac
import itertools
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Condition, Thread
from urllib.parse import urlencode

from tests.fakes.twilio.store import API_VERSION, Message, Store

TIMEOUT_SECONDS = 15  # Twilio's own for a webhook
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def signature(token: str, url: str, params: Mapping[str, str]) -> str:
    """https://www.twilio.com/docs/usage/webhooks/webhooks-security"""
    signed = url + "".join(f"{name}{params[name]}" for name in sorted(params))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


def post_signed(url: str, params: Mapping[str, str], token: str, *, signed_url: str = "") -> int:
    """Call a webhook as Twilio does and give the HTTP status of the answer; 0 when there was none.

    `signed_url` is what Twilio was told, where a proxy of ours makes another URL of it. What stands behind a `#` is for
    Twilio itself: it is neither asked for nor signed.
    """
    url, signed_url = url.partition("#")[0], signed_url.partition("#")[0]
    request = urllib.request.Request(
        url,
        data=urlencode(params).encode(),
        headers={
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "User-Agent": "TwilioProxy/1.1",
            "X-Twilio-Signature": signature(token, signed_url or url, params),
        },
    )
    try:
        with _OPENER.open(request, timeout=TIMEOUT_SECONDS) as answer:
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def status_params(message: Message, status: str, error_code: int | None) -> dict[str, str]:
    params = {
        "AccountSid": message.account_sid,
        "ApiVersion": API_VERSION,
        "From": message.sender or "",
        "MessageSid": message.sid,
        "MessageStatus": status,
        "SmsSid": message.sid,
        "SmsStatus": status,
        "To": message.to,
    }
    if message.to.startswith("whatsapp:"):
        params |= {"ChannelPrefix": "whatsapp", "ChannelInstallSid": "XE" + "0" * 32}
        params |= {"EventType": status.upper()} if status in ("delivered", "read") else {}
    if error_code and status in ("failed", "undelivered"):
        params["ErrorCode"] = str(error_code)
    return params


@dataclass(frozen=True)
class Progress:
    """The statuses that a message still has to go through, one after another."""

    message: Message
    statuses: Sequence[str]
    error_code: int | None
    gap: float


@dataclass(frozen=True)
class Call:
    """A status callback that was made, and the answer's HTTP status."""

    sid: str
    status: str
    url: str
    answer: int


class Statuses:
    """Moves messages along in the background and tells of it. The statuses of one message are told in their order."""

    def __init__(self, store: Store, tokens: Mapping[str, str], workers: int = 8) -> None:
        self.calls: list[Call] = []
        self._store = store
        self._tokens = tokens
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="twilio-status")
        self._due: list[tuple[float, int, Progress]] = []
        self._count = itertools.count()
        self._changed = Condition()
        self._is_stopping = False
        self._pending = 0
        self._thread = Thread(target=self._run, name="twilio-statuses", daemon=True)
        self._thread.start()

    def plan(self, progress: Progress) -> None:
        with self._changed:
            if not progress.statuses or self._is_stopping:
                return
            self._pending += 1
            heapq.heappush(self._due, (time.monotonic() + progress.gap, next(self._count), progress))
            self._changed.notify_all()

    def now(self, progress: Progress) -> None:
        """Go through all of them at once, in the caller's thread."""
        for status in progress.statuses:
            self._tell(progress.message, status, progress.error_code)

    def wait(self, timeout: float = 10.0) -> bool:
        """Wait until every planned status was told; False when time ran out."""
        with self._changed:
            return self._changed.wait_for(lambda: self._pending == 0, timeout)

    def stop(self) -> None:
        with self._changed:
            self._is_stopping = True
            self._due.clear()
            self._changed.notify_all()
        self._thread.join()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._is_stopping and (not self._due or self._due[0][0] > time.monotonic()):
                    self._changed.wait(self._due[0][0] - time.monotonic() if self._due else None)
                if self._is_stopping:
                    return
                _, _, progress = heapq.heappop(self._due)
            self._pool.submit(self._advance, progress)

    def _advance(self, progress: Progress) -> None:
        try:
            self._tell(progress.message, progress.statuses[0], progress.error_code)
            rest = Progress(progress.message, progress.statuses[1:], progress.error_code, progress.gap)
            self.plan(rest)
        finally:
            with self._changed:
                self._pending -= 1
                self._changed.notify_all()

    def _tell(self, message: Message, status: str, error_code: int | None) -> None:
        self._store.become(message, status, error_code)
        if not message.status_callback:
            return
        params = status_params(message, status, error_code)
        answer = post_signed(message.status_callback, params, self._tokens[message.account_sid])
        self.calls.append(Call(message.sid, status, message.status_callback, answer))
