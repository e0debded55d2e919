"""The audit log as CSV: streamed in steps, safe in a spreadsheet program, and an entry of the log itself."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from dataclasses import dataclass

from django.db import transaction

from accounts import events
from accounts.audit.queries import ORDER, Criteria, events_for, words_of
from accounts.models import Member
from activity.actor import Actor
from activity.ledger import record
from activity.models import Event
from core.pagination import page_after
from core.safe_cells import csv_bytes
from core.tenancy import organization_scope

STEP = 1000
BOM = b"\xef\xbb\xbf"
HEADERS = (
    "id", "at", "action", "what", "actor_kind", "actor_id", "actor", "impersonator_id", "request_id", "subject_type",
    "subject_id", "customer_id", "payload",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Export:
    """An export that was recorded; `pieces` are made while they are sent."""

    member: Member
    criteria: Criteria
    filename: str

    def pieces(self) -> Generator[bytes]:
        """The file, a step at a time: nothing is open between two of them."""
        yield BOM + csv_bytes([HEADERS])
        cursor = ""
        while True:
            with organization_scope(self.member.organization):
                page = page_after(events_for(self.member, self.criteria), cursor=cursor, size=STEP, order=ORDER)
                piece = csv_bytes([_row(event) for event in page.rows])
            yield piece
            if not page.next_cursor:
                return
            cursor = page.next_cursor


@transaction.atomic
def begin(*, member: Member, criteria: Criteria, actor: Actor) -> Export:
    """Begin and record an export of the entries that fit. Raises Invalid."""
    events_for(member, criteria)
    organization = member.organization
    event = record(events.AUDIT_EXPORTED, subject=member, actor=actor, payload={"filters": criteria.given()})
    return Export(member, criteria, f"audit-log-{organization.slug}-{event.occurred_at:%Y-%m-%d}.csv")


def _row(event: Event) -> Sequence[str]:
    return (
        str(event.pk), event.occurred_at.isoformat(), event.type, words_of(event.type), event.actor_kind,
        event.actor_id, event.actor_label, event.impersonator_id, event.request_id, event.subject_type,
        event.subject_id, str(event.customer_id or ""), json.dumps(event.payload, ensure_ascii=False),
    )  # fmt: skip
