"""The live feed: every web process gets a signal of every event within moments of its commit.

With Redis an event is published as it commits. Without, or while Redis is away, the process that has listeners looks at
the last seconds of the ledger a few times a second. Either way a listener gets signals (what kind of event, about
whom), never content: what a browser may see it fetches by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Collection, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import TYPE_CHECKING
from uuid import UUID
from weakref import WeakKeyDictionary

import redis
import redis.asyncio
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import close_old_connections, transaction
from django.utils import timezone

from core.registry import Registry
from core.tenancy import every_organization

if TYPE_CHECKING:
    from activity.models import Event

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.4
# A transaction may commit later than its event's time: this far back the ledger is looked at again.
LOOK_BACK = timedelta(seconds=10)
REDIS_TIMEOUT_SECONDS = 0.5
REDIS_PAUSE_SECONDS = 5.0
# Redis is asked for a sign of life after so long, and counts as away after so long without one.
REDIS_PING_SECONDS = 2.0
REDIS_SILENCE_SECONDS = 6.0
# A listener who gets "you are connected" reads everything once; signals of what happens later must not be lost.
HEARING_WITHIN_SECONDS = 3.0
QUEUE_SIZE = 500
# Not an event: signals may have been missed, so listeners read everything again.
MISSED = "live.missed"


@dataclass(frozen=True, slots=True)
class Signal:
    """An event without its content: ids only."""

    event: str
    organization: str
    type: str
    subject: str
    customer: str
    conversation: str
    # Whom alone it is for: a member's id. Empty: whoever may see what it is about.
    member: str = ""


@dataclass(frozen=True, slots=True)
class OwnSource:
    """Something of one member each that pages show and no event tells of. `changed` gives, of an organization, the
    members whose it is that changed since a moment, each with what tells one change from the next; in one query."""

    name: str
    changed: Callable[[str, datetime], Iterable[tuple[str, str]]]


OWN_SOURCES: Registry[OwnSource] = Registry("Members' own live changes", name=lambda source: source.name)


def announce_own(name: str, *, organization_id: UUID, member_ids: Collection[UUID]) -> None:
    """Publish when the transaction commits that something of these members' own changed. Never raises.

    Without Redis it is found by the source of this name.
    """
    if settings.REDIS_URL:
        signals = [_own_signal(name, str(organization_id), str(pk)) for pk in member_ids]
        for signal in signals:
            transaction.on_commit(partial(_publish, signal), robust=True)


def _own_signal(name: str, organization: str, member: str, mark: str = "") -> Signal:
    return Signal(f"{name}:{member}:{mark}", organization, name, "", "", "", member)


def announce(event: Event) -> None:
    """Publish this event's signal when the transaction commits. Never raises, never waits long."""
    if settings.REDIS_URL:
        transaction.on_commit(lambda: _publish(_signal(event)), robust=True)


def announce_many(last: Event) -> None:
    """Publish one signal, MISSED, for this event and the many before it: listeners read everything again."""
    if settings.REDIS_URL:
        signal = _much_changed(str(last.organization_id), str(last.pk))
        transaction.on_commit(lambda: _publish(signal), robust=True)


def _much_changed(organization: str, event: str = "") -> Signal:
    return Signal(event, organization, MISSED, "", "", "")


def channel_name() -> str:
    """The Redis channel of this installation; with the database's number, since Redis publishes across databases."""
    address: dict[str, object] = redis.connection.parse_url(settings.REDIS_URL)  # type: ignore[no-untyped-call]
    number = address.get("db", 0)
    return f"parley:live:{number}"


def _signal(event: Event) -> Signal:
    return Signal(
        event=str(event.pk),
        organization=str(event.organization_id),
        type=event.type,
        subject=event.subject_id,
        customer=str(event.customer_id or ""),
        conversation=str(event.payload.get("conversation", "")),
    )


@lru_cache(maxsize=1)
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url, socket_timeout=REDIS_TIMEOUT_SECONDS, socket_connect_timeout=REDIS_TIMEOUT_SECONDS, retry_on_timeout=False
    )


_quiet_until = 0.0


def _publish(signal: Signal) -> None:
    global _quiet_until
    if time.monotonic() < _quiet_until:
        return
    try:
        _client(settings.REDIS_URL).publish(channel_name(), json.dumps(asdict(signal)))
    except redis.RedisError:
        # Browsers poll meanwhile; a web request must not wait for a dead Redis each time.
        _quiet_until = time.monotonic() + REDIS_PAUSE_SECONDS
        logger.warning("live_publish_failed")


class Feed:
    """A process's subscription: started with the first listener, stopped with the last."""

    def __init__(self) -> None:
        self._queues: dict[str, set[asyncio.Queue[Signal]]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None
        self._seen: dict[str, float] = {}
        self._hearing = asyncio.Event()

    @contextlib.asynccontextmanager
    async def listen(self, organization_id: str) -> AsyncGenerator[asyncio.Queue[Signal]]:
        """A queue of this organization's signals from here on. A listener too slow to read gets a MISSED."""
        queue: asyncio.Queue[Signal] = asyncio.Queue(maxsize=QUEUE_SIZE)
        self._queues[organization_id].add(queue)
        if self._task is None or self._task.done():
            self._hearing.clear()
            self._task = asyncio.create_task(self._run())
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hearing.wait(), HEARING_WITHIN_SECONDS)
            yield queue
        finally:
            self._queues[organization_id].discard(queue)
            if not self._queues[organization_id]:
                del self._queues[organization_id]
            if not self._queues and self._task is not None:
                self._task.cancel()
                self._task = None

    async def _run(self) -> None:
        while True:
            try:
                if settings.REDIS_URL:
                    await self._listen_to_redis()
                else:
                    await self._read_ledger()
            except (redis.RedisError, TimeoutError):
                logger.warning("live_feed_without_redis")
                await self._read_ledger(for_seconds=REDIS_PAUSE_SECONDS)
            except Exception:
                logger.warning("live_feed_failed", exc_info=True)
                await asyncio.sleep(1)

    async def _listen_to_redis(self) -> None:
        client = redis.asyncio.Redis.from_url(
            settings.REDIS_URL, socket_connect_timeout=REDIS_TIMEOUT_SECONDS, health_check_interval=10
        )
        try:
            async with client.pubsub() as pubsub:
                await pubsub.subscribe(channel_name())
                answered_at = time.monotonic()
                while True:
                    message = await pubsub.get_message(timeout=REDIS_PING_SECONDS)
                    if message is None:
                        # A server that is frozen keeps the connection open and says nothing.
                        if time.monotonic() - answered_at > REDIS_SILENCE_SECONDS:
                            raise redis.ConnectionError("Redis does not answer.")
                        await asyncio.wait_for(pubsub.ping(), REDIS_PING_SECONDS)
                        continue
                    answered_at = time.monotonic()
                    if message["type"] == "subscribe":
                        self._note_alive()
                    elif message["type"] == "message":
                        self._pass_on(Signal(**json.loads(message["data"])))
        finally:
            await client.aclose()

    async def _read_ledger(self, for_seconds: float | None = None) -> None:
        until = None if for_seconds is None else time.monotonic() + for_seconds
        self._seen = {row.event: time.monotonic() for row in await self._recent()}
        self._note_alive()
        while until is None or time.monotonic() < until:
            await asyncio.sleep(POLL_SECONDS)
            now = time.monotonic()
            for signal in await self._recent():
                if signal.event not in self._seen:
                    self._pass_on(signal)
                self._seen[signal.event] = now
            self._seen = {key: at for key, at in self._seen.items() if at > now - 2 * LOOK_BACK.total_seconds()}

    def _note_alive(self) -> None:
        """Note that signals arrive again; what came since the last source may be missed, so listeners get a MISSED."""
        if self._hearing.is_set():
            for organization in list(self._queues):
                self._pass_on(_much_changed(organization))
        self._hearing.set()

    async def _recent(self) -> list[Signal]:
        return await sync_to_async(_recent_signals, thread_sensitive=False)(list(self._queues))

    def _pass_on(self, signal: Signal) -> None:
        for queue in self._queues.get(signal.organization, ()):
            if queue.full():
                # Too slow to read: one MISSED stands for all that it lost.
                while not queue.empty():
                    queue.get_nowait()
                signal = replace(signal, type=MISSED)
            queue.put_nowait(signal)


def _recent_signals(organization_ids: list[str]) -> list[Signal]:
    close_old_connections()
    try:
        since = timezone.now()
        return [signal for organization_id in organization_ids for signal in signals_since(organization_id, since)]
    finally:
        close_old_connections()


def signals_since(organization_id: str, since: datetime) -> list[Signal]:
    """The signals of what was committed after `since`, oldest first, and of LOOK_BACK before it.

    Of more than a queue holds there is one, MISSED, another each second, so that an import of thousands does not read
    them all again and again.
    """
    from activity.models import Event

    with every_organization("the feed serves the listeners of all organizations"):
        newest = (
            Event.objects.filter(organization_id=organization_id, occurred_at__gte=since - LOOK_BACK)
            .order_by("-occurred_at", "-id")
            .only("organization_id", "type", "subject_id", "customer_id", "payload")
        )
        signals = [_signal(row) for row in newest[:QUEUE_SIZE]]
        own = [
            _own_signal(source.name, organization_id, member, mark)
            for source in OWN_SOURCES
            for member, mark in source.changed(organization_id, since - LOOK_BACK)
        ]
    if len(signals) + len(own) >= QUEUE_SIZE:
        return [_much_changed(organization_id, f"{organization_id} at {int(time.time())}")]
    return [*signals[::-1], *own]


_feeds: WeakKeyDictionary[asyncio.AbstractEventLoop, Feed] = WeakKeyDictionary()


def feed() -> Feed:
    """The feed of the running event loop."""
    return _feeds.setdefault(asyncio.get_running_loop(), Feed())
