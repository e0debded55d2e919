"""Teams: made, changed, deleted, by a member or by the organization's directory (`by` is None then).

Who manages a team is not stored: those of its members whose role reaches their own teams' records
(docs/decisions/0065). So whoever changes a team changes what others see, and has to see every record themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import cast
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import events, grants
from accounts.calendars.choosing import chosen
from accounts.members import services as memberships
from accounts.members.authority import Above, authority_of
from accounts.models import Member, Organization, Team
from activity.actor import Actor
from activity.ledger import record
from core.fields import one_line
from core.refused import Invalid, Refused

SETTABLE = frozenset({"name", "members", "calendar"})
MAX_TEAMS = 200
MAX_NAME_LENGTH = 80


class InvalidTeam(Invalid):
    """A value that a team can't have."""


class TooManyTeams(Refused):
    """The organization has as many teams as one page can show."""

    status = 409

    def __init__(self) -> None:
        super().__init__(_("There are %(count)s teams already. Delete one first.") % {"count": MAX_TEAMS})


@transaction.atomic
def create(
    *,
    organization: Organization,
    by: Member | None,
    actor: Actor,
    name: str,
    members: Collection[Member] = (),
    calendar: UUID | str | None = None,
) -> Team:
    """A new team. `calendar`: the id of the one that it works by.

    Raises InvalidTeam, InvalidCalendar, TooManyTeams, BeyondOwn, Above, NotPermitted.
    """
    powers = _require(organization, by, actor)
    existing = list(Team.objects.filter(organization=organization))
    if len(existing) >= MAX_TEAMS:
        raise TooManyTeams
    team = Team(organization=organization, name=_name(name, existing))
    team.calendar = chosen(organization, calendar, field="calendar")
    _require_ours(team, members)
    _require_not_above(powers, members)
    team.save(force_insert=True)
    payload = {"name": team.name, "members": _ids(members)}
    record(events.TEAM_CREATED, subject=team, actor=actor, payload=payload)
    _move(team, actor, added=members)
    return team


@transaction.atomic
def update(*, team: Team, by: Member | None, actor: Actor, changes: Mapping[str, object]) -> Team:
    """Set the name, who belongs to it (`members`: all of them), or the `calendar` (its id, or None).

    Raises InvalidTeam, InvalidCalendar, BeyondOwn, Above, NotPermitted; ValueError for what is not settable.
    """
    if unknown := set(changes) - SETTABLE:
        raise ValueError(f"Not settable: {', '.join(sorted(unknown))}.")
    powers = _require(team.organization, by, actor)
    current = grants.read_again(team)
    had = {member.pk: member for member in Member.objects.filter(teams=current)}
    wanted = cast("Collection[Member]", changes.get("members", had.values()))
    has = {member.pk: member for member in wanted}
    _require_ours(current, has.values())
    called = current.name
    if "name" in changes:
        others = Team.objects.filter(organization=current.organization).exclude(pk=current.pk)
        current.name = _name(str(changes["name"]), others)
    added = [member for pk, member in has.items() if pk not in had]
    removed = [member for pk, member in had.items() if pk not in has]
    _require_not_above(powers, [*added, *removed])
    names = {"name": {"from": called, "to": current.name}} if called != current.name else {}
    worked_by = current.calendar_id
    if "calendar" in changes:
        current.calendar = chosen(current.organization, changes["calendar"], field="calendar")
    if current.calendar_id != worked_by:
        names["calendar"] = {"from": _text(worked_by), "to": _text(current.calendar_id)}
    if names or added or removed:
        current.save(update_fields=["name", "calendar"])
        payload = {"changes": names, "added": _ids(added), "removed": _ids(removed)}
        record(events.TEAM_UPDATED, subject=current, actor=actor, payload=payload)
        _move(current, actor, added=added, removed=removed)
    return current


@transaction.atomic
def delete(*, team: Team, by: Member | None, actor: Actor) -> None:
    """Delete a team; its members stay members. Raises BeyondOwn, Above, NotPermitted."""
    powers = _require(team.organization, by, actor)
    current = grants.read_again(team)
    having = list(Member.objects.filter(teams=current))
    _require_not_above(powers, having)
    payload = {"name": current.name, "members": _ids(having)}
    record(events.TEAM_DELETED, subject=current, actor=actor, payload=payload)
    _move(current, actor, removed=having)
    current.delete()


def _require(organization: Organization, by: Member | None, actor: Actor) -> grants.Powers:
    """What whoever does it may do; `by` is None where no member acts but a directory, by SCIM."""
    grants.lock(organization)
    if by is not None:
        acting = grants.acting(by, "users.edit")
        grants.require_all_reach(acting)
        return acting
    authority = authority_of(actor, organization)
    authority.require("users.edit")
    grants.require_all_reach(authority)
    return authority


def _require_not_above(powers: grants.Powers, moved: Iterable[Member]) -> None:
    """Raises Above for somebody who may do more: in another team they could do that with its records, which is not
    theirs to give who moves them."""
    rows = Member.objects.filter(pk__in=[member.pk for member in moved]).select_related("role")
    if not all(grants.covers(powers, member.role) for member in rows):
        raise Above


def _require_ours(team: Team, members: Iterable[Member]) -> None:
    if any(member.organization_id != team.organization_id or member.removed_at is not None for member in members):
        raise InvalidTeam("members", _("Choose members of this organization."))


def _move(team: Team, actor: Actor, *, added: Iterable[Member] = (), removed: Iterable[Member] = ()) -> None:
    """Let them in and out, each with an entry in the ledger of their own."""
    for members, change in ((added, team.members.add), (removed, team.members.remove)):
        rows = Member.objects.with_access().filter(pk__in=[member.pk for member in members]).order_by("pk")
        for member in rows:
            before = memberships.access_of(member)
            change(member)
            memberships.record_saved(member=member, before=before, actor=actor)


def _name(name: str, others: Iterable[Team]) -> str:
    """The name as it is kept; no two teams are called alike."""
    text = one_line(" ".join(name.split()))
    if not text or len(text) > MAX_NAME_LENGTH:
        raise InvalidTeam("name", _("1 to %(count)s characters.") % {"count": MAX_NAME_LENGTH})
    if text.casefold() in {one.name.casefold() for one in others}:
        raise InvalidTeam("name", _("There is a team of this name already."))
    return text


def _text(pk: UUID | None) -> str:
    return str(pk) if pk else ""


def _ids(members: Iterable[Member]) -> list[str]:
    return sorted(str(member.pk) for member in members)
