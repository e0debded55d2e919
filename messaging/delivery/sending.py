"""Messages that are due are claimed, channel by channel in turn, and given to the threads that send.

One worker owns a message by a lease that is well over the provider's time-out; `request` takes it from there.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, wait
from datetime import datetime
from queue import SimpleQueue

from django.conf import settings

from activity import installation
from core import clock
from core.jobs import close_connections, stopping
from messaging.delivery import rates as turns
from messaging.delivery.rates import PacedMessage
from messaging.delivery.request import QUEUE, return_unsent
from messaging.models import Message

logger = logging.getLogger(__name__)

# A drain ends by itself, so that no worker thread belongs to one backlog for good; the next ring or tick goes on.
DRAIN_SECONDS = 20.0
# A pace that asks for a longer wait than this is left to the next tick.
MAX_REST = 1.0
# While something is under way the queue is looked at again after so long, even if nothing ends.
LOOK_AGAIN = 0.25


def deliver_due() -> int:
    """Send what is due, channel by channel in turn; how many were worked on. Nothing leaves a restored copy."""
    if installation.is_held():
        return 0
    return _Drain(settings.OUTBOUND_CONCURRENCY).run()


class _Drain:
    """One run over the queue. Turns wait here for their moment, not in the threads that send: a slow channel's pace
    costs the others nothing."""

    def __init__(self, concurrency: int) -> None:
        self._concurrency = concurrency
        self._waiting: list[tuple[datetime, int, PacedMessage]] = []
        self._senders = _Senders(concurrency)
        self._under_way: set[Future[None]] = set()
        self._count = itertools.count()

    def run(self) -> int:
        until = time.monotonic() + DRAIN_SECONDS
        try:
            while not stopping() and time.monotonic() < until:
                self._start_what_is_due()
                if self._has_room() and self._take():
                    continue
                if not self._rest():
                    break
            self._give_back()
        finally:
            self._senders.close()
        return next(self._count)

    def _has_room(self) -> bool:
        """Claim no more than can be begun soon: a claim that waits is a message that another worker could send."""
        return len(self._waiting) + len(self._under_way) < turns.BATCH

    def _take(self) -> bool:
        taken = turns.claim_paced()
        for turn in taken:
            heapq.heappush(self._waiting, (turn.at, next(self._count), turn))
        return bool(taken)

    def _start_what_is_due(self) -> None:
        self._under_way = {future for future in self._under_way if not future.done()}
        while self._waiting and self._waiting[0][0] <= clock.now() and not stopping():
            if self._concurrency > 1 and len(self._under_way) >= 2 * self._concurrency:
                return
            _, _, turn = heapq.heappop(self._waiting)
            if turn.message.is_suspect:
                # It may be what kills the worker: nothing else is under way meanwhile.
                wait(self._under_way)
                QUEUE.do(turn.message)
            elif self._concurrency == 1:
                QUEUE.do(turn.message)
            else:
                self._under_way.add(self._senders.send(turn.message))

    def _rest(self) -> bool:
        """Until something ends or a turn comes; False when there is nothing to wait for."""
        seconds = LOOK_AGAIN
        if self._waiting:
            seconds = min(seconds, max((self._waiting[0][0] - clock.now()).total_seconds(), 0.0))
            if len(self._under_way) >= 2 * self._concurrency:
                seconds = LOOK_AGAIN
        if self._under_way:
            wait(self._under_way, timeout=seconds, return_when=FIRST_COMPLETED)
            return True
        if self._waiting:
            time.sleep(seconds)
            return True
        pause = turns.seconds_until_next()
        if pause is None or pause > MAX_REST:
            return False
        time.sleep(pause)
        return True

    def _give_back(self) -> None:
        for _, _, turn in self._waiting:
            return_unsent(turn.message)


class _Senders:
    """Threads that send, for one drain; each keeps its database connection until the drain is over."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._todo: SimpleQueue[tuple[Future[None], Message] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    def send(self, message: Message) -> Future[None]:
        """Send the message in a thread; in the calling one where none can be started."""
        future: Future[None] = Future()
        if len(self._threads) < self._most:
            self._add_thread()
        if self._threads:
            self._todo.put((future, message))
        else:
            QUEUE.do(message)
            future.set_result(None)
        return future

    def _add_thread(self) -> None:
        thread = threading.Thread(target=self._run, name=f"deliver-{len(self._threads)}")
        try:
            thread.start()
        except RuntimeError as error:
            logger.warning("no_thread_to_send", extra={"reason": str(error), "threads": len(self._threads)})
        else:
            self._threads.append(thread)

    def close(self) -> None:
        """Wait until everything is settled."""
        for _ in self._threads:
            self._todo.put(None)
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        try:
            while (item := self._todo.get()) is not None:
                future, message = item
                try:
                    QUEUE.do(message)
                finally:
                    future.set_result(None)
        finally:
            close_connections()
