"""What whoever runs the installation has given up, as the organization's ledger knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Model

from activity import events
from activity.actor import Actor
from activity.ledger import record
from core.tenancy import organization_scope

if TYPE_CHECKING:
    # The ledger stands below the accounts; for the checker only.
    from accounts.models import Organization


def record_given_up(*, row: Model, organization: Organization, queue: str, reason: str, actor: Actor) -> None:
    """A row of a queue, which had been set aside, is tried no more."""
    with organization_scope(organization):
        payload = {"queue": queue, "reason": reason}
        record(events.WORK_GIVEN_UP, subject=row, organization=organization, actor=actor, payload=payload)
