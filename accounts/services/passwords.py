from __future__ import annotations

from accounts import events
from accounts.models import User
from accounts.services import sign_in, throttle, tokens
from activity.actor import Actor
from activity.ledger import record
from core.tenancy import organization_scope


def changed(*, user: User, actor: Actor | None = None) -> None:
    """After a new password: tokens of every organization end (sessions end by Django's session hash).

    The user gave it, unless the actor is somebody else.
    """
    throttle.forget(email=user.email)
    for member in sign_in.memberships(user):
        tokens.revoke_all(member=member, reason="password changed")
        with organization_scope(member.organization):
            record(events.PASSWORD_CHANGED, subject=member, actor=actor or Actor.for_user(user))
