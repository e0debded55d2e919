"""Events about a user, who may belong to several organizations: the ledger of each has them."""

from __future__ import annotations

from collections.abc import Mapping

from accounts.models import Member, User
from activity.actor import Actor
from activity.ledger import record
from core.tenancy import every_organization, organization_scope


def record_of_user(
    event_type: str, *, user: User, actor: Actor | None = None, payload: Mapping[str, object] | None = None
) -> None:
    """Record it of the user's membership in every organization that they may enter; by the user, unless the actor is
    somebody else."""
    with every_organization("what is the user's concerns every organization they are in"):
        members = list(Member.objects.active().with_access().filter(user=user))
    for member in members:
        with organization_scope(member.organization):
            record(event_type, subject=member, actor=actor or Actor.for_user(user), payload=payload)
