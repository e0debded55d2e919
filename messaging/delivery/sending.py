"""A send is claimed, sent, settled.

One worker owns a message by a lease that is well over the provider's time-out. In the moment before the request leaves
`request_began_at` is written behind the fence: a claim that dies before is safe to send again, one that dies after is
`unconfirmed`, and the provider is asked before anything else happens (`reconcile`).
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, wait
from datetime import datetime, timedelta
from queue import SimpleQueue

from django.conf import settings
from django.db import transaction

from activity import installation
from activity.actor import SYSTEM, acting_as
from core import clock, queues
from core.claims import give_back
from core.encryption import DecryptionFailed
from core.jobs import close_connections, stopping
from core.tenancy import organization_scope
from messaging import alerts
from messaging.channels import registry
from messaging.channels.base import (
    Account,
    OutgoingMessage,
    Provider,
    Retry,
    SendError,
    SendResult,
    SendUnconfirmed,
)
from messaging.delivery import checks, drafts, outgoing, statuses
from messaging.delivery import rates as turns
from messaging.delivery.rates import PacedMessage
from messaging.delivery.statuses import Failure
from messaging.inbound_deliveries.store import expect_status
from messaging.models import Attachment, Message
from messaging.threads import services as conversations

logger = logging.getLogger(__name__)

# A drain ends by itself, so that no worker thread belongs to one backlog for good; the next ring or tick goes on.
DRAIN_SECONDS = 20.0
# A pace that asks for a longer wait than this is left to the next tick.
MAX_REST = 1.0
# While something is under way the queue is looked at again after so long, even if nothing ends.
LOOK_AGAIN = 0.25

Status = Message.Status


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
            _give_back(turn.message)


class _Senders:
    """Threads that send, for one drain; each keeps its database connection until the drain is over."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._todo: SimpleQueue[tuple[Future[None], Message] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    def send(self, message: Message) -> Future[None]:
        """Have a thread send it; this one does where the system gives no thread at all."""
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
            while (given := self._todo.get()) is not None:
                future, message = given
                try:
                    QUEUE.do(message)
                finally:
                    future.set_result(None)
        finally:
            close_connections()


def set_aside(message: Message, reason: str) -> None:
    """Never sent again by itself: it failed, or is unconfirmed where its request may have left. A person decides."""
    with organization_scope(message.organization), acting_as(SYSTEM):
        if message.request_began_at is not None:
            _settle_unconfirmed(message, reason)
        else:
            text = f"{reason} It did not leave. Choose “Send again” to try once more."
            _settle_failure(message, Failure("set_aside", text, Retry.NEVER))


def _deliver(message: Message) -> None:
    with organization_scope(message.organization), acting_as(SYSTEM):
        if message.request_began_at is not None:
            _settle_unconfirmed(message, "The worker that was sending this stopped before it knew the outcome.")
            return
        if stopping() or turns.is_paused(message):
            give_back([message], status=Status.QUEUED)
            return
        refused = _refusal(message)
        if isinstance(refused, checks.WindowClosed) and message.fallback_template is not None:
            refused = _refusal(message) if _fall_back(message) else None
            if not message.content_sid:
                return
        if refused is not None:
            _settle_failure(message, Failure(refused.code, str(refused), Retry.NEVER))
        elif (request := _prepare(message)) is not None and _begin(message):
            _send(message, *request)


def _refusal(message: Message) -> checks.SendingRefused | None:
    return checks.reason_against(
        message.conversation,
        at=clock.now(),
        is_content=bool(message.content_sid),
        is_automatic=message.origin in outgoing.AUTOMATIC,
    )


def _fall_back(message: Message) -> bool:
    """The reply window has closed meanwhile: the approved template goes out instead. False, and settled, where not."""
    template = message.fallback_template
    if template is None:
        return False
    try:
        rendered = drafts.render_for(message, template, message.fallback_variables)
    except drafts.InvalidText as error:
        _settle_failure(message, Failure("fallback", f"The reply window has closed. {error}", Retry.FIX))
        return False
    changes = {
        "template": template,
        "body": rendered.body,
        "content_sid": rendered.content_sid,
        "content_variables": rendered.content_variables,
    }
    if Message.objects.filter(pk=message.pk, claim_token=message.claim_token).update(**changes) != 1:
        return False
    # The template carries its own files; those of the text stay here, and are said to.
    Attachment.objects.filter(message=message).update(
        state=Attachment.State.FAILED,
        reason="Not sent: the reply window had closed, the template went out instead.",
    )
    for name, value in changes.items():
        setattr(message, name, value)
    return True


def _give_back(message: Message) -> None:
    if message.request_began_at is None:
        give_back([message], status=Status.QUEUED)
    else:
        _settle_unconfirmed(message, "The worker that was sending this stopped before it knew the outcome.")


def _begin(message: Message) -> bool:
    """The last write before the request, behind the fence; False when the claim is no longer ours."""
    now = clock.now()
    rows = Message.objects.filter(pk=message.pk, claim_token=message.claim_token, due_at__gt=now)
    message.request_began_at = now
    return rows.update(request_began_at=now) == 1


def _prepare(message: Message) -> tuple[Provider, Account, OutgoingMessage] | None:
    """All that can go wrong on our side goes wrong here, while it is certain that nothing left."""
    try:
        return registry.provider(message.channel.provider), message.channel.as_account(), outgoing.build(message)
    except DecryptionFailed as error:
        text = f"The channel’s secrets can’t be read. {error} An administrator can put the key back."
        alerts.raise_alert(message.channel, code="credentials", text=text)
        _settle_failure(message, Failure("credentials", text, Retry.LATER))
        return None
    except Exception:
        logger.exception("message_not_prepared", extra={"message_id": str(message.pk)})
        text = "This could not be prepared for sending; the log tells an administrator why."
        _settle_failure(message, Failure("not_prepared", text, Retry.LATER))
        return None


def _send(message: Message, provider: Provider, account: Account, request: OutgoingMessage) -> None:
    try:
        result = provider.send(account, request)
    except SendError as error:
        _settle_failure(message, Failure(error.code, error.message, error.retry, error.retry_after))
        if error.retry == Retry.BACKOFF:
            turns.slow_down(message, error.retry_after)
    except SendUnconfirmed as unknown:
        _settle_unconfirmed(message, str(unknown))
    except Exception:
        # A fault of ours: nobody can say on which side of the request it happened.
        logger.exception("send_failed_unexpectedly", extra={"message_id": str(message.pk)})
        _settle_unconfirmed(message, "Something went wrong while this was being sent.")
    else:
        _settle_sent(message, result)


@transaction.atomic
def _settle_sent(message: Message, result: SendResult) -> None:
    now = clock.now()
    is_ours = statuses.write_if_claimed(
        message,
        Status.SENT,
        provider_message_id=result.provider_message_id,
        sent_at=now,
        error_code="",
        error_message="",
    )
    if is_ours:
        conversations.record_answer(message.conversation_id, at=now)
        alerts.resolve(message.channel)
    else:
        # A callback was quicker than the provider's own answer, or the lease ran out: only what is news is applied.
        statuses.advance(message_id=message.pk, status=Status.SENT, provider_message_id=result.provider_message_id)
    for later in result.later:
        expect_status(
            message=message,
            provider_message_id=result.provider_message_id,
            status=later.status,
            error_code=later.error_code,
            after=later.after,
        )


@transaction.atomic
def _settle_failure(message: Message, failure: Failure) -> None:
    locked = _lock(message)
    if locked is not None:
        statuses.fail(locked, failure)


@transaction.atomic
def _settle_unconfirmed(message: Message, why: str) -> None:
    locked = _lock(message)
    if locked is not None:
        statuses.write(
            locked,
            Status.UNCONFIRMED,
            due_at=clock.now() + statuses.CONFIRM_AFTER,
            error_code="unconfirmed",
            error_message=f"{why} The provider is being asked whether it has the message."[:500],
        )


def _lock(message: Message) -> Message | None:
    """The row, locked, if the claim is still ours."""
    return (
        Message.objects.select_for_update(of=("self",), no_key=True)
        .select_related("customer__organization", "channel")
        .filter(pk=message.pk, claim_token=message.claim_token)
        .first()
    )


QUEUE = queues.register(
    queues.Queue(
        name="outbound",
        model=Message,
        rows=turns.due,
        work=_deliver,
        set_aside=set_aside,
        why="the queue serves all organizations in turn",
        lease=timedelta(seconds=settings.OUTBOUND_LEASE_SECONDS),
        # A send ends with the provider's time-out, long before its lease.
        longest=timedelta(seconds=2 * settings.OUTBOUND_LEASE_SECONDS),
    )
)
