"""Live updates: one look for a signal, whoever watches.

Everybody who has a page open in an organization is a watcher. A signal is looked at once for all of them: who is still
a member and signed in, and who of them may see the customer and conversation that it is about. Members who see the same
records share one piece of text. So a signal costs the same number of statements for one and for a hundred watchers,
and a watcher holds no database connection and no thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
from collections import defaultdict
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async
from django.contrib.sessions.models import Session
from django.db import close_old_connections
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.credentials.readiness import is_ready
from accounts.credentials.ways import OWN, Ways
from accounts.impersonation import services as impersonation
from accounts.models import Member
from activity.live import MISSED, Signal, feed, signals_since
from core.tenancy import every_organization, organization_scope
from customers.models import Customer
from customers.models.querysets import OwnersInReach, owners_in_reach
from messaging.models import Conversation

logger = logging.getLogger(__name__)

PERMISSION = "conversations.view"
HEARTBEAT_SECONDS = 15.0
# What one transaction did comes as one: a message, its tags, the list.
GATHER_SECONDS = 0.02
# After a failed look the next one comes this much later, with some chance in it.
RETRY_SECONDS = 1.0
# Of all connections of the process at most so many are ever used for looks.
MAX_LOOKS_AT_ONCE = 2
# A browser that reads no faster is sent one "look at everything" for all that waits.
MAX_WAITING = 50
READY_WITHIN_SECONDS = 4.0
# What a page that was rendered longer ago does not show is not read one by one: it asks for everything.
MAX_PAGE_AGE = timedelta(minutes=5)

HEARTBEAT = "event: heartbeat\ndata: {}\n\n"
# The page says that it is cut off, and asks by itself until the next heartbeat.
PAUSED = "event: paused\ndata: {}\n\n"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who watches, and by which sign-in: the stream ends with either."""

    member_id: UUID
    organization_id: UUID
    session_key: str
    session_hash: str
    ways: Ways = OWN
    impersonation_id: UUID | None = None


@dataclass(eq=False, slots=True)
class Watcher:
    """One open stream; what it has to send stands in its queue, None as its end."""

    credentials: Credentials
    queue: asyncio.Queue[str | None] = field(default_factory=lambda: asyncio.Queue(MAX_WAITING))

    def send(self, text: str | None) -> None:
        if self.queue.full():
            while not self.queue.empty():
                if self.queue.get_nowait() is None:
                    text = None
            text = text and EVERYTHING
        self.queue.put_nowait(text)


def encode(rows: Iterable[Mapping[str, object]]) -> str:
    """Server-sent events: `customers` and `conversation` for what changed."""
    return "".join(
        f"event: {'customers' if 'customers' in row else 'conversation'}\ndata: {json.dumps(row)}\n\n" for row in rows
    )


EVERYTHING = encode([{"all": True}])


class Room:
    """The watchers of one organization and the task that looks for them."""

    def __init__(self, organization_id: UUID, looks: asyncio.Semaphore) -> None:
        self.organization_id = organization_id
        self.watchers: set[Watcher] = set()
        self.ready = asyncio.Event()
        self._looks = looks
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while True:
            try:
                async with feed().listen(str(self.organization_id)) as signals:
                    self.ready.set()
                    await self._serve(signals)
            except Exception:
                # Whatever it was: the streams stay, and look at everything afterwards.
                logger.exception("live_updates_failed")
                await asyncio.sleep(RETRY_SECONDS)

    async def _serve(self, queue: asyncio.Queue[Signal]) -> None:
        has_failed = False
        while True:
            signals = [] if has_failed else await _gather(queue)
            if has_failed:
                await asyncio.sleep(RETRY_SECONDS * random.uniform(0.8, 1.2))  # noqa: S311 - spreads load, keeps no secret
                while not queue.empty():
                    queue.get_nowait()
                signals = [Signal("", str(self.organization_id), MISSED, "", "", "")]
            watchers = list(self.watchers)
            try:
                async with self._looks:
                    texts = await sync_to_async(_look_in_thread, thread_sensitive=False)(
                        self.organization_id, [watcher.credentials for watcher in watchers], signals
                    )
            except Exception as error:  # noqa: BLE001 - a look may fail in any way; the stream survives it
                logger.warning("live_look_failed", extra={"reason": f"{type(error).__name__}: {error}"})
                has_failed = True
                for watcher in watchers:
                    watcher.send(PAUSED)
                continue
            for watcher, text in zip(watchers, texts, strict=True):
                if text is None:
                    watcher.send(None)
                elif text or not signals or has_failed:
                    # After a failure the heartbeat shows the page that it is connected again.
                    watcher.send(text + HEARTBEAT if has_failed else text or HEARTBEAT)
            has_failed = False


async def _gather(queue: asyncio.Queue[Signal]) -> list[Signal]:
    """The signals that came together; none when it is time for a heartbeat."""
    try:
        signals = [await asyncio.wait_for(queue.get(), HEARTBEAT_SECONDS)]
    except TimeoutError:
        return []
    await asyncio.sleep(GATHER_SECONDS)
    while not queue.empty():
        signals.append(queue.get_nowait())
    return signals


class Rooms:
    """The rooms of one event loop; a room is there while somebody watches."""

    def __init__(self) -> None:
        self._rooms: dict[UUID, Room] = {}
        self._looks = asyncio.Semaphore(MAX_LOOKS_AT_ONCE)

    async def missed(self, credentials: Credentials, rendered_at: datetime | None) -> str | None:
        """What changed between a page's rendering and this stream; None for whoever has to leave.

        An empty text where nothing did. Without a time, or where the look fails, it is "look at everything".
        """
        if rendered_at is None or not timezone.now() - MAX_PAGE_AGE < rendered_at:
            return EVERYTHING
        try:
            async with self._looks:
                return await sync_to_async(_missed_in_thread, thread_sensitive=False)(credentials, rendered_at)
        except Exception as error:  # noqa: BLE001 - a look may fail in any way; the page asks by itself
            logger.warning("live_look_failed", extra={"reason": f"{type(error).__name__}: {error}"})
            return EVERYTHING

    @contextlib.asynccontextmanager
    async def watching(self, credentials: Credentials) -> AsyncGenerator[asyncio.Queue[str | None]]:
        """The texts for this watcher from here on; None says that the stream has to end."""
        room = self._rooms.get(credentials.organization_id)
        if room is None:
            room = self._rooms[credentials.organization_id] = Room(credentials.organization_id, self._looks)
        watcher = Watcher(credentials)
        room.watchers.add(watcher)
        try:
            # What a page does not show yet is looked for after this (`missed`); what comes later must reach it.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(room.ready.wait(), READY_WITHIN_SECONDS)
            yield watcher.queue
        finally:
            room.watchers.discard(watcher)
            if not room.watchers and self._rooms.get(credentials.organization_id) is room:
                del self._rooms[credentials.organization_id]
                room.task.cancel()


_rooms: WeakKeyDictionary[asyncio.AbstractEventLoop, Rooms] = WeakKeyDictionary()


def rooms() -> Rooms:
    """The rooms of the running event loop."""
    return _rooms.setdefault(asyncio.get_running_loop(), Rooms())


def _look_in_thread(organization_id: UUID, watchers: list[Credentials], signals: list[Signal]) -> list[str | None]:
    close_old_connections()
    try:
        return look(organization_id, watchers, signals)
    finally:
        close_old_connections()


def _missed_in_thread(credentials: Credentials, rendered_at: datetime) -> str | None:
    close_old_connections()
    try:
        signals = signals_since(str(credentials.organization_id), rendered_at)
        [text] = look(credentials.organization_id, [credentials], signals) if signals else [""]
        return text
    finally:
        close_old_connections()


def look(organization_id: UUID, watchers: list[Credentials], signals: list[Signal]) -> list[str | None]:
    """What each watcher is sent, in their order: None for whoever has to leave, an empty text for nothing.

    The number of statements depends neither on the watchers nor on the signals.
    """
    sessions = _open_sessions({one.session_key for one in watchers})
    members = _members(organization_id, {one.member_id for one in watchers if one.session_key in sessions})
    acting = impersonation.still_good({one.impersonation_id for one in watchers if one.impersonation_id})
    present = [
        members.get(one.member_id) if _is_signed_in(one, sessions, members) and _still_acts(one, acting) else None
        for one in watchers
    ]
    staying = {member.pk: member for member in present if member is not None}
    if not staying or not signals:
        return [None if member is None else "" for member in present]
    with organization_scope(next(iter(staying.values())).organization):
        texts = _texts(staying.values(), signals)
    return [None if member is None else texts[member.pk] for member in present]


def _still_acts(one: Credentials, acting: Collection[UUID]) -> bool:
    """True where nobody acts for the member, or nothing has ended that somebody does."""
    return one.impersonation_id is None or one.impersonation_id in acting


def _open_sessions(keys: Collection[str]) -> set[str]:
    rows = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    return set(rows.values_list("session_key", flat=True))


def _members(organization_id: UUID, ids: Collection[UUID]) -> dict[UUID, Member]:
    with every_organization("a stream outlives its request: the memberships are looked up again"):
        rows = Member.objects.active().with_access().filter(organization=organization_id, pk__in=ids)
        return {row.pk: row for row in rows if row.may(PERMISSION)}


def _is_signed_in(one: Credentials, sessions: set[str], members: dict[UUID, Member]) -> bool:
    """Whether the session is still there, still opens the organization, and the password is that of the beginning."""
    member = members.get(one.member_id)
    if member is None or one.session_key not in sessions or not is_ready(member, one.ways):
        return False
    return constant_time_compare(one.session_hash, member.user.get_session_auth_hash())


def _texts(members: Iterable[Member], signals: list[Signal]) -> dict[UUID, str]:
    reaches = owners_in_reach(members)
    if any(signal.type == MISSED for signal in signals):
        return dict.fromkeys(reaches, EVERYTHING)
    customers = {signal.customer for signal in signals if signal.customer}
    owners: dict[str, UUID | None] = {}
    conversations: dict[str, list[str]] = defaultdict(list)
    if customers:
        for pk, owner in Customer.objects.present().filter(pk__in=customers).values_list("pk", "assigned_to_id"):
            owners[str(pk)] = owner
        for pk, customer in Conversation.objects.filter(customer__pk__in=customers).values_list("pk", "customer_id"):
            conversations[str(customer)].append(str(pk))
    texts: dict[OwnersInReach, str] = {}
    for reach in set(reaches.values()):
        visible = {customer for customer, owner in owners.items() if owner in reach}
        texts[reach] = encode(_rows(visible, conversations, signals))
    return {pk: texts[reach] + _own(pk, signals) for pk, reach in reaches.items()}


def _own(member_id: UUID, signals: list[Signal]) -> str:
    """What changed of the member's own: its names, once each, and nothing of anybody else's."""
    names = {signal.type for signal in signals if signal.member == str(member_id)}
    return "".join(f"event: own\ndata: {json.dumps({'name': name})}\n\n" for name in sorted(names))


def _rows(visible: set[str], conversations: dict[str, list[str]], signals: list[Signal]) -> list[dict[str, object]]:
    """One row a conversation, of several signals the message received; one for the lists of customers."""
    rows: dict[str, dict[str, object]] = {}
    for signal in signals:
        if signal.member:
            continue
        reachable = conversations[signal.customer] if signal.customer in visible else []
        for pk in [signal.conversation] if signal.conversation in reachable else reachable:
            if pk not in rows or signal.type == "message.received":
                rows[pk] = {"conversation": pk, "customer": signal.customer, "type": signal.type}
        if not reachable and signal.type == "customer.assigned":
            # Perhaps out of reach by this very change: the page looks at everything again, and no id is sent.
            rows.setdefault("", {"all": True})
    lists: dict[str, object] = {"customers": sorted(visible)}
    return [*rows.values(), *([lists] if visible else [])]
