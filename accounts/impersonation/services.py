"""Acting as another member: who may, for how long, and what ends it.

It is never upward: the member may do nothing, and reaches no record, that the impersonator does not. What it rests on
is asked again by every request and call; the first that finds it gone writes its end.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import events, grants
from accounts.credentials import notices, readiness, ways
from accounts.members.authority import sees_no_less
from accounts.models import Impersonation, Member, SecurityNotice, User
from accounts.permissions import NEVER_BY_IMPERSONATION
from activity.actor import Actor, acting_as
from activity.ledger import record
from core.fields import one_line
from core.refused import Invalid, Refused
from core.tenancy import every_organization, organization_scope

PERMISSION: Final = "users.impersonate"
LASTS: Final = timedelta(minutes=30)
MAX_REASON_LENGTH: Final = 200
# In the session of a browser: the id of the row.
KEY: Final = "impersonation"

How = Impersonation.How


class NotImpersonable(Refused):
    """Nobody acts as this member, or not this member of the team."""

    status, code = 403, "not_impersonable"


class ImpersonationForbidden(Refused):
    """The organization does not allow it at all."""

    status, code = 403, "impersonation_forbidden"

    def __init__(self) -> None:
        super().__init__(_("Your organization does not allow that anybody acts as another member."))


class ImpersonationOver(Refused):
    """It ended by itself, or what it rests on has changed."""

    status, code = 403, "impersonation_over"

    def __init__(self) -> None:
        super().__init__(_("You no longer act as somebody else: the time is over, or something that it needs changed."))


class ClosedToImpersonators(Refused):
    """What nobody does in another's name."""

    status, code = 403, "closed_while_impersonating"

    def __init__(self, name: str) -> None:
        words = _(
            "You are acting as %(name)s. Accounts, passwords, keys, roles, members, settings and exports "
            "stay closed meanwhile. Stop acting as them first."
        )
        super().__init__(words % {"name": name})


@transaction.atomic
def begin(*, member: Member, by: Member, actor: Actor, reason: str, is_by_token: bool = False) -> Impersonation:
    """Act as the member for half an hour. They are told by mail, and it stands in their list for good.

    Whoever calls has just asked `by` who they are. Raises Invalid for no reason or too long a one, NotPermitted,
    ImpersonationForbidden, NotImpersonable.
    """
    organization = grants.lock(by.organization)
    acting = grants.acting(by, PERMISSION)
    if not organization.allows_impersonation:
        raise ImpersonationForbidden
    words = one_line(" ".join(reason.split()))
    if not words or len(words) > MAX_REASON_LENGTH:
        raise Invalid("reason", _("Say why, in up to %(count)s characters.") % {"count": MAX_REASON_LENGTH})
    current = Member.objects.active().with_access().filter(pk=member.pk, organization=organization).first()
    if current is None:
        raise NotImpersonable(_("This person can’t come in at present, so nobody can act as them."))
    require_possible(acting, current)
    now = timezone.now()
    row = Impersonation.objects.create(
        organization=organization,
        impersonator=acting,
        member=current,
        reason=words,
        credentials_digest=_credentials_of(acting.user),
        is_by_token=is_by_token,
        began_at=now,
        ends_at=now + LASTS,
    )
    payload = {
        "impersonation": str(row.pk), "reason": words, "until": row.ends_at, "door": "api" if is_by_token else "page",
    }  # fmt: skip
    record(events.IMPERSONATION_BEGAN, subject=current, actor=actor, payload=payload)
    notices.notify(
        user=current.user,
        kind=SecurityNotice.Kind.IMPERSONATED,
        by=acting.user.get_full_name(),
        organization=organization.name,
        until=timezone.localtime(row.ends_at, organization.zone).strftime("%H:%M"),
        reason=words,
    )
    return row


def require_possible(by: Member, member: Member) -> None:
    """Raises NotImpersonable, which says why, for whom `by` can't act as."""
    if member.pk == by.pk:
        raise NotImpersonable(_("You are yourself already."))
    if member.user.is_service:
        raise NotImpersonable(_("A service acts by its API keys alone."))
    if member.role.is_administrator or PERMISSION in member.role.permissions:
        raise NotImpersonable(_("Nobody acts as an administrator, or as somebody who may act as others."))
    if member.user.is_staff or member.user.is_superuser:
        raise NotImpersonable(_("This person administers the installation, so nobody can act as them."))
    if not grants.covers(by, member.role) or not sees_no_less(by, member):
        raise NotImpersonable(_("This person may do or see more than you may."))


def can_begin(by: Member, member: Member) -> bool:
    """Whether a page offers it."""
    if not by.may(PERMISSION) or not by.organization.allows_impersonation or not _is_in(member):
        return False
    try:
        require_possible(by, member)
    except NotImpersonable:
        return False
    return True


@transaction.atomic
def end(row: Impersonation, *, how: Impersonation.How, at: datetime | None = None) -> bool:
    """Write the end, once; False where somebody has. What changed it is no act of the impersonator's."""
    with organization_scope(row.organization):
        rows = Impersonation.objects.filter(pk=row.pk, ended_at=None)
        if not rows.update(ended_at=at or timezone.now(), ended_how=how):
            return False
        by = row.member if how == How.PERSON else row.impersonator
        actor = Actor.for_user(by.user)
        # By themselves, whoever the request acts as.
        with acting_as(actor):
            payload = {"impersonation": str(row.pk), "how": str(how)}
            record(events.IMPERSONATION_ENDED, subject=row.member, actor=actor, payload=payload)
    return True


def find(pk: UUID | None) -> Impersonation | None:
    """The row with both members, whatever came of it. One query."""
    if pk is None:
        return None
    with every_organization("it names its organization"):
        return Impersonation.objects.with_both().filter(pk=pk).first()


def is_good(row: Impersonation, shown: ways.Ways = ways.OWN) -> bool:
    """Whether it still holds; where it does not, its end is written. `shown`: what the impersonator's session has."""
    with organization_scope(row.organization):
        how = _reason_to_end(row, shown)
    if how is None:
        return True
    if row.ended_at is None:
        end(row, how=how, at=row.ends_at if how == How.TIME else None)
    return False


def acting_member(row: Impersonation) -> Member:
    """The member as the impersonator acts as them: with what both may, less what nobody does in another's name."""
    member = row.member
    member.impersonation = row
    member.scopes = row.impersonator.permissions - NEVER_BY_IMPERSONATION
    return member


def actor_of(member: Member, *, request_id: str = "") -> Actor:
    """The member as an actor; with whoever acts for them beside it."""
    actor = Actor.for_user(member.user, request_id=request_id)
    row = member.impersonation
    if row is None:
        return actor
    by = row.impersonator.user
    return actor.acted_for_by(by.get_short_name(), str(by.pk))


def remember(request: HttpRequest, row: Impersonation) -> None:
    """From the next request on the browser acts as the member."""
    request.session[KEY] = str(row.pk)


def done_to(member: Member) -> QuerySet[Impersonation]:
    """The times that somebody acted as the member, the newest first; in the scope that is open."""
    rows: QuerySet[Impersonation] = Impersonation.objects.filter(member=member).select_related("impersonator__user")
    return rows.order_by("-began_at", "-id")


def still_good(ids: set[UUID]) -> set[UUID]:
    """Of these those that nothing has ended: for streams, which outlive their request."""
    if not ids:
        return set()
    with every_organization("streams of several organizations are asked for at once"):
        rows = Impersonation.objects.with_both().filter(pk__in=ids)
        return {row.pk for row in rows if _reason_to_end(row, None) is None}


def end_overdue() -> int:
    """Write the end of those whose time is over, and whose browser never came back; how many."""
    with every_organization("their time is over in all organizations"):
        rows = list(Impersonation.objects.with_both().unended().filter(ends_at__lte=timezone.now())[:500])
    return sum(end(row, how=How.TIME, at=row.ends_at) for row in rows)


def end_by_tokens(user: User) -> int:
    """End those that the user began by calls, as they sign out elsewhere than here: no browser holds them; how many."""
    with every_organization("an app may have been signed in to several"):
        begun = Impersonation.objects.with_both().unended().filter(impersonator__user=user, is_by_token=True)
        rows = list(begun)
    return sum(end(row, how=How.SIGN_OUT) for row in rows)


def _is_in(member: Member) -> bool:
    return bool(member.is_active and member.user.is_active and member.organization.is_active)


def _reason_to_end(row: Impersonation, shown: ways.Ways | None) -> Impersonation.How | None:
    if row.ended_at is not None:
        return How(row.ended_how)
    if not row.is_open:
        return How.TIME
    by = row.impersonator
    holds = (
        _is_in(by)
        and _is_in(row.member)
        and can_begin(by, row.member)
        and row.credentials_digest == _credentials_of(by.user)
        and (shown is None or readiness.is_ready(by, shown))
    )
    return None if holds else How.CHANGED


def _credentials_of(user: User) -> str:
    """A digest that another password or second factor changes."""
    parts = f"{user.get_session_auth_hash()}|{user.second_factor_at.isoformat() if user.second_factor_at else ''}"
    return hashlib.sha256(parts.encode()).hexdigest()
