"""Inbound deliveries: stored before they are processed."""

from __future__ import annotations

import hashlib
import json
from contextlib import nullcontext
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from core import clock
from core.jobs import wake_up
from messaging.channels.abilities import Proof
from messaging.channels.text import clean
from messaging.models import Arrival, Channel, Message

# Anybody can send what nobody can verify: at most 64 kB each, so 128 MB in all.
MAX_UNVERIFIED: Final = 2000


MAX_UNVERIFIED_OF_AN_ACCOUNT: Final = 500


AT_ONCE: Final = 2000


WAITING: Final = (Arrival.State.UNROUTABLE, Arrival.State.UNVERIFIED)


def proof_of(arrival: Arrival) -> Proof | None:
    """The proof that was stored with a delivery; None where there is none."""
    values = arrival.proof
    names = [field.name for field in fields(Proof)]
    if not isinstance(values, dict) or not all(isinstance(values.get(name), str) for name in names):
        return None
    return Proof(**{name: values[name] for name in names})


def _as_json(proof: Proof) -> dict[str, str]:
    return {name: value[:4000] for name, value in asdict(proof).items()}


def waiting() -> QuerySet[Arrival]:
    """Deliveries without a channel, which are not verified."""
    rows: QuerySet[Arrival] = Arrival.objects.filter(state__in=WAITING, organization__isnull=True)
    return rows


def purge_excess(account_id: str) -> None:
    """Delete the oldest unverified deliveries beyond the limits for an account and in all."""
    for rows, most in (
        (waiting().filter(account_id=account_id), MAX_UNVERIFIED_OF_AN_ACCOUNT),
        (waiting(), MAX_UNVERIFIED),
    ):
        oldest = list(rows.order_by("-received_at", "-pk").values_list("pk", flat=True)[most : most + AT_ONCE])
        if oldest:
            waiting().filter(pk__in=oldest).delete()


PROCESS = "messaging.tasks.process_inbound"


def store(
    *,
    key: str,
    provider: str,
    kind: str,
    arrival_type: str,
    body: bytes,
    query: str = "",
    channel: Channel | None = None,
    after: timedelta = timedelta(0),
    why_not: str = "No channel has this address.",
    set_aside: str = "",
    received_at: datetime | None = None,
    proof: Proof | None = None,
    account_id: str = "",
) -> bool:
    """Keep something that arrived; False where it is here already. The work on it is rung for, not done.

    Without a channel nobody has verified it: it waits, with the `proof` that verifies it later, for an administrator,
    who reads in `why_not` what it lacks. What is `set_aside` for that reason waits too, as it can't be worked on.
    """
    now = clock.now()
    row = Arrival(
        key=key if len(key) <= 200 and clean(key) == key else hashlib.sha256(repr(key).encode()).hexdigest(),
        provider=provider,
        kind=kind,
        type=arrival_type,
        body=body,
        query=clean(query)[:500],
        proof=_as_json(proof) if proof is not None and channel is None else None,
        account_id=clean(account_id)[:64],
        channel=channel,
        organization_id=channel.organization_id if channel else None,
        state=(Arrival.State.SET_ASIDE if set_aside else Arrival.State.PENDING)
        if channel
        else Arrival.State.UNROUTABLE,
        due_at=now + after if channel and not set_aside else None,
        last_error=set_aside if channel else why_not,
        received_at=received_at or now + after,
    )
    if not _insert(row):
        return False
    if channel is None:
        purge_excess(row.account_id)
    elif not after:
        wake_up(PROCESS)
    return True


def webhook_key(channel: Channel, provider_message_id: str, about: str) -> str:
    """The unique key of a delivery: of the channel, the provider's id and its subject.

    It has the channel's id, so that deliveries of channels never collide.
    """
    return f"{channel.provider}:{channel.pk}:{provider_message_id}:{about}"


def expect_status(
    *, message: Message, provider_message_id: str, status: str, error_code: str, after: timedelta
) -> None:
    """A status that a provider without callbacks foretells; it arrives by itself when its time has come."""
    payload = {"provider_message_id": provider_message_id, "status": status, "error_code": error_code}
    # Some providers give the same message the same id each time it is tried.
    attempt = message.request_began_at.isoformat() if message.request_began_at else ""
    store(
        key=f"{message.channel.provider}:status:{provider_message_id}:{status}:{attempt}",
        provider=message.channel.provider,
        kind=message.channel.kind,
        arrival_type=Arrival.Type.STATUS,
        body=json.dumps(payload).encode(),
        query=f"message={message.pk}",
        channel=message.channel,
        after=after,
    )


def _insert(row: Arrival) -> bool:
    """One INSERT; its unique key decides which of several equal webhooks at once is stored."""
    in_transaction = transaction.get_connection().in_atomic_block
    try:
        # A savepoint keeps a caller's transaction usable; without one the statement stands alone and needs none.
        with transaction.atomic() if in_transaction else nullcontext():
            row.save(force_insert=True)
    except IntegrityError:
        if Arrival.objects.filter(key=row.key).exists():
            return False
        raise  # not the same arrival: its channel went away in this moment
    return True
