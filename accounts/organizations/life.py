"""The life of an organization, as whoever runs the installation decides: suspended, resumed, deleted, restored.

Suspended means: nobody gets in, what comes in is kept, and nothing leaves or happens by itself. Deleted is the same and
hidden, and after RESTORE_DAYS a worker destroys everything (`purging`). Upper apps hear of all this by inline
subscriptions: what should have left meanwhile is put before a person.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import events, grants
from accounts.credentials import notices
from accounts.models import Organization, OrganizationDeletion, SecurityNotice, User
from activity.actor import Actor, ActorKind
from activity.ledger import record
from core import clock
from core.fields import one_line
from core.refused import Invalid, Refused
from core.tenancy import organization_scope

RESTORE_DAYS: Final = 30
MAX_REASON_LENGTH: Final = 300


class OperatorsOnly(Refused):
    """It is for whoever runs the installation, whatever somebody's role in the organization."""

    status = 403

    def __init__(self) -> None:
        super().__init__(_("Only whoever runs this installation can do that."))


class NotPossible(Refused):
    """The organization is not in the state for it: it is suspended already, was deleted, or is about to be gone."""

    status = 409


def require_operator(actor: Actor) -> None:
    """Raises OperatorsOnly for who is neither Parley itself (a command) nor an active superuser."""
    if actor.kind is ActorKind.SYSTEM:
        return
    superusers = User.objects.filter(is_active=True, is_superuser=True)
    if actor.kind is not ActorKind.USER or not superusers.filter(pk=actor.id).exists():
        raise OperatorsOnly


@transaction.atomic
def suspend(*, organization: Organization, actor: Actor, reason: str) -> Organization:
    """Close the organization until it is resumed; its members are told that it is, and not why.

    Raises OperatorsOnly, Invalid (reason) or NotPossible.
    """
    locked = _locked(organization, actor)
    reason = one_line(reason).strip()
    if not reason or len(reason) > MAX_REASON_LENGTH:
        raise Invalid("reason", _("Say why, in 1 to %(most)s characters.") % {"most": MAX_REASON_LENGTH})
    if not locked.is_active:
        raise NotPossible(_("It is suspended or deleted already."))
    locked.is_active, locked.suspended_at, locked.suspension_reason = False, timezone.now(), reason
    locked.save(update_fields=["is_active", "suspended_at", "suspension_reason"])
    # The signal of the event makes open streams look, and end.
    _record(events.ORGANIZATION_SUSPENDED, locked, actor, reason=reason)
    return locked


@transaction.atomic
def resume(*, organization: Organization, actor: Actor) -> Organization:
    """Open it again. What should have left meanwhile waits for a person. Raises OperatorsOnly or NotPossible."""
    locked = _locked(organization, actor)
    if locked.is_active or locked.deleted_at is not None:
        raise NotPossible(_("It is not suspended."))
    locked.is_active, locked.suspended_at, locked.suspension_reason = True, None, ""
    locked.save(update_fields=["is_active", "suspended_at", "suspension_reason"])
    _record(events.ORGANIZATION_RESUMED, locked, actor)
    return locked


@transaction.atomic
def delete(*, organization: Organization, actor: Actor, typed_name: str) -> OrganizationDeletion:
    """Hide the organization at once, and destroy everything of it in RESTORE_DAYS. Superusers are told by mail.

    Raises OperatorsOnly, Invalid (typed_name) where it is not the name, or NotPossible.
    """
    locked = _locked(organization, actor)
    if locked.deleted_at is not None:
        raise NotPossible(_("It was deleted already."))
    if typed_name.strip() != locked.name.strip():
        raise Invalid("typed_name", _("Type the name as it is written here: %(name)s") % {"name": locked.name})
    now = timezone.now()
    purge_at = now + timedelta(days=RESTORE_DAYS)
    locked.is_active, locked.deleted_at = False, now
    locked.save(update_fields=["is_active", "deleted_at"])
    row = OrganizationDeletion.objects.create(
        organization_id=locked.pk,
        slug=locked.slug,
        name_hash=hashlib.sha256(locked.name.encode()).hexdigest(),
        requested_at=now,
        requested_by=_name_of(actor),
        purge_at=purge_at,
        due_at=clock.now() + timedelta(days=RESTORE_DAYS),
    )
    _record(events.ORGANIZATION_DELETED, locked, actor, purge_at=purge_at.isoformat())
    tell_operators(SecurityNotice.Kind.ORGANIZATION_DELETED, locked.slug, by=actor.label)
    return row


@transaction.atomic
def restore(*, organization: Organization, actor: Actor) -> Organization:
    """Take a deletion back, as long as nothing was destroyed: whole, and suspended where it was so before.

    Raises OperatorsOnly or NotPossible.
    """
    locked = _locked(organization, actor)
    deletion = OrganizationDeletion.objects.select_for_update().filter(organization_id=locked.pk).first()
    if locked.deleted_at is None or deletion is None:
        raise NotPossible(_("It is not deleted."))
    if deletion.counts or deletion.claim_token is not None:
        raise NotPossible(_("Its 30 days are over: what is left of it is being destroyed."))
    deletion.delete()
    locked.deleted_at, locked.is_active = None, locked.suspended_at is None
    locked.save(update_fields=["deleted_at", "is_active"])
    _record(events.ORGANIZATION_RESTORED, locked, actor, is_suspended=not locked.is_active)
    tell_operators(SecurityNotice.Kind.ORGANIZATION_RESTORED, locked.slug, by=actor.label)
    return locked


def tell_operators(kind: SecurityNotice.Kind, slug: str, **details: str) -> None:
    """Have every superuser of the installation told by mail what became of an organization."""
    for user in User.objects.filter(is_superuser=True, is_active=True):
        notices.notify(user=user, kind=kind, organization=slug, **details)


def _name_of(actor: Actor) -> str:
    """Whom one can ask years later: the address, where it is a person."""
    user = User.objects.filter(pk=actor.id).first() if actor.kind is ActorKind.USER else None
    return (user.email if user is not None else actor.label)[:254]


def _locked(organization: Organization, actor: Actor) -> Organization:
    require_operator(actor)
    return grants.lock(organization)


def _record(event: str, organization: Organization, actor: Actor, **payload: object) -> None:
    with organization_scope(organization):
        record(event, subject=organization, organization=organization, actor=actor, payload=payload)
