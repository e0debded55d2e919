"""The sealer: committed events are appended to their organization's chain, within seconds and in order.

Whoever writes an event waits for nobody: the row carries its proof, and the chain's head is locked by the sealer alone
(docs/decisions/0070). It runs with every tick; two of them take turns by the lock on the head.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet

from activity import events
from activity.actor import SYSTEM
from activity.audit import content, guard
from activity.ledger import record
from activity.models import AuditChain, AuditLink, Event
from core import clock
from core.inserting import insert
from core.jobs import stopping
from core.tenancy import every_organization

logger = logging.getLogger(__name__)

STEP: Final = 500
WHY: Final = "the events of all organizations are sealed by one sweep"
FIELDS: Final = (
    "id", "organization_id", "type", "occurred_at", "actor_kind", "actor_id", "actor_label", "impersonator_id",
    "request_id", "depth", "subject_type", "subject_id", "customer_id", "payload", "source_key", "salt", "proof",
)  # fmt: skip


def seal_due(*, seconds: float = 20.0) -> int:
    """Seal what the organizations have written, each in turn; how many events it were."""
    until, count = time.monotonic() + seconds, 0
    with every_organization(WHY):
        waiting = Event.objects.filter(is_sealed=False).order_by().values_list("organization_id", flat=True).distinct()
        adopting = AuditChain.objects.filter(adopts_until__lt=clock.now()).values_list("organization_id", flat=True)
        for organization_id in dict.fromkeys([*waiting, *adopting]):
            count += seal(organization_id, until=until)
            if stopping() or time.monotonic() > until:
                break
    return count


def seal(organization_id: UUID, *, until: float | None = None) -> int:
    """Append all that this organization has committed and nobody has sealed; how many events it were.

    Rows that somebody holds are left for the next tick; rows that this program did not write are not sealed, and the
    check tells of them.
    """
    count, after = 0, UUID(int=0)
    with every_organization(WHY):
        AuditChain.objects.get_or_create(organization_id=organization_id)
        while not stopping() and (until is None or time.monotonic() < until):
            sealed, last = _step(organization_id, after)
            count += sealed
            if last is None:
                break
            after = last
    return count


@transaction.atomic
def _step(organization_id: UUID, after: UUID) -> tuple[int, UUID | None]:
    """One transaction of at most STEP events; the last id that was looked at, None where there are no more."""
    chains = AuditChain.objects.filter(organization_id=organization_id)
    skip_locked = connection.features.has_select_for_update_skip_locked
    chain = chains.select_for_update(skip_locked=skip_locked, no_key=True).first()
    if chain is None:
        return 0, None  # another one seals
    rows: QuerySet[Event] = Event.objects.filter(organization_id=organization_id, is_sealed=False, pk__gt=after)
    rows = rows.select_for_update(skip_locked=skip_locked, no_key=True).only(*FIELDS).order_by("pk")
    found = list(rows[:STEP])
    is_adopting = chain.adopts_until is not None
    links: list[AuditLink] = []
    adopted: list[Event] = []
    for event in found:
        if event.salt == "" and is_adopting:
            event.salt = content.new_salt()
            adopted.append(event)
            event_hash = content.hash_of(event)
        else:
            event_hash = content.hash_of(event)
            if not content.is_genuine(event, event_hash):
                logger.error("event_not_genuine", extra={"event_id": str(event.pk)})
                continue
        links.append(_append(chain, event, event_hash))
    if adopted:
        with guard.allowing("restate"):
            Event.objects.bulk_update(adopted, ["salt"], batch_size=STEP)
    if links:
        insert(links)
        Event.objects.filter(pk__in=[link.pk for link in links]).update(is_sealed=True, proof="")
        chain.adopted += len(adopted)
        chain.save(update_fields=["position", "hash", "adopted"])
    is_last = len(found) < STEP
    if is_last and chain.adopts_until is not None and chain.adopts_until < clock.now():
        _end_adoption(chain)
    return len(links), None if is_last else found[-1].pk


def _append(chain: AuditChain, event: Event, event_hash: str) -> AuditLink:
    chain.position += 1
    chain.hash = content.link_hash(
        organization_id=chain.organization_id,
        position=chain.position,
        previous=chain.hash,
        event_id=event.pk,
        event_hash=event_hash,
    )
    return AuditLink(
        pk=event.pk,
        organization_id=chain.organization_id,
        position=chain.position,
        event_hash=event_hash,
        hash=chain.hash,
    )


def _end_adoption(chain: AuditChain) -> None:
    """From here on only rows with a proof are sealed; the ledger says how many had none."""
    if Event.objects.filter(organization_id=chain.organization_id, is_sealed=False, salt="").exists():
        return  # somebody holds it in this moment
    chain.adopts_until = None
    chain.save(update_fields=["adopts_until"])
    record(events.AUDIT_BEGAN, subject=chain, actor=SYSTEM, payload={"adopted": chain.adopted})


def chain_of(organization_id: UUID) -> AuditChain:
    """The organization's chain, made where there is none yet; in the scope that is open."""
    return AuditChain.objects.get_or_create(organization_id=organization_id)[0]


def unsealed_since(organization_id: UUID) -> datetime | None:
    """Since when the oldest event waits that is not sealed; None where all are."""
    rows = Event.objects.filter(organization_id=organization_id, is_sealed=False).order_by("pk")
    return rows.values_list("occurred_at", flat=True).first()
