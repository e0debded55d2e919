"""A burst of inbound messages: taken in by the webhook, worked on by workers; none may be lost and none doubled."""

from __future__ import annotations

import multiprocessing
import os
import random
import sys
import threading
import time
from collections.abc import Sequence
from urllib.parse import urlencode

import django

COUNT = 10_000
SENDERS = 500
# So many of them come a second time, as Twilio sends what it had no answer to in time.
DUPLICATES = 1_000
CLIENTS = 4
WORKERS = 2
SEED = 20_261_121
WITHIN_SECONDS = 1800.0

Delivery = tuple[str, str]  # the body and its signature


def deliveries() -> list[Delivery]:
    """Signed webhooks, the duplicates among them, in no order."""
    from bench.environment import PUBLIC
    from bench.parts import ACCOUNT_SID, AUTH_TOKEN, OUR_NUMBER
    from tests.fakes.twilio import signature

    chance = random.Random(SEED)
    numbers = [*range(COUNT), *chance.sample(range(COUNT), DUPLICATES)]
    chance.shuffle(numbers)
    calls = []
    for number in numbers:
        sender = f"1500{number % SENDERS:07d}"
        params = {
            "AccountSid": ACCOUNT_SID,
            "Body": f"message {number}",
            "From": f"whatsapp:+{sender}",
            "MessageSid": f"SM{number:032x}",
            "NumMedia": "0",
            "ProfileName": f"Sender {number % SENDERS}",
            "To": f"whatsapp:{OUR_NUMBER}",
            "WaId": sender,
        }
        calls.append((urlencode(params), signature(AUTH_TOKEN, f"{PUBLIC}/webhooks/twilio/whatsapp", params)))
    return calls


def take_in(shares: Sequence[Sequence[Delivery]]) -> float:
    """Call the webhook from several threads; the seconds it took. Every answer has to be 200."""
    from django.db import connections
    from django.test import Client

    failures: list[int] = []
    barrier = threading.Barrier(len(shares) + 1)

    def call(share: Sequence[Delivery]) -> None:
        client = Client()
        barrier.wait()
        for body, signed in share:
            answer = client.post(
                "/webhooks/twilio/whatsapp",
                body,
                content_type="application/x-www-form-urlencoded",
                headers={"X-Twilio-Signature": signed},
                secure=True,
            )
            if answer.status_code != 200:
                failures.append(answer.status_code)
        connections.close_all()

    threads = [threading.Thread(target=call, args=(share,)) for share in shares]
    for thread in threads:
        thread.start()
    barrier.wait()
    begun = time.perf_counter()
    for thread in threads:
        thread.join()
    if failures:
        sys.exit(f"  {len(failures)} webhooks failed, the first with {failures[0]}")
    return time.perf_counter() - begun


def work(database: str) -> None:
    """One worker's process, until nothing is due."""
    os.environ["DATABASE_URL"] = database
    django.setup()
    from messaging.intake import processing
    from messaging.models import Arrival

    until = time.monotonic() + WITHIN_SECONDS
    while Arrival.objects.filter(state=Arrival.State.PENDING).exists() and time.monotonic() < until:
        if not processing.process_due():
            time.sleep(0.05)


def work_off(database: str) -> float:
    """Have the workers do it; the seconds it took, their start included."""
    start = multiprocessing.get_context("spawn")
    begun = time.perf_counter()
    processes = [start.Process(target=work, args=(database,)) for _ in range(WORKERS)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return time.perf_counter() - begun


def lost_and_doubled() -> tuple[int, int, int]:
    """Messages that are not there, messages that are there more than once, and senders that are not one customer."""
    from collections import Counter

    from core.tenancy import every_organization
    from customers.models import Customer
    from messaging.models import Conversation, Message

    with every_organization("the benchmark counts all"):
        counts = Counter(Message.objects.filter(direction="inbound").values_list("body", flat=True))
        customers = Customer.objects.count()
        unread = sum(Conversation.objects.values_list("unread_count", flat=True))
    lost = sum(f"message {number}" not in counts for number in range(COUNT))
    doubled = sum(count - 1 for count in counts.values())
    wrong = abs(customers - SENDERS) + abs(unread - COUNT)
    return lost, doubled, wrong


def main() -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "crm_project.settings"
    os.environ["DATABASE_POOL_SIZE"] = "12"
    django.setup()
    from django.conf import settings

    from bench.environment import own_database
    from bench.parts import a_channel, an_organization

    with own_database() as environment:
        # The calls come from this process and not from a proxy.
        settings.ALLOWED_HOSTS = ["*"]
        a_channel(an_organization())
        calls = deliveries()
        intake = take_in([calls[number::CLIENTS] for number in range(CLIENTS)])
        worked = work_off(environment["DATABASE_URL"])
        lost, doubled, wrong = lost_and_doubled()
    print(
        f"  taken in: {len(calls) / intake:.0f} a second by {CLIENTS} threads, {DUPLICATES} of {len(calls)} for the "
        f"second time\n  worked on: {COUNT / worked:.0f} a second by {WORKERS} workers\n"
        f"  lost {lost}, doubled {doubled}, customers and counts that are wrong {wrong} (goal: 0, 0 and 0)"
    )
    return 1 if lost or doubled or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
