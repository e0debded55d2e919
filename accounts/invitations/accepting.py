"""What the invited person does: look at what the link is for, and join.

Whoever has the link has read the mail, so the address is theirs. A link works once. All that the invitation was made
of is asked again in the moment it is used: whether the role is still there, and whether who invited may still give it.
"""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import events, grants
from accounts.credentials import sign_in, throttle
from accounts.invitations.links import hash_of
from accounts.members import services as members
from accounts.members.authority import authority_of
from accounts.models import Invitation, Member, User
from activity.actor import Actor, acting_as
from activity.ledger import record
from core.claims import released
from core.http import client_address
from core.refused import Refused
from core.tenancy import every_organization, organization_scope

# What a member must be permitted for their invitations to be worth something.
INVITES = "users.create"


class NoInvitation(Refused):
    """The link is none of ours, or leads nowhere any more; the words say no more than who has it may know."""

    status = 404


class OtherAddress(Refused):
    """Somebody is signed in who is not whom the invitation is for."""

    status = 403

    def __init__(self) -> None:
        super().__init__(_("This invitation is for another e-mail address. Sign out, and open the link again."))


class AccountExists(Refused):
    """The address has an account: its owner signs in, and sets no new password here."""

    status = 409

    def __init__(self) -> None:
        super().__init__(_("You have an account with this e-mail address. Sign in to join."))


def open_link(*, token: str, request: HttpRequest) -> Invitation:
    """The invitation behind a link, with organization and role, while it can be accepted.

    Raises NoInvitation with the reason, and TooManyAttempts where an address has tried wrong links too often.
    """
    address = client_address(request)
    throttle.require_questions_left(about="invitation", address=address)
    with every_organization("the link names its organization"):
        rows = Invitation.objects.select_related("organization", "role", "invited_by__role", "invited_by__user")
        invitation = rows.filter(token_hash=hash_of(token)).first()
    if invitation is None:
        throttle.count_question(about="invitation", address=address)
        raise NoInvitation(_("This link is not complete, or a newer invitation has taken its place."))
    with organization_scope(invitation.organization):
        _require_open(invitation)
    return invitation


def account_of(invitation: Invitation) -> User | None:
    """The account that the invited address has, if it can be signed in to with a password."""
    user = User.objects.filter(email__iexact=invitation.email).first()
    has_account = user is not None and (user.has_usable_password() or user.has_second_factor or not user.is_active)
    return user if has_account else None


@transaction.atomic
def join(*, invitation: Invitation, user: User) -> Member:
    """Make the user, who has shown who they are, a member. Raises NoInvitation or OtherAddress."""
    if user.email.lower() != invitation.email:
        raise OtherAddress
    with organization_scope(invitation.organization), acting_as(Actor.for_user(user)):
        return _accept(_locked(invitation), user)


@transaction.atomic
def join_as_new(*, invitation: Invitation, name: str, password: str) -> Member:
    """Make an account with this name and password for the invited address, and it a member. The password is validated.

    Raises NoInvitation, or AccountExists where the address has an account.
    """
    with organization_scope(invitation.organization):
        locked = _locked(invitation)
        if account_of(locked) is not None:
            raise AccountExists
        user = _new_user(locked, name=name, password=password)
        return _accept(locked, user)


def join_from(*, request: HttpRequest, invitation: Invitation, name: str, password: str, otp: str = "") -> Member:
    """By one call without a session: the password is that of the account, or of the new one.

    Raises as `join`, `join_as_new` and `sign_in.verify`.
    """
    if account_of(invitation) is None:
        return join_as_new(invitation=invitation, name=name, password=password)
    user = sign_in.verify(request=request, email=invitation.email, password=password, otp=otp)
    return join(invitation=invitation, user=user)


def _locked(invitation: Invitation) -> Invitation:
    grants.lock(invitation.organization)
    rows = Invitation.objects.select_related("organization", "role", "invited_by__role", "invited_by__user")
    locked = rows.select_for_update(of=("self",)).filter(pk=invitation.pk, token_hash=invitation.token_hash).first()
    if locked is None:
        raise NoInvitation(_("A newer invitation has taken this one’s place. Look for the last mail."))
    _require_open(locked)
    return locked


def _new_user(invitation: Invitation, *, name: str, password: str) -> User:
    user = User.objects.filter(email__iexact=invitation.email).first()
    if user is None:
        try:
            with transaction.atomic():
                return User.objects.create_user(invitation.email, password, name=name)
        except IntegrityError as error:
            raise AccountExists from error
    # An account that nobody has ever signed in to: the mail that brought the link is its owner's.
    user.name = name
    user.set_password(password)
    user.save()
    return user


def _accept(invitation: Invitation, user: User) -> Member:
    role, actor = invitation.role, Actor.for_user(user)
    assert role is not None  # noqa: S101 - `_require_open` has refused that
    member = Member.objects.with_access().filter(organization=invitation.organization, user=user).first()
    if member is None or member.removed_at is not None:
        member = members.enter(
            organization=invitation.organization, user=user, role=role, teams=list(invitation.teams.all()), actor=actor
        )
    elif not member.is_active:
        raise NoInvitation(_("Your access to this organization was ended. Ask an administrator there."))
    invitation.accepted_at = timezone.now()
    Invitation.objects.filter(pk=invitation.pk).update(accepted_at=invitation.accepted_at, due_at=None, **released())
    record(events.INVITATION_ACCEPTED, subject=invitation, actor=actor, payload={"role": role.key})
    return member


def _require_open(invitation: Invitation) -> None:
    """Raises NoInvitation where it can't be accepted by now, with the reason."""
    status = invitation.status
    if status == Invitation.Status.ACCEPTED:
        raise NoInvitation(_("This invitation was used already. Sign in with your e-mail address and password."))
    if status == Invitation.Status.REVOKED:
        raise NoInvitation(_("This invitation was withdrawn. Ask whoever invited you."))
    if status == Invitation.Status.EXPIRED:
        raise NoInvitation(_("This invitation has expired. Ask whoever invited you for a new one."))
    if not _is_still_meant(invitation):
        raise NoInvitation(_("This invitation can’t be used any more. Ask whoever invited you for a new one."))


def _is_still_meant(invitation: Invitation) -> bool:
    """Whether who invited is there and may still give the role and the teams."""
    inviter, role = invitation.invited_by, invitation.role
    if role is None or not invitation.organization.is_active:
        return False
    if invitation.is_of_installation:
        return True
    if inviter is None:
        return False
    if not inviter.may(INVITES):
        return False
    try:
        authority = authority_of(Actor.for_user(inviter.user), invitation.organization)
        authority.require_role(role)
        authority.require_teams(list(invitation.teams.all()))
    except Refused:
        return False
    return True
