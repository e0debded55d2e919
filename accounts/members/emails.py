"""A member's e-mail address, changed by somebody else: where mail goes, and by what they sign in."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import events, grants
from accounts.credentials import browser_sessions, notices, tokens, trusted_browsers
from accounts.members.authority import authority_of
from accounts.members.services import Removed
from accounts.models import Member, SecurityNotice, User
from accounts.permissions import NEVER_BY_KEY
from activity.actor import Actor
from activity.ledger import record
from core.refused import Invalid, Refused
from core.tenancy import every_organization


class NotForYou(Refused):
    """The address is more than this organization's to change."""

    status, field = 403, "email"


class AddressTaken(Refused):
    """Another account has the address."""

    status, field = 409, "email"

    def __init__(self) -> None:
        super().__init__(_("Another account has this e-mail address."))


def clean(email: str) -> str:
    """The address in small letters. Raises Invalid."""
    address = email.strip().lower()
    try:
        validate_email(address)
    except ValidationError as error:
        raise Invalid("email", _("“%(email)s” is not an e-mail address.") % {"email": address[:100]}) from error
    if len(address) > 254:
        raise Invalid("email", _("This e-mail address is too long."))
    return address


def is_of_one_organization(member: Member) -> bool:
    """Whether the user has never been anywhere else, and runs no installation: then the account is this organization's
    to change. A membership that was ended elsewhere may come back, so it counts."""
    if member.user.is_staff or member.user.is_superuser:
        return False
    with every_organization("an account is the user's, whichever organizations they are in"):
        return not Member.objects.filter(user=member.user_id).exclude(pk=member.pk).exists()


@transaction.atomic
def change(*, member: Member, actor: Actor, email: str) -> bool:
    """Set the address; whether it is another one. Every sign-in ends, and the address of before is told by mail.

    With another address comes the way to a new password, so it is for nobody who decides who belongs and what they
    may do, and for no account that other organizations know. Raises Invalid, NotForYou, AddressTaken, Removed, or
    NotPermitted and Above for the actor.
    """
    address = clean(email)
    grants.lock(member.organization)
    authority = authority_of(actor, member.organization)
    authority.require("users.edit")
    locked = Member.objects.with_access().get(pk=member.pk)
    authority.require_not_above(locked)
    # With its key: nobody else makes them a member meanwhile.
    user = User.objects.select_for_update().get(pk=locked.user_id)
    if locked.removed_at is not None:
        raise Removed
    if user.email == address:
        return False
    if locked.role.permissions & NEVER_BY_KEY:
        raise NotForYou(_("The address of who administers people is changed by themselves, or by the installation."))
    if not is_of_one_organization(locked):
        raise NotForYou(_("This account belongs to other organizations, too, or to who runs the installation."))
    before, user.email, user.sessions_ended_at = user.email, address, timezone.now()
    try:
        with transaction.atomic():
            if User.objects.filter(email__iexact=address).exclude(pk=user.pk).exists():
                raise AddressTaken
            user.save(update_fields=["email", "sessions_ended_at"])
    except IntegrityError as error:
        raise AddressTaken from error
    trusted_browsers.forget(user)
    browser_sessions.end_silently(user)
    tokens.revoke_all(member=locked, reason="address changed")
    record(events.EMAIL_CHANGED, subject=locked, actor=actor)
    details = {"organization": locked.organization.name, "to": before}
    notices.notify(user=user, kind=SecurityNotice.Kind.EMAIL_CHANGED, **details)
    return True
