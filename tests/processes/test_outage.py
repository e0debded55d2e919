"""The database and Redis go away under a web process, and come back: nobody hangs, nobody is shut out for good."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from messaging.intake import processing
from tests.conftest import Person
from tests.fakes.wire import Wire
from tests.processes.test_streams import webhook
from tests.processes.web import Answer, Streams, Web, session_of

pytestmark = [
    pytest.mark.processes,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("postgres" not in settings.DATABASES["default"]["ENGINE"], reason="SQLite is a file: it stays"),
]

# The promise is three seconds; a machine that runs tests beside it may need longer.
ANSWERED_WITHIN = 6
BACK_WITHIN = 10


@pytest.fixture
def database() -> Iterator[Wire]:
    with Wire(int(connection.settings_dict["PORT"] or 5432)) as wire:
        yield wire


@pytest.fixture
def redis() -> Iterator[Wire]:
    with Wire(6379) as wire:
        yield wire


def all_answers(web: Web, who: Person) -> list[Answer]:
    """A page, a call and a webhook, one after the other."""
    body = {"message_id": "during", "from": "+447700900199", "body": "Hello", "sent_at": "2026-01-05T10:00:00Z"}
    return [
        web.ask(who.url("inbox/"), who),
        web.ask("/api/v1/webhooks/whatsapp", who, body),
        web.ask("/webhooks/twilio/whatsapp", who, {"MessageSid": "SM1"}),
    ]


def back_within(web: Web, who: Person, seconds: float) -> float:
    """How long it took until three pages in turn were well."""
    begun, well = time.monotonic(), 0
    while well < 3:
        well = well + 1 if web.ask(who.url("inbox/"), who).status == 200 else 0
        if time.monotonic() - begun > seconds:
            raise AssertionError(f"Not well {seconds} s after the database came back.")
    return time.monotonic() - begun


@pytest.mark.parametrize("how", ["cut", "freeze"])
def test_a_database_that_is_away_is_a_503_at_once_and_over_soon(
    alice: Person, database: Wire, tmp_path: Path, how: str
):
    session_of(alice)

    async def run(web: Web) -> None:
        streams = Streams(web, alice)
        await streams.open(5)
        assert (await asyncio.to_thread(web.ask, alice.url("inbox/"), alice)).status == 200
        streams.forget()
        getattr(database, how)()
        # What is under way when it freezes waits for its own time-out; what comes later is answered.
        answers = await asyncio.to_thread(all_answers, web, alice)
        for answer in answers:
            assert answer.status == 503, answer.body
            assert int(answer.headers.get("retry-after", 0)) > 0, (answer.headers, answer.body[:300])
        assert max(answer.seconds for answer in answers[how == "freeze" :]) < ANSWERED_WITHIN
        assert b"<html" in answers[0].body
        assert b'"code":"unavailable"' in answers[1].body.replace(b" ", b"")
        await streams.all_have("event: paused", within=30)
        await asyncio.sleep(4)
        database.mend()
        took = await asyncio.to_thread(back_within, web, alice, BACK_WITHIN)
        print(f"{how}: answered in {[round(answer.seconds, 1) for answer in answers]} s, well after {took:.1f} s")
        await streams.all_have('{"all": true}', within=20)
        assert not any(streams.is_ended)
        await streams.close()

    with Web(tmp_path / "web.log", database=database.port) as web:
        asyncio.run(run(web))


def test_connections_that_the_server_ends_cost_nobody_an_answer(alice: Person, database: Wire, tmp_path: Path):
    """A restarted server forgets them between two requests: the next request gets another one."""
    session_of(alice)
    with Web(tmp_path / "web.log", database=database.port) as web:
        assert web.ask(alice.url("inbox/"), alice).status == 200
        for _ in range(10):
            database.break_connections()
            assert web.ask(alice.url("inbox/"), alice).status == 200


@pytest.mark.skipif(not settings.REDIS_URL, reason="there is no Redis to lose")
@pytest.mark.parametrize("how", ["cut", "freeze"])
def test_without_redis_pages_stay_live(alice: Person, redis: Wire, tmp_path: Path, how: str):
    session_of(alice)

    async def run(web: Web) -> None:
        streams = Streams(web, alice)
        await streams.open(5)
        getattr(redis, how)()
        # Whoever listened to a Redis that hangs finds out by itself.
        await asyncio.sleep(0 if how == "cut" else 10)
        for _ in range(3):
            streams.forget()
            assert await asyncio.to_thread(webhook, web, alice) == 202
            await asyncio.to_thread(processing.process_due)
            await streams.all_have("data: {", within=20)
        assert (await asyncio.to_thread(web.ask, alice.url("inbox/"), alice)).status == 200
        redis.mend()
        await streams.all_have("event: heartbeat", within=30)
        assert not any(streams.is_ended)
        await streams.close()

    with Web(tmp_path / "web.log", redis=redis.port) as web:
        asyncio.run(run(web))


def test_a_process_frozen_in_a_transaction_gives_its_rows_back():
    """The server ends a transaction in which nothing happens, and a statement and a wait that take too long."""
    with connection.cursor() as cursor:
        for name in ("idle_in_transaction_session_timeout", "lock_timeout", "statement_timeout"):
            cursor.execute(f"SHOW {name}")
            assert cursor.fetchone()[0] not in ("0", ""), name
