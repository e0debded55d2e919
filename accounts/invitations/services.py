"""Inviting people by mail, several at once; again, or not after all.

The mail is the worker's (`sending`), what the invited person does is in `accepting`.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import events, grants
from accounts.invitations.links import hash_of, token_of
from accounts.members.authority import Authority, authority_of, own_role, own_teams
from accounts.models import Invitation, Member, Organization, Role, Team
from activity.actor import Actor
from activity.ledger import record
from core import clock
from core.claims import released
from core.jobs import wake_up
from core.refused import Invalid, Refused

SEND: Final = "accounts.tasks.send_invitations"
DEFAULT_DAYS: Final = 7
MAX_DAYS: Final = 30
MAX_AT_ONCE: Final = 50
# Of an organization, unanswered: whoever signs up is no way to write to thousands.
MAX_UNANSWERED: Final = 500
# Between two mails of one invitation: pressing the button again writes to nobody again and again.
BETWEEN_MAILS = timedelta(minutes=10)
# What is over is kept so long, so that one can see what became of it.
KEPT = timedelta(days=30)


class TooManyInvitations(Refused):
    """The organization has as many unanswered invitations as it may."""

    status = 409

    def __init__(self) -> None:
        super().__init__(
            _("There are %(count)s unanswered invitations. Revoke some first.") % {"count": MAX_UNANSWERED}
        )


class Answered(Refused):
    """The invitation was accepted or revoked."""

    status = 409

    def __init__(self) -> None:
        super().__init__(_("This invitation was accepted or revoked meanwhile."))


class Outcome(StrEnum):
    """What became of one address."""

    INVITED = "invited"
    RESENT = "resent"
    MEMBER = "member"
    DEACTIVATED = "deactivated"


class MailedJustNow(Refused):
    """The invitation's last mail left less than BETWEEN_MAILS ago."""

    status = 409

    def __init__(self) -> None:
        super().__init__(
            _("This invitation was mailed less than %(count)s minutes ago. Send it again later.")
            % {"count": BETWEEN_MAILS // timedelta(minutes=1)}
        )


@dataclass(frozen=True, slots=True)
class Result:
    """One address of those that were given, in small letters; the invitation where there is one."""

    email: str
    outcome: Outcome
    invitation: Invitation | None = None


@transaction.atomic
def invite(
    *,
    organization: Organization,
    emails: Sequence[str],
    role: Role,
    actor: Actor,
    teams: Collection[Team] = (),
    days: int = DEFAULT_DAYS,
) -> list[Result]:
    """Invite addresses for `days`, each once; the results, in the order given.

    An address that is invited already gets a new link, for this role and these teams. A member, active or deactivated,
    is not invited. Raises Invalid (emails, days, role, teams), BeyondOwn or OtherTeams where the actor can't give that,
    or TooManyInvitations; then nobody is invited.
    """
    addresses = clean_addresses(emails)
    if not 1 <= days <= MAX_DAYS:
        raise Invalid("days", _("From 1 to %(most)s days.") % {"most": MAX_DAYS})
    grants.lock(organization)
    authority = authority_of(actor, organization)
    authority.require("users.create")
    role, teams = own_role(organization, role), own_teams(organization, teams)
    authority.require_role(role)
    authority.require_teams(teams)
    invited_by = _member_of(authority, organization)
    present = Member.objects.present().filter(organization=organization).annotate(address=Lower("user__email"))
    members = {member.address: member for member in present.filter(address__in=addresses)}
    unanswered = Invitation.objects.unanswered().filter(organization=organization)
    known = {row.email: row for row in unanswered.filter(email__in=addresses).select_for_update(of=("self",))}
    if unanswered.count() + len(set(addresses) - set(known) - set(members)) > MAX_UNANSWERED:
        raise TooManyInvitations
    results = []
    for email in addresses:
        if (member := members.get(email)) is not None:
            results.append(Result(email, Outcome.MEMBER if member.is_active else Outcome.DEACTIVATED))
            continue
        row = known.get(email)
        invitation = row or Invitation(organization=organization, email=email)
        invitation.role, invitation.invited_by = role, invited_by
        invitation.is_of_installation = authority.is_installation and invited_by is None
        _queue(invitation, timedelta(days=days))
        invitation.teams.set(teams)
        event = events.INVITATION_CREATED if row is None else events.INVITATION_RESENT
        record(event, subject=invitation, actor=actor, payload={"role": role.key})
        results.append(Result(email, Outcome.INVITED if row is None else Outcome.RESENT, invitation))
    wake_up(SEND)
    return results


@transaction.atomic
def resend(*, invitation: Invitation, actor: Actor, days: int = DEFAULT_DAYS) -> Invitation:
    """A new link by a new mail, good for `days`; the one of before is worthless.

    Raises Answered, MailedJustNow, or BeyondOwn or OtherTeams where the actor can't give what the invitation gives.
    """
    locked, authority = _locked(invitation, actor)
    if locked.sent_at is not None and locked.sent_at > timezone.now() - BETWEEN_MAILS:
        raise MailedJustNow
    role = own_role(locked.organization, locked.role)
    authority.require_role(role)
    authority.require_teams(list(locked.teams.all()))
    locked.invited_by = _member_of(authority, locked.organization)
    locked.is_of_installation = authority.is_installation and locked.invited_by is None
    _queue(locked, timedelta(days=days))
    record(events.INVITATION_RESENT, subject=locked, actor=actor, payload={"role": role.key})
    wake_up(SEND)
    return locked


@transaction.atomic
def revoke(*, invitation: Invitation, actor: Actor) -> Invitation:
    """The link is worthless from this moment, and a mail that did not leave yet does not. Raises Answered."""
    locked, _authority = _locked(invitation, actor)
    end(locked)
    record(events.INVITATION_REVOKED, subject=locked, actor=actor)
    return locked


def end(invitation: Invitation) -> None:
    """Revoke an invitation that the caller has locked."""
    invitation.revoked_at = timezone.now()
    Invitation.objects.filter(pk=invitation.pk).update(revoked_at=invitation.revoked_at, due_at=None, **released())


def purge_old() -> int:
    """Delete what was answered, or has expired, long ago, of all organizations; how many."""
    limit = timezone.now() - KEPT
    rows = Invitation.objects.filter(expires_at__lt=limit) | Invitation.objects.filter(revoked_at__lt=limit)
    rows |= Invitation.objects.filter(accepted_at__lt=limit)
    keys = list(rows.values_list("pk", flat=True)[:1000])
    Invitation.objects.filter(pk__in=keys).delete()
    return len(keys)


def clean_addresses(emails: Sequence[str]) -> list[str]:
    """The addresses in small letters, each once. Raises Invalid, which names those that are none."""
    addresses = list(dict.fromkeys(email.strip().lower() for email in emails if email.strip()))
    wrong = [email for email in addresses if not _is_address(email)]
    if wrong:
        raise Invalid("emails", _("Not an e-mail address: %(wrong)s.") % {"wrong": ", ".join(wrong[:5])[:300]})
    if not addresses:
        raise Invalid("emails", _("Give at least one e-mail address."))
    if len(addresses) > MAX_AT_ONCE:
        raise Invalid("emails", _("At most %(most)s addresses at once.") % {"most": MAX_AT_ONCE})
    return addresses


def _is_address(email: str) -> bool:
    try:
        validate_email(email)
    except ValidationError:
        return False
    return len(email) <= 254


def _queue(invitation: Invitation, lifetime: timedelta) -> None:
    invitation.nonce = uuid.uuid4()
    invitation.token_hash = hash_of(token_of(invitation))
    invitation.expires_at = clock.now() + lifetime
    invitation.due_at, invitation.attempts, invitation.last_error, invitation.sent_at = clock.now(), 0, "", None
    for name, value in released().items():
        setattr(invitation, name, value)
    invitation.save()


def _locked(invitation: Invitation, actor: Actor) -> tuple[Invitation, Authority]:
    """The invitation as it is by now, with what the actor may do by now. Raises Answered."""
    grants.lock(invitation.organization)
    authority = authority_of(actor, invitation.organization)
    rows = Invitation.objects.select_related("organization", "role").select_for_update(of=("self",))
    locked = rows.get(pk=invitation.pk)
    if locked.accepted_at is not None or locked.revoked_at is not None:
        raise Answered
    return locked, authority


def _member_of(authority: Authority, organization: Organization) -> Member | None:
    """On whose word an invitation is: the actor's, the member's whose key it is, or who configured the directory."""
    user_id = authority.user_id or authority.sponsor_id
    if user_id is None:
        return None
    return Member.objects.active().filter(organization=organization, user_id=user_id).first()
