"""A POST is done once for a key: the first answer is kept for a day and given again.

A call takes its key in a transaction of its own, does its work and writes its answer in a second one, behind the fence
of its token. So a process that dies leaves no work done, and a key that is free again when its lease ends.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import IdempotentCall, Organization
from core.encryption import DecryptionFailed
from core.refused import Refused
from core.tenancy import every_organization

KEPT = timedelta(hours=24)
LEASE = timedelta(seconds=60)
AT_ONCE = 1000


class OtherBody(Refused):
    """The key came with another body."""

    status, code = 422, "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("This key was used with another body. Use a new key for a new call.")


class InProgress(Refused):
    """The first call with the key is still in work."""

    status, code = 409, "idempotency"

    def __init__(self) -> None:
        super().__init__("The first call with this key is still in work. Ask again in a moment.")


class AnswerMissing(Refused):
    """The kept answer was encrypted with a key that is gone."""

    status, code = 409, "idempotency"

    def __init__(self) -> None:
        super().__init__("The first call with this key was done, but its answer can’t be read any more.")


def reserve(*, organization: Organization, key_hash: str, body_hash: str) -> IdempotentCall:
    """The key's row: answered, or ours to work on now. Raises OtherBody or InWork."""
    for _ in range(5):
        call = IdempotentCall.objects.filter(organization=organization, key_hash=key_hash).first()
        if call is None:
            call = _make(organization, key_hash, body_hash)
        elif call.created_at < timezone.now() - KEPT:
            IdempotentCall.objects.filter(pk=call.pk, created_at=call.created_at).delete()
            call = None
        elif call.body_hash != body_hash:
            raise OtherBody
        elif not call.is_answered:
            if call.leased_until > timezone.now():
                raise InProgress
            call = _reserve_again(call)
        if call is not None:
            return call
    raise InProgress


def renew(call: IdempotentCall) -> None:
    """In the work's transaction: nobody else answers this call from here on. Raises InWork when somebody took it."""
    if not IdempotentCall.objects.filter(pk=call.pk, token=call.token).update(leased_until=timezone.now() + LEASE):
        raise InProgress


def store(call: IdempotentCall, *, status: int, headers: dict[str, str], body: str) -> None:
    """Write the answer, in the work's transaction where there is one."""
    mine = IdempotentCall.objects.filter(pk=call.pk, token=call.token)
    mine.update(status=status, token=None, answer={"headers": headers, "body": body})


def release(call: IdempotentCall) -> None:
    """Nothing was done: the next call with this key is a first one."""
    IdempotentCall.objects.filter(pk=call.pk, token=call.token).delete()


def answer_of(call: IdempotentCall) -> dict[str, Any]:
    """`headers` and `body` of an answered call. Raises AnswerMissing."""
    try:
        kept: dict[str, object] = call.answer
    except DecryptionFailed as error:
        raise AnswerMissing from error
    return kept


def purge_old() -> int:
    """Delete what is older than a day; how many that were."""
    gone = 0
    with every_organization("a day is over for everybody"):
        while True:
            old = IdempotentCall.objects.filter(created_at__lt=timezone.now() - KEPT).values_list("pk", flat=True)
            count, _ = IdempotentCall.objects.filter(pk__in=list(old[:AT_ONCE])).delete()
            gone += count
            if count < AT_ONCE:
                return gone


def purge_about(*, organization: Organization, words: Collection[str]) -> None:
    """Lose the kept answers in which one of these words stands: who is erased is not told of again."""
    answered = IdempotentCall.objects.filter(organization=organization, status__isnull=False)
    gone = [call.pk for call in answered.iterator(chunk_size=AT_ONCE) if _mentions(call, words)]
    for start in range(0, len(gone), AT_ONCE):
        IdempotentCall.objects.filter(pk__in=gone[start : start + AT_ONCE]).delete()


def _mentions(call: IdempotentCall, words: Collection[str]) -> bool:
    try:
        body = str(call.answer["body"]).casefold()
    except DecryptionFailed:
        return True  # nobody can read it, so nobody misses it
    return any(word.casefold() in body for word in words)


def _make(organization: Organization, key_hash: str, body_hash: str) -> IdempotentCall | None:
    try:
        with transaction.atomic():
            return IdempotentCall.objects.create(
                organization=organization,
                key_hash=key_hash,
                body_hash=body_hash,
                token=uuid.uuid4(),
                leased_until=timezone.now() + LEASE,
            )
    except IntegrityError:
        return None  # somebody was quicker


def _reserve_again(call: IdempotentCall) -> IdempotentCall | None:
    token, until = uuid.uuid4(), timezone.now() + LEASE
    expired = IdempotentCall.objects.filter(pk=call.pk, token=call.token, leased_until__lte=timezone.now())
    if not expired.update(token=token, leased_until=until):
        return None
    call.token, call.leased_until = token, until
    return call
