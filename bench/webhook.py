"""Webhook intake: signed deliveries over HTTP on loopback, against a bare view that inserts one row."""

from __future__ import annotations

import http.client
import itertools
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from urllib.parse import urlencode

import django

ROUNDS = 12
REQUESTS = 160
WARM_UP = 100
CLIENTS = (1, 4)
GOAL = 2.0

_numbers = itertools.count(1)
Request = tuple[str, str, dict[str, str]]


def delivery() -> Request:
    """A new message as Twilio delivers it, behind a proxy of ours that ends TLS."""
    from bench.environment import PUBLIC
    from bench.parts import ACCOUNT_SID, AUTH_TOKEN, OUR_NUMBER
    from tests.fakes.twilio import signature

    number = next(_numbers)
    params = {
        "AccountSid": ACCOUNT_SID,
        "ApiVersion": "2010-04-01",
        "Body": "Do you have an appointment next week? I could come on Tuesday or Thursday.",
        "From": f"whatsapp:+1500{number:07d}",
        "MessageSid": f"SM{number:032d}",
        "MessageType": "text",
        "NumMedia": "0",
        "NumSegments": "1",
        "ProfileName": "Ada Lovelace",
        "ReferralNumMedia": "0",
        "SmsMessageSid": f"SM{number:032d}",
        "SmsSid": f"SM{number:032d}",
        "SmsStatus": "received",
        "To": f"whatsapp:{OUR_NUMBER}",
        "WaId": f"1500{number:07d}",
    }
    path = "/webhooks/twilio/whatsapp"
    headers = {"X-Twilio-Signature": signature(AUTH_TOKEN, PUBLIC + path, params), "X-Forwarded-Proto": "https"}
    return path, urlencode(params), headers


def bare() -> Request:
    _, body, headers = delivery()
    return "/bare", body, headers


def rate(port: int, make: Callable[[], Request], *, clients: int, requests: int = REQUESTS) -> float:
    """Requests a second; every answer has to be 200. The requests are made before the clock starts."""
    shares = [[make() for _ in range(requests // clients)] for _ in range(clients)]
    failures: list[int] = []
    barrier = threading.Barrier(clients + 1)

    def client(share: list[Request]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.connect()
        barrier.wait()
        for path, body, headers in share:
            connection.request("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded", **headers})
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                failures.append(answer.status)
        connection.close()

    threads = [threading.Thread(target=client, args=(share,)) for share in shares]
    for thread in threads:
        thread.start()
    barrier.wait()
    begun = time.perf_counter()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - begun
    if failures:
        sys.exit(f"{len(failures)} requests failed, the first with {failures[0]}")
    return sum(map(len, shares)) / seconds


def queries() -> int:
    """The statements of one delivery, counted in this process."""
    from django.conf import settings
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    settings.ALLOWED_HOSTS.append("testserver")
    path, body, headers = delivery()
    client = Client()
    with CaptureQueriesContext(connection) as captured:
        answer = client.post(path, body, content_type="application/x-www-form-urlencoded", headers=headers)
    assert answer.status_code == 200, answer.status_code
    return len(captured)


def main() -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "crm_project.settings"
    django.setup()
    from bench.bare.table import create_table
    from bench.environment import free_port, own_database
    from bench.parts import a_channel, an_organization, running, wait_for

    with own_database() as environment, ExitStack() as stack:
        create_table()
        a_channel(an_organization())
        counted = queries()
        ports = {"ours": free_port(), "bare": free_port()}
        settings = {"ours": "crm_project.settings", "bare": "bench.bare.settings"}
        for name, port in ports.items():
            own = {**environment, "PORT": str(port), "DJANGO_SETTINGS_MODULE": settings[name]}
            stack.enter_context(running("web", own))
        for port in ports.values():
            wait_for(f"http://127.0.0.1:{port}/health")
        makers = {"ours": delivery, "bare": bare}
        for name in makers:
            rate(ports[name], makers[name], clients=2, requests=WARM_UP)
        rates = {(n, c): [] for n in makers for c in CLIENTS}  # type: ignore[var-annotated]
        for _, clients, name in itertools.product(range(ROUNDS), CLIENTS, makers):
            rates[name, clients].append(rate(ports[name], makers[name], clients=clients))
    return report(rates, counted)


def report(rates: dict[tuple[str, int], list[float]], counted: int) -> int:
    is_good = True
    for clients in CLIENTS:
        pairs = zip(rates["bare", clients], rates["ours", clients], strict=True)
        ratio = statistics.median(bare / ours for bare, ours in pairs)
        is_good &= ratio <= GOAL
        print(
            f"  {clients} client{'s' * (clients > 1)}: {statistics.median(rates['ours', clients]):.0f} a second, "
            f"bare view {statistics.median(rates['bare', clients]):.0f}: {ratio:.2f} times (goal: {GOAL:.0f} at most)"
        )
    growth = statistics.median(rates["ours", 4]) / statistics.median(rates["ours", 1])
    print(f"  from 1 to 4 clients: {growth:.2f} times the throughput; {counted} queries a delivery")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
