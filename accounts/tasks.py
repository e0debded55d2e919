from __future__ import annotations

from celery import shared_task

from accounts.credentials import browser_sessions, notices, password_resets, trusted_browsers
from accounts.hand_over import services as hand_over
from accounts.idempotency import services as idempotency
from accounts.impersonation import services as impersonation
from accounts.invitations import sending as invitation_mails
from accounts.invitations import services as invitations
from accounts.organizations import purging
from core.jobs import Drain
from core.tenancy import every_organization


@shared_task(base=Drain, name="accounts.tasks.purge_idempotency_keys")
def purge_idempotency_keys() -> int:
    """Delete the answers that are older than a day."""
    return idempotency.purge_old()


@shared_task(base=Drain, name=password_resets.SEND)
def send_password_resets() -> int:
    """Write the mails to who forgot a password."""
    return password_resets.send_due()


@shared_task(base=Drain, name="accounts.tasks.purge_password_resets")
def purge_password_resets() -> int:
    """Delete what could not be answered in time."""
    return password_resets.purge_old()


@shared_task(base=Drain, name=invitations.SEND)
def send_invitations() -> int:
    """Write the mails to who was invited."""
    return invitation_mails.send_due()


@shared_task(base=Drain, name="accounts.tasks.purge_invitations")
def purge_invitations() -> int:
    """Delete invitations that are over for long, and lists of what was handed over that are no longer kept."""
    with every_organization("what is over goes in all organizations"):
        return invitations.purge_old() + hand_over.purge_old()


@shared_task(base=Drain, name=notices.SEND)
def send_security_notices() -> int:
    """Write the mails that tell people what was changed about their sign-in."""
    return notices.send_due()


@shared_task(base=Drain, name="accounts.tasks.purge_organizations")
def purge_organizations() -> int:
    """Destroy the organizations that were deleted 30 days ago, step by step."""
    return purging.purge_due()


@shared_task(base=Drain, name="accounts.tasks.purge_sign_ins")
def purge_sign_ins() -> int:
    """Delete what is known of sessions and trusted browsers that are over, and notices that could not be sent; write
    the end of impersonations whose time is over."""
    return (
        impersonation.end_overdue() + browser_sessions.purge_old() + trusted_browsers.purge_old() + notices.purge_old()
    )
