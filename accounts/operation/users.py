"""Users of the installation, as whoever runs it changes them: who enters the admin, who comes in nowhere any more."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.credentials import browser_sessions, tokens
from accounts.members import services as members
from accounts.models import Member, User
from accounts.operation import recording
from accounts.organizations.life import require_operator
from activity.actor import Actor
from core.refused import Refused
from core.tenancy import every_organization, organization_scope

# What the form asks for and `set_access` does.
ACCESS: Final = ("is_active", "is_staff", "is_superuser")


class LastSuperuser(Refused):
    """Nobody would be left who may administer the installation."""

    status = 409

    def __init__(self) -> None:
        super().__init__(_("This is the last active superuser: make somebody else one first."))


@transaction.atomic
def saved(*, user: User, actor: Actor, fields: Collection[str], **access: bool) -> User:
    """What follows from the admin's form: name and address, which are written already, are recorded in each of the
    user's organizations, and ACCESS is set. Raises as `set_access`."""
    recording.record_user(user=user, fields=fields, actor=actor)
    return set_access(user=user, actor=actor, **access)


@transaction.atomic
def set_access(*, user: User, actor: Actor, is_active: bool, is_staff: bool, is_superuser: bool) -> User:
    """Say whether somebody may come in at all, enter the admin, and do everything there.

    Who may come in no more is deactivated in every organization and loses sessions, tokens and keys, as
    `deactivate_everywhere`. Raises OperatorsOnly, LastSuperuser, or LastAdministrator.
    """
    require_operator(actor)
    # All of them, in one order: two who take it from one another at once would leave nobody.
    superusers = {row.pk for row in User.objects.select_for_update().filter(is_active=True, is_superuser=True)}
    if superusers == {user.pk} and not (is_active and is_superuser):
        raise LastSuperuser
    locked = User.objects.select_for_update().get(pk=user.pk)
    if locked.is_active and not is_active:
        _shut_out(locked, actor)
    locked.is_active, locked.is_staff, locked.is_superuser = is_active, is_staff or is_superuser, is_superuser
    locked.save(update_fields=["is_active", "is_staff", "is_superuser"])
    return locked


def deactivate_everywhere(*, user: User, actor: Actor) -> User:
    """Shut somebody out of every organization and of the installation. Raises as `set_access`."""
    return set_access(user=user, actor=actor, is_active=False, is_staff=False, is_superuser=False)


@transaction.atomic
def end_sign_ins(*, user: User, actor: Actor) -> int:
    """End every session and every sign-in by an app; how many. Raises OperatorsOnly."""
    require_operator(actor)
    # Also of a session that nobody has a row of.
    User.objects.filter(pk=user.pk).update(sessions_ended_at=timezone.now())
    return browser_sessions.end_others(user=user, keep=None) + tokens.end(user=user)


def _shut_out(user: User, actor: Actor) -> None:
    with every_organization("the user may be a member of several"):
        active = list(Member.objects.with_access().filter(user=user, is_active=True).order_by("pk"))
    for member in active:
        with organization_scope(member.organization):
            members.deactivate(member=member, actor=actor)
    end_sign_ins(user=user, actor=actor)
