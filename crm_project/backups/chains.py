"""The whole chain of every organization's audit log, link by link, in whichever database is in place of the default."""

from __future__ import annotations

from dataclasses import dataclass

from activity.audit import checking
from activity.audit.checks import sentence_of
from activity.models import AuditChain
from core.tenancy import every_organization
from crm_project.backups.manifest import InvalidBackup, Manifest, own_keys


@dataclass(frozen=True, slots=True)
class Chains:
    """How many chains were checked, and how many entries they have."""

    count: int
    entries: int


def check_all(manifest: Manifest) -> Chains | None:
    """Check every chain. None where none of the keys is at hand with which entries and heads are signed.

    Raises InvalidBackup with the first fault.
    """
    if not set(manifest.encryption_keys) & set(own_keys()[0]):
        return None
    with every_organization("a backup holds the chains of all organizations"):
        rows = AuditChain.objects.order_by("organization_id").values_list("organization_id", "position")
        chains = list(rows)
    for organization_id, _position in chains:
        fault = checking.check(organization_id)
        if fault is not None:
            raise InvalidBackup(f"Organization {organization_id}: {sentence_of(fault)}")
    return Chains(len(chains), sum(position for _id, position in chains))
