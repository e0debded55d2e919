"""The check of a chain: every link, every event, the end, and each head that was signed.

It reads in steps of STEP links with a constant number of statements each, so a million events take no memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from django.db.models import OuterRef, Q, Subquery

from activity.audit import content, heads
from activity.audit.amending import Amendments, amendments_of
from activity.audit.sealing import FIELDS
from activity.models import AuditChain, AuditHead, AuditLink, Event
from core.tenancy import every_organization

STEP: Final = 1000
# An erasure that commits between two reads looks like a change: what looks wrong is read again.
LOOKS: Final = 3
WHY: Final = "the check reads the organization that it was given"


class Kind(StrEnum):
    CHANGED = "event_changed"
    MISSING = "event_missing"
    INSERTED = "event_inserted"
    LINK_CHANGED = "link_changed"
    LINK_MISSING = "link_missing"
    END = "end_missing"
    HEAD = "head_contradicted"
    SIGNATURE = "signature_wrong"


@dataclass(frozen=True, slots=True)
class Fault:
    """The first row that is not as it was written: which kind, where in the chain, which event (where there is one)."""

    kind: Kind
    position: int | None = None
    event: str = ""

    def as_dict(self) -> dict[str, object]:
        return {**asdict(self), "kind": str(self.kind)}


@dataclass(frozen=True, slots=True)
class Place:
    """How far a check has come: the last link, and the last event of the second look."""

    position: int = 0
    hash: str = ""
    occurred_at: datetime | None = None
    event: str = ""


def check(organization_id: UUID) -> Fault | None:
    """The first fault of an organization's chain; None where all is as it was written."""
    place = Place()
    for result in steps_of(organization_id, place):
        if isinstance(result, Fault):
            return result
    return None


def steps_of(organization_id: UUID, place: Place) -> Iterator[Place | Fault]:
    """Go on from a place, step by step; a Fault is the last that comes."""
    with every_organization(WHY):
        amendments = amendments_of(organization_id)
        known = {head.position: head.hash for head in AuditHead.objects.filter(organization_id=organization_id)}
    if place.occurred_at is None:
        while True:
            result, amendments = _links(organization_id, place, amendments, known)
            if result is None:
                break
            yield result
            if isinstance(result, Fault):
                return
            place = result
        if fault := _end(organization_id) or _heads(organization_id):
            yield fault
            return
    while (result := _events(organization_id, place)) is not None:
        yield result
        if isinstance(result, Fault):
            return
        place = result


def _links(
    organization_id: UUID, place: Place, amendments: Amendments, known: dict[int, str]
) -> tuple[Place | Fault | None, Amendments]:
    """The next links with their events; None after the last. With the amendments as they were read last."""
    with every_organization(WHY):
        rows = AuditLink.objects.filter(organization_id=organization_id, position__gt=place.position)
        links = list(rows.order_by("position")[:STEP])
        if not links:
            return None, amendments
        for look in range(LOOKS):
            if look:
                amendments = amendments_of(organization_id)
            result = _compare(organization_id, place, links, amendments, known)
            if not isinstance(result, Fault):
                break
    return result, amendments


def _compare(
    organization_id: UUID, place: Place, links: list[AuditLink], amendments: Amendments, known: dict[int, str]
) -> Place | Fault:
    read = Event.objects.only(*FIELDS, "is_sealed").in_bulk([link.pk for link in links])
    position, previous = place.position, place.hash
    for link in links:
        position += 1
        event_id = str(link.pk)
        if link.position != position:
            return Fault(Kind.LINK_MISSING, position)
        expected = content.link_hash(
            organization_id=organization_id, position=position, previous=previous, event_id=link.pk,
            event_hash=link.event_hash,
        )  # fmt: skip
        if link.hash != expected:
            return Fault(Kind.LINK_CHANGED, position, event_id)
        if known.get(position, link.hash) != link.hash:
            return Fault(Kind.HEAD, position, event_id)
        event = read.get(link.pk)
        if event is None:
            return Fault(Kind.MISSING, position, event_id)
        digest, customer, is_right = amendments.explain(event)
        is_right = is_right and event.is_sealed and event.proof == ""
        if not is_right or content.hash_of(event, digest=digest, customer=customer) != link.event_hash:
            return Fault(Kind.CHANGED, position, event_id)
        previous = link.hash
    return Place(position, previous)


def _end(organization_id: UUID) -> Fault | None:
    """Whether the chain ends where its head says; both are read by one statement."""
    with every_organization(WHY):
        last = AuditLink.objects.filter(organization_id=OuterRef("organization_id")).order_by("-position")
        chain = (
            AuditChain.objects.filter(organization_id=organization_id)
            .annotate(last_position=Subquery(last.values("position")[:1]), last_hash=Subquery(last.values("hash")[:1]))
            .first()
        )
        if chain is None:
            has_links = AuditLink.objects.filter(organization_id=organization_id).exists()
            return Fault(Kind.END, 0) if has_links else None
        if (chain.position, chain.hash) != (chain.last_position or 0, chain.last_hash or ""):
            return Fault(Kind.END, max(chain.position, chain.last_position or 0))
    return None


def _heads(organization_id: UUID) -> Fault | None:
    """Whether every head that was signed is ours, and still in the chain."""
    with every_organization(WHY):
        hashes = AuditLink.objects.filter(organization_id=organization_id, position=OuterRef("position"))
        rows = AuditHead.objects.filter(organization_id=organization_id).order_by("signed_at", "pk")
        for head in rows.annotate(link=Subquery(hashes.values("hash")[:1])).iterator(chunk_size=STEP):
            if not heads.is_signed(heads.Head.of(head)):
                return Fault(Kind.SIGNATURE, head.position)
            if head.link != head.hash:
                return Fault(Kind.HEAD, head.position)
    return None


def _events(organization_id: UUID, place: Place) -> Place | Fault | None:
    """The next events by time: each has a link, or is about to get one."""
    with every_organization(WHY):
        rows = Event.objects.filter(organization_id=organization_id).order_by("occurred_at", "pk")
        if place.occurred_at is not None:
            same = Q(occurred_at=place.occurred_at, pk__gt=place.event)
            rows = rows.filter(Q(occurred_at__gt=place.occurred_at) | same, occurred_at__gte=place.occurred_at)
        some = list(rows.only(*FIELDS, "is_sealed")[:STEP])
        if not some:
            return None
        linked = set(
            AuditLink.objects.filter(organization_id=organization_id, pk__in=[e.pk for e in some]).values_list(
                "pk", flat=True
            )
        )
        is_adopting = AuditChain.objects.filter(organization_id=organization_id, adopts_until__isnull=False).exists()
        for event in some:
            if event.pk in linked or (event.salt == "" and is_adopting):
                continue
            if event.is_sealed or not content.is_genuine(event, content.hash_of(event)):
                # It may have been sealed since it was read.
                if AuditLink.objects.filter(organization_id=organization_id, pk=event.pk).exists():
                    continue
                return Fault(Kind.INSERTED, None, str(event.pk))
    return Place(place.position, place.hash, some[-1].occurred_at, str(some[-1].pk))
