"""Members come, change and go; who is shut out is out at once.

Each of these holds the organization's members until its transaction ends, so that the guards (`authority`, the last
administrator) are about who belongs by now, whoever does the same in the same moment.
"""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import events, grants
from accounts.credentials import browser_sessions, second_factor
from accounts.members.authority import Authority, authority_of, own_role, own_teams
from accounts.models import APIKey, Invitation, Member, Organization, ProviderLink, Role, Team, TokenFamily, User
from accounts.permissions import ADMIN
from activity.actor import Actor
from activity.ledger import record
from core.claims import released
from core.refused import Refused
from core.tenancy import every_organization


class LastAdministrator(Refused):
    """An organization keeps an administrator."""

    status = 409

    def __init__(self) -> None:
        super().__init__(_("This is the organization’s last administrator. Make somebody else one first."))


class PasswordKeeper(Refused):
    """The one administrator who signs in with a password when the provider fails."""

    status = 409

    def __init__(self) -> None:
        super().__init__(
            _("This administrator keeps the password for the day the sign-in provider fails. Name another one first.")
        )


class Oneself(Refused):
    """Nobody shuts themselves out."""

    status = 409

    def __init__(self) -> None:
        super().__init__(_("You can’t shut yourself out. Somebody else who may do so has to."))


class OwnFactor(Refused):
    """One's own second factor is changed on the pages of one's account, which ask for it."""

    status = 409

    def __init__(self) -> None:
        super().__init__(_("You change your own second factor in your account, under Security."))


class OtherOrganizations(Refused):
    """The user belongs to other organizations, whose second factor it is as well."""

    status = 409

    def __init__(self) -> None:
        super().__init__(
            _("This person belongs to other organizations, too. Whoever runs this installation has to reset it.")
        )


class NoSecondFactor(Refused):
    """There is nothing to reset."""

    status = 409

    def __init__(self) -> None:
        super().__init__(_("This person has no second factor."))


class AlreadyMember(Refused):
    """The user belongs to the organization, as an active member or a deactivated one."""

    field, status = "email", 409

    def __init__(self) -> None:
        super().__init__(_("This person is a member already."))


class Removed(Refused):
    """The member was removed; only a new invitation brings them back."""

    status = 409

    def __init__(self) -> None:
        super().__init__(_("This person was removed. Invite them again."))


Access = dict[str, object]


def access_of(member: Member) -> Access:
    """What decides what a member may do, as the ledger says it."""
    teams = sorted(member.teams.values_list("name", flat=True))
    return {"role": member.role.key, "teams": teams}


def record_saved(*, member: Member, before: Access, actor: Actor) -> None:
    """Write down what of a member's access changed, if anything."""
    after = access_of(member)
    if after != before:
        changes = {name: {"from": before[name], "to": after[name]} for name in after if before[name] != after[name]}
        record(events.MEMBER_CHANGED, subject=member, actor=actor, payload={"changes": changes})


@transaction.atomic
def add(*, organization: Organization, user: User, role: Role, actor: Actor, teams: Collection[Team] = ()) -> Member:
    """Make a user a member; one who was removed comes back as the same member.

    Raises BeyondOwn or OtherTeams where the actor can't give that, AlreadyMember, or Invalid for another
    organization's role or team.
    """
    grants.lock(organization)
    authority = authority_of(actor, organization)
    authority.require("users.create")
    role, teams = own_role(organization, role), own_teams(organization, teams)
    authority.require_role(role)
    authority.require_teams(teams)
    _end_invitations(organization, user)
    return enter(organization=organization, user=user, role=role, teams=teams, actor=actor)


def enter(*, organization: Organization, user: User, role: Role, teams: Collection[Team], actor: Actor) -> Member:
    """The same for a caller who holds the members and has asked whether it is permitted. Raises AlreadyMember."""
    member = Member.objects.filter(organization=organization, user=user).first()
    if member is None:
        member = Member.objects.create(organization=organization, user=user, role=role)
    elif member.removed_at is None:
        raise AlreadyMember
    else:
        member.role, member.is_active, member.removed_at, member.created_at = role, True, None, timezone.now()
        member.save(update_fields=["role", "is_active", "removed_at", "created_at"])
    # Also of none: who comes back is in no team of before.
    member.teams.set(teams)
    record(events.MEMBER_ADDED, subject=member, actor=actor, payload={"role": role.key})
    return member


@transaction.atomic
def change(*, member: Member, actor: Actor, role: Role | None = None, teams: Collection[Team] | None = None) -> Member:
    """Give another role or other teams; None leaves them. What is so already is no change, and not recorded.

    Raises BeyondOwn, OtherTeams or Above where the actor may not, LastAdministrator, Removed, or Invalid for another
    organization's role or team.
    """
    locked, authority = _locked(member, actor)
    authority.require_not_above(locked)
    if locked.removed_at is not None:
        raise Removed
    before = access_of(locked)
    if role is not None and role.pk != locked.role_id:
        authority.require_role(own_role(locked.organization, role))
        grants.require_own_teams(authority.reach, authority.teams, role=role, holders=[locked.pk])
        if not role.is_administrator:
            require_other_administrator(locked)
        locked.role = role
        locked.save(update_fields=["role"])
    if teams is not None:
        _set_teams(locked, own_teams(locked.organization, teams), authority)
    record_saved(member=locked, before=before, actor=actor)
    return locked


@transaction.atomic
def deactivate(*, member: Member, actor: Actor) -> Member:
    """Shut a member out: pages, tokens, keys, calendars and live streams, from this moment.

    Who is deactivated already stays so. Raises LastAdministrator when nobody would be left to administer, Oneself,
    or Above.
    """
    locked, authority = _locked(member, actor)
    if locked.is_active:
        _require_may_go(locked, authority)
        _shut_out(locked, actor)
    return locked


@transaction.atomic
def reactivate(*, member: Member, actor: Actor) -> Member:
    """Let a deactivated member in again, by a new sign-in: no token, key or calendar address comes back.

    Raises BeyondOwn where the member's role may do more than the actor, or Removed.
    """
    locked, authority = _locked(member, actor)
    if locked.removed_at is not None:
        raise Removed
    if not locked.is_active:
        authority.require_role(locked.role)
        locked.is_active = True
        locked.save(update_fields=["is_active"])
        record(events.MEMBER_REACTIVATED, subject=locked, actor=actor)
    return locked


@transaction.atomic
def reset_second_factor(*, member: Member, actor: Actor) -> None:
    """Take away the second factor of a member who lost it: the password alone lets them in, and they are told by mail.

    Raises NoSecondFactor, Above or NotPermitted, OwnFactor for one's own, or OtherOrganizations where the user is a
    member elsewhere, too: the factor is theirs there as well.
    """
    locked, authority = _locked(member, actor)
    if locked.user_id == authority.user_id:
        raise OwnFactor
    authority.require_not_above(locked)
    with every_organization("a factor is the user's, whichever organizations they are in"):
        others = Member.objects.active().filter(user=locked.user).exclude(organization=locked.organization)
        if others.exists() and not authority.is_installation:
            raise OtherOrganizations
    if not second_factor.reset(user=locked.user, actor=actor):
        raise NoSecondFactor


@transaction.atomic
def remove(*, member: Member, actor: Actor) -> None:
    """Take a member out of the organization: shut out, in no team and on no list of people.

    The row stays for the ledger and for what they own. Raises as `deactivate`; who was removed already stays so.
    """
    locked, authority = _locked(member, actor, "users.delete")
    if locked.removed_at is not None:
        return
    _require_may_go(locked, authority)
    if locked.is_active:
        _shut_out(locked, actor)
    _end_invitations(locked.organization, locked.user)
    locked.teams.clear()
    ProviderLink.objects.filter(member=locked).delete()
    locked.removed_at = timezone.now()
    locked.save(update_fields=["removed_at"])
    record(events.MEMBER_REMOVED, subject=locked, actor=actor)


def _locked(member: Member, actor: Actor, permission: str = "users.edit") -> tuple[Member, Authority]:
    """The member as they are by now, with what the actor may do by now. Raises NotPermitted."""
    grants.lock(member.organization)
    authority = authority_of(actor, member.organization)
    authority.require(permission)
    return Member.objects.with_access().get(pk=member.pk), authority


def _require_may_go(member: Member, authority: Authority) -> None:
    require_other_administrator(member)
    if member.user_id == authority.user_id:
        raise Oneself
    authority.require_not_above(member)


def require_other_administrator(member: Member) -> None:
    """Raises PasswordKeeper, and LastAdministrator where nobody but this member administers the organization."""
    if member.organization.password_keeper_id == member.pk:
        raise PasswordKeeper
    # A service member signs in nowhere, and would leave nobody to administer.
    administrators = (
        Member.objects.active()
        .people()
        .filter(organization=member.organization, role__key=ADMIN.key, role__is_system=True)
    )
    if set(administrators.values_list("pk", flat=True)) == {member.pk}:
        raise LastAdministrator


def _set_teams(member: Member, teams: Collection[Team], authority: Authority) -> None:
    before = {team.pk: team for team in member.teams.all()}
    after = {team.pk: team for team in teams}
    authority.require_teams([after.get(pk) or before[pk] for pk in before.keys() ^ after.keys()])
    member.teams.set(teams)


def _shut_out(member: Member, actor: Actor) -> None:
    now = timezone.now()
    member.is_active = False
    member.save(update_fields=["is_active"])
    TokenFamily.objects.filter(member=member, revoked_at=None).update(revoked_at=now, revoked_reason="deactivated")
    APIKey.objects.filter(member=member, revoked_at=None).update(revoked_at=now)
    # Else a session by the provider would be good again for who comes back.
    browser_sessions.end_in_organization(member.user, member.organization)
    with every_organization("a browser's session is the user's, and may be needed in another organization"):
        if not Member.objects.active().filter(user=member.user_id).exists():
            User.objects.filter(pk=member.user_id).update(sessions_ended_at=now)
            browser_sessions.end_silently(member.user)
    # Inline subscribers end what upper apps gave the member: calendar addresses.
    record(events.MEMBER_DEACTIVATED, subject=member, actor=actor)


def _end_invitations(organization: Organization, user: User) -> None:
    """A link of before is no way in for who is in already, or was taken out."""
    unanswered = Invitation.objects.unanswered().filter(organization=organization, email=user.email.lower())
    unanswered.update(revoked_at=timezone.now(), due_at=None, **released())
