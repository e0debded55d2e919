from __future__ import annotations

from django.db import transaction

from accounts import events
from accounts.credentials import browser_sessions, throttle, tokens, trusted_browsers
from accounts.models import Member, User
from activity.actor import Actor
from activity.ledger import record
from core.tenancy import every_organization, organization_scope


def changed(*, user: User, actor: Actor | None = None) -> None:
    """After a new password: tokens of every organization end (sessions end by Django's session hash).

    The user gave it, unless the actor is somebody else.
    """
    if not user.has_second_factor:
        # Else whoever reads the person's mail could have guesses at the second factor forgotten.
        throttle.forget(email=user.email)
    trusted_browsers.forget(user)
    browser_sessions.end_silently(user)
    with every_organization("a password is the user's, whichever organizations they are in or come back to"):
        members = list(Member.objects.with_access().filter(user=user))
    for member in members:
        tokens.revoke_all(member=member, reason="password changed")
        with organization_scope(member.organization):
            record(events.PASSWORD_CHANGED, subject=member, actor=actor or Actor.for_user(user))


@transaction.atomic
def set_own(*, user: User, password: str) -> None:
    """The user chose this password, which is validated. Every sign-in ends; whoever calls keeps this browser's."""
    locked = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    user.must_change_password, user.sessions_ended_at = False, locked.sessions_ended_at
    user.set_password(password)
    user.save(update_fields=["password", "must_change_password"])
