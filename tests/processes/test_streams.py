"""Open pages cost nobody else anything: 200 streams beside a pool of four, and one signal for 1 and for 50 watchers."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from messaging.intake import processing
from tests.conftest import Person
from tests.processes.web import Streams, Web, session_of

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

STREAMS = 200
_numbers = itertools.count()


def webhook(web: Web, who: Person) -> int:
    number = next(_numbers)
    body = {
        "message_id": f"m{number}",
        "from": "+447700900123",
        "body": f"Message {number}",
        "sent_at": timezone.now().isoformat(),
    }
    return web.ask("/api/v1/webhooks/whatsapp", who, body).status


def ask_everything(web: Web, who: Person, rounds: int) -> set[int]:
    """Pages and webhooks in turn; the statuses that came."""
    statuses = set()
    for _ in range(rounds):
        statuses |= {web.ask(who.url("inbox/"), who).status, webhook(web, who)}
    return statuses


def test_two_hundred_streams_leave_the_pool_to_others(alice: Person, tmp_path: Path):
    session_of(alice)

    async def run(web: Web) -> None:
        for _ in range(2):  # closed, and opened again: nothing of the first ones is left behind
            streams = Streams(web, alice)
            await streams.open(STREAMS)
            several = [asyncio.to_thread(ask_everything, web, alice, 4) for _ in range(4)]
            assert set.union(*await asyncio.gather(*several)) <= {200, 201, 202}
            streams.forget()
            await asyncio.to_thread(processing.process_due)
            await streams.all_have("event: conversation", within=30)
            assert not any(streams.is_ended)
            await streams.close()
            assert await asyncio.to_thread(ask_everything, web, alice, 3) <= {200, 201, 202}

    with Web(tmp_path / "web.log", DATABASE_POOL_SIZE="4") as web:
        asyncio.run(run(web))


def test_a_signal_costs_little_more_for_fifty_watchers_than_for_one(alice: Person, tmp_path: Path):
    session_of(alice)
    count = 40

    async def cost(web: Web, watchers: int) -> float:
        """CPU seconds of the web process for so many webhooks, each with its signal sent to all watchers."""
        streams = Streams(web, alice)
        await streams.open(watchers)
        await asyncio.to_thread(ask_everything, web, alice, 3)
        before = web.cpu_seconds()
        for _ in range(count):
            streams.forget()
            await asyncio.to_thread(webhook, web, alice)
            await asyncio.to_thread(processing.process_due)
            await streams.all_have("event: conversation", within=30)
        spent = web.cpu_seconds() - before
        await streams.close()
        return spent

    async def run(web: Web) -> tuple[float, float]:
        return await cost(web, 1), await cost(web, 50)

    with Web(tmp_path / "web.log") as web:
        one, fifty = asyncio.run(run(web))
    print(f"CPU a webhook: {one / count * 1000:.1f} ms with 1 stream, {fifty / count * 1000:.1f} ms with 50")
    assert fifty <= 3 * one


def test_a_stream_ends_with_its_member(alice: Person, bob: Person, tmp_path: Path, settings: Any):
    from accounts.members import services as members
    from core.tenancy import organization_scope

    session_of(bob)

    async def run(web: Web) -> None:
        streams = Streams(web, bob)
        await streams.open(3)

        def deactivate() -> None:
            with organization_scope(alice.organization):
                members.deactivate(member=bob.member, actor=alice.actor)

        await asyncio.to_thread(deactivate)
        for _ in range(100):
            if all(streams.is_ended):
                return
            await asyncio.sleep(0.1)
        raise AssertionError("The streams went on.")

    with Web(tmp_path / "web.log") as web:
        asyncio.run(run(web))
