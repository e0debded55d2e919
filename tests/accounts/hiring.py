from __future__ import annotations

from accounts.models import Member, Role
from accounts.permissions import Reach
from core.tenancy import organization_scope
from tests.conftest import Person, join


def hire(owner: Person, permissions: set[str], reach: Reach = Reach.ALL, name: str = "Hana") -> Person:
    """Somebody with a role of the organization's own."""
    hired = join(owner, f"{name.lower()}@harbour.example", name, "counselor")
    with organization_scope(owner.organization):
        own = Role.objects.create(
            organization=owner.organization, key=f"of-{name.lower()}", name=f"Role of {name}",
            stored_permissions=sorted(permissions), stored_reach=reach,
        )  # fmt: skip
        Member.objects.filter(pk=hired.member.pk).update(role=own)
    hired.member.role = own
    return hired
