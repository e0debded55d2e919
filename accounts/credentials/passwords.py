from __future__ import annotations

from accounts import events
from accounts.credentials import throttle, tokens
from accounts.models import Member, User
from activity.actor import Actor
from activity.ledger import record
from core.tenancy import every_organization, organization_scope


def changed(*, user: User, actor: Actor | None = None) -> None:
    """After a new password: tokens of every organization end (sessions end by Django's session hash).

    The user gave it, unless the actor is somebody else.
    """
    throttle.forget(email=user.email)
    with every_organization("a password is the user's, whichever organizations they are in or come back to"):
        members = list(Member.objects.with_access().filter(user=user))
    for member in members:
        tokens.revoke_all(member=member, reason="password changed")
        with organization_scope(member.organization):
            record(events.PASSWORD_CHANGED, subject=member, actor=actor or Actor.for_user(user))
