"""The stand-in's HTTP side: Twilio's paths, and under `/_control/` ours."""

from __future__ import annotations

import base64
import json
import re
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from tests.fakes.twilio import content, inbound, media, resources, schema, senders
from tests.fakes.twilio.answers import Answer, error
from tests.fakes.twilio.control import control
from tests.fakes.twilio.steps import EVERYBODY, Script, Step
from tests.fakes.twilio.store import ACCOUNT_SID, AUTH_TOKEN, Message, Store
from tests.fakes.twilio.webhooks import Statuses

_ROUTES: tuple[tuple[str, re.Pattern[str], Callable[..., Answer]], ...] = tuple(
    (method, re.compile(pattern), view)
    for method, pattern, view in (
        ("POST", r"/2010-04-01/Accounts/(?P<account>\w+)/Messages\.json", resources.create_message),
        ("GET", r"/2010-04-01/Accounts/(?P<account>\w+)/Messages\.json", resources.list_messages),
        ("GET", r"/2010-04-01/Accounts/(?P<account>\w+)/Messages/(?P<sid>\w+)\.json", resources.fetch_message),
        ("GET", r"/2010-04-01/Accounts/(?P<account>\w+)\.json", resources.fetch_account),
        ("GET", r"/2010-04-01/Accounts/(?P<account>\w+)/Messages/(?P<sid>\w+)/Media\.json", media.list_media),
        (
            "GET",
            r"/2010-04-01/Accounts/(?P<account>\w+)/Messages/(?P<sid>\w+)/Media/(?P<media>[\w.]+)",
            media.fetch_media,
        ),
        ("GET", r"/2010-04-01/Accounts/(?P<account>\w+)/IncomingPhoneNumbers\.json", senders.list_numbers),
        ("GET", r"/v2/Channels/Senders", senders.list_senders),
        ("GET", r"/v2/Channels/Senders/(?P<sid>\w+)", senders.fetch_sender),
        ("GET", r"/v1/Services/(?P<sid>\w+)", senders.fetch_service),
        ("POST", r"/v2/Indicators/Typing\.json", senders.show_typing),
        ("GET", r"/v1/ContentAndApprovals", content.list_contents),
    )
)


class FakeTwilio:
    """A running stand-in. `tokens` are the accounts with their auth tokens; one account by default."""

    def __init__(
        self,
        *,
        port: int = 0,
        delay: float = 0.0,
        tokens: Mapping[str, str] | None = None,
        default: Step | None = None,
        has_control: bool = True,
    ) -> None:
        self.tokens = dict(tokens or {ACCOUNT_SID: AUTH_TOKEN})
        self.delay = delay
        self.has_control = has_control
        self.account_status = "active"
        self.numbers: dict[str, bool] = {}  # the account's numbers, and whether they can send SMS
        self.senders: dict[str, str] = {}  # WhatsApp senders as `whatsapp:+…`, and their status
        self.services: set[str] = set()
        self.webhooks: dict[str, dict[str, Any]] = {}  # what is set on a number, a sender or a service, by its name
        self.contents: list[content.Content] = []
        self.typing: list[str] = []  # the messages under which typing was shown
        self.typing_script = Script()
        self.violations: list[str] = []  # what of the requests was not as Twilio's documents say
        self.store = Store()
        self.script = Script(default or Step())
        self.statuses = Statuses(self.store, self.tokens)
        self._server = _Server(("127.0.0.1", port), self)
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), name="twilio", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening and cut every connection."""
        self._server.shutdown()
        self._server.cut()
        self._server.server_close()
        self.statuses.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def plan(self, *steps: Step, to: str = EVERYBODY) -> None:
        """What the next requests to create a message for this recipient (`whatsapp:+…` or `+…`) get."""
        self.script.add(to, steps)

    def creates(self, to: str, body: str) -> int:
        """How many messages with this text exist for this recipient."""
        return self.store.creates[to, body]

    def receive(
        self,
        *,
        sender: str,
        to: str,
        body: str = "Hello",
        files: Sequence[media.File] = (),
        at: datetime | None = None,
        service: str | None = None,
    ) -> Message:
        """A message from outside, kept in the list; `inbound.webhook` makes of it what Twilio would call with."""
        account = next(iter(self.tokens))
        one = inbound.received(sender=sender, to=to, body=body, files=files, at=at, account=account, service=service)
        return self.store.keep(one)

    def reset(self) -> None:
        self.store.clear()
        self.typing.clear()
        self.violations.clear()
        self.script.clear()
        self.statuses.calls.clear()

    def answer(self, method: str, target: str, authorization: str, form: Mapping[str, Any], body: bytes) -> Answer:
        """The answer to one request; the delay of every request is in it."""
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        if self.has_control and parts.path.startswith("/_control/"):
            return control(self, method, parts.path.removeprefix("/_control/"), query, body)
        if self.delay:
            time.sleep(self.delay)
        if parts.path.startswith(media.STORE):
            return media.fetch_stored(self, parts.path, authorization)
        account = self._authenticated(authorization)
        if account is None:
            return error(401, 20003, "Authenticate")
        for allowed, pattern, view in _ROUTES:
            match = pattern.fullmatch(parts.path)
            if match and allowed == method:
                named = match.groupdict()
                if named.pop("account", account) != account:
                    return error(404, 20404, f"The requested resource {parts.path} was not found")
                return view(self, account=account, query=query, form=form, path=parts.path, **named)
        return error(404, 20404, f"The requested resource {parts.path} was not found")

    def _authenticated(self, authorization: str) -> str | None:
        scheme, _, encoded = authorization.partition(" ")
        try:
            sid, _, token = base64.b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:
            return None
        return sid if scheme == "Basic" and token and self.tokens.get(sid) == token else None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], twilio: FakeTwilio) -> None:
        self.twilio = twilio
        self.connections: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def cut(self) -> None:
        for connection in list(self.connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is part of the play."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body in one packet
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        with suppress(OSError):
            super().finish()

    def do_GET(self) -> None:
        self._serve("GET", b"")

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:  # the client died while it wrote: no server acts on half a request
            self.close_connection = True
            return
        self._serve("POST", body)

    def _serve(self, method: str, body: bytes) -> None:
        is_json = "json" in self.headers.get("Content-Type", "")
        form = {} if is_json else _form(body)
        answer = self.server.twilio.answer(method, self.path, self.headers.get("Authorization", ""), form, body)
        if answer.is_dropped:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        content = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        self._write(answer, content)

    def _write(self, answer: Answer, content: bytes) -> None:
        headers = {"Content-Type": "application/json; charset=utf-8", "Content-Length": str(len(content))}
        self.send_response(answer.status)
        for name, value in (headers | dict(answer.headers)).items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(OSError):  # an asker that has enough goes away
            self.wfile.write(content[: len(content) // 2] if answer.is_cut else content)
            self.wfile.flush()
        if answer.is_cut:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Quiet: what was asked for is in the store."""


def _form(body: bytes) -> dict[str, Any]:
    """The parameters; a list of those that Twilio takes several times."""
    form: dict[str, Any] = {}
    for name, value in parse_qsl(body.decode(), keep_blank_values=True):
        form[name] = [*form.get(name, ()), value] if name in schema.LISTS else value
    return form
