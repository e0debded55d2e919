"""Small HTTP requests to servers that users name: through the guard of `core.net`, without redirects, with an end."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlencode, urlsplit

from django.utils.translation import gettext as _

from core import net

MAX_BYTES: Final = 512_000
_PORTS: Final = {"https": 443, "http": 80}


class RequestFailed(Exception):
    """No whole answer; the text says why, in words for whoever set the address."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered, whatever its status."""

    status: int
    body: bytes

    def as_object(self) -> dict[str, object]:
        """The body as a JSON object. Raises RequestFailed."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise RequestFailed(_("The answer is no JSON.")) from error
        if not isinstance(value, dict):
            raise RequestFailed(_("The answer is no JSON object."))
        return value


def split(address: str, *, allowed: Collection[str] = ()) -> SplitResult:
    """The parts of an address that may be asked: https, or http to this very machine where `allowed` has it (or `*`).

    Raises RequestFailed.
    """
    if not address.isascii() or not address.isprintable() or " " in address or "\\" in address:
        raise RequestFailed(_("The address has characters that no address has."))
    try:
        parts = urlsplit(address)
        host, _port = parts.hostname or "", parts.port
    except ValueError as error:
        raise RequestFailed(_("This is no address.")) from error
    if not host or "@" in parts.netloc:
        raise RequestFailed(_("The address has no host name, or a user name in it."))
    is_own = net.is_loopback(host) and ("*" in allowed or host in allowed)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_own):
        raise RequestFailed(_("The address has to begin with https://."))
    return parts


def request(
    address: str,
    *,
    seconds: float,
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    allowed: Collection[str] = (),
) -> Answer:
    """GET the address, or POST a form to it; all of it takes `seconds` at most. A redirect is an answer like others.

    Raises RequestFailed: the address is not allowed, not public, not reached, not trusted (TLS), or answers too much.
    """
    parts = split(address, allowed=allowed)
    connection = _Connection(parts, seconds=seconds, allowed=allowed)
    # Time-outs of sockets are about one step each: whoever sends a byte a second would never end.
    watch = threading.Timer(seconds, connection.cut)
    watch.daemon = True
    watch.start()
    try:
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        body = None if form is None else urlencode(form).encode()
        sent = {"Accept": "application/json", "User-Agent": "Parley", **(headers or {})}
        if body is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request("GET" if body is None else "POST", target, body, sent)
        response = connection.getresponse()
        content = response.read(MAX_BYTES + 1)
    except net.NotPublic as error:
        raise RequestFailed(_("The host has an address inside of a private network.")) from error
    except ssl.SSLError as error:
        raise RequestFailed(_("The host’s certificate is not valid for it.")) from error
    except (OSError, http.client.HTTPException, UnicodeError, ValueError, AttributeError) as error:
        raise RequestFailed(_("The host was not reached, or did not answer in time.")) from error
    finally:
        watch.cancel()
        connection.close()
    if len(content) > MAX_BYTES:
        raise RequestFailed(_("The answer is too long."))
    if connection.is_cut:
        raise RequestFailed(_("The host did not answer in time."))
    return Answer(response.status, content)


class _Connection(http.client.HTTPConnection):
    """To the addresses that the guard has looked at; TLS for https, with the host's own name."""

    def __init__(self, parts: SplitResult, *, seconds: float, allowed: Collection[str]) -> None:
        super().__init__(parts.hostname or "", parts.port or _PORTS[parts.scheme], timeout=seconds)
        self._is_https, self._seconds, self._allowed = parts.scheme == "https", seconds, allowed
        self.is_cut = False

    def connect(self) -> None:
        self.sock = net.connect(self.host, self.port, seconds=self._seconds, allowed=self._allowed)
        if self._is_https:
            self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=self.host)

    def cut(self) -> None:
        """End it from another thread, whatever it waits for."""
        self.is_cut = True
        sock = self.sock
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it has ended by itself
