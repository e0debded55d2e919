from __future__ import annotations

from celery import shared_task

from accounts.credentials import password_resets
from accounts.idempotency import services as idempotency
from accounts.invitations import sending as invitation_mails
from accounts.invitations import services as invitations
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
    """Delete invitations that are over for long."""
    with every_organization("what is over goes in all organizations"):
        return invitations.purge_old()
