"""How each member is told: their own choice, else the organization's, else the kind's; and when they want quiet."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.calendars.hours import OpeningHours
from accounts.calendars.queries import hours_for
from accounts.models import Member, Organization
from activity.actor import Actor
from activity.ledger import record
from core.refused import Invalid
from workflows import events
from workflows.models import NotificationSettings
from workflows.notifications.kinds.registry import KINDS, Kind, Way

Quiet = NotificationSettings.Quiet
Ways = frozenset[Way]
# Names of ways, by a kind's name, as they are stored.
Stored = Mapping[str, Collection[str]]


class InvalidPreference(Invalid):
    """A value that a preference can't have."""


@dataclass(frozen=True, slots=True)
class QuietHours:
    """When somebody is neither mailed nor interrupted: never, outside business hours, or from one time of the day to
    another, which may be over midnight; times are those of the organization."""

    mode: str = Quiet.NEVER
    begins: time | None = None
    ends: time | None = None

    def until(self, at: datetime, zone: ZoneInfo, hours: Callable[[], OpeningHours]) -> datetime | None:
        """When the quiet ends that holds at the moment; None where it is not quiet. A place that never opens again is
        quiet for a day, and asked again."""
        if self.mode == Quiet.CLOSED:
            opening = hours()
            return None if opening.is_open(at) else opening.opens_at(at) or at + timedelta(days=1)
        if self.mode == Quiet.TIMES and self.begins is not None and self.ends is not None:
            return _end_of(self.begins, self.ends, at, zone)
        return None


@dataclass(frozen=True, slots=True)
class Preferences:
    """What holds for somebody: the stored choices of theirs and of their organization."""

    own: Stored = field(default_factory=dict)
    defaults: Stored = field(default_factory=dict)
    quiet: QuietHours = field(default_factory=QuietHours)

    def ways(self, kind: Kind) -> Ways:
        """By which ways a kind is told; none: it is not."""
        for stored in (self.own, self.defaults):
            if kind.name in stored:
                return _parse(stored[kind.name])
        return kind.ways


def of_members(organization: Organization, members: Iterable[Member]) -> dict[UUID, Preferences]:
    """The preferences of each by their id; one query."""
    ids = [member.pk for member in members]
    rows = NotificationSettings.objects.filter(Q(member__in=ids) | Q(member=None), organization=organization)
    stored = {row.member_id: row for row in rows}
    shared = stored.get(None)
    return {pk: _combined(stored.get(pk), shared) for pk in ids}


def of(member: Member) -> Preferences:
    """The preferences of one; one query."""
    return of_members(member.organization, [member])[member.pk]


def defaults_of(organization: Organization) -> Preferences:
    """What holds for whoever chose nothing; one query."""
    return _combined(None, stored_of(organization, None))


def stored_of(organization: Organization, member: Member | None) -> NotificationSettings | None:
    """The member's own choices, or with none the organization's; None where nothing was ever chosen."""
    return NotificationSettings.objects.filter(organization=organization, member=member).first()


def quiet_until(member: Member, preferences: Preferences, at: datetime | None = None) -> datetime | None:
    """When the quiet ends that the member has at the moment (now); None where they have none."""
    organization = member.organization
    return preferences.quiet.until(at or timezone.now(), organization.zone, lambda: hours_for(organization))


@transaction.atomic
def change(
    *,
    organization: Organization,
    member: Member | None,
    actor: Actor,
    ways: Mapping[str, Collection[str] | None] | None = None,
    replaces: bool = False,
    quiet: Mapping[str, object] | None = None,
) -> NotificationSettings:
    """Choose for a member, or with none for the organization.

    `ways`: of each kind named the ways, or None to leave it to the next above; other kinds stay unless `replaces`.
    `quiet`: `quiet` (the mode), `quiet_from`, `quiet_until`. Raises InvalidPreference, which names the field.
    """
    rows = NotificationSettings.objects.select_for_update(of=("self",))
    row, _made = rows.get_or_create(organization=organization, member=member)
    before = _picture(row)
    chosen = {} if replaces else dict(row.ways)
    for name, names in (ways or {}).items():
        chosen.pop(name, None)
        if names is not None:
            chosen[name] = _checked(name, names)
    row.ways = chosen
    for name, value in (quiet or {}).items():
        setattr(row, name, value)
    if row.quiet == Quiet.TIMES:
        _require_times(row)
    else:
        row.quiet_from = row.quiet_until = None
    row.updated_at = timezone.now()
    row.save()
    if member is None and (changes := _changes(before, _picture(row))):
        record(events.NOTIFICATIONS_SET, subject=row, actor=actor, payload={"changes": changes})
    return row


def _picture(row: NotificationSettings) -> dict[str, object]:
    """Each setting as the audit log shows it."""
    times = {name: getattr(row, name) for name in ("quiet_from", "quiet_until")}
    return {
        **{name: ", ".join(names) or "none" for name, names in row.ways.items()},
        "quiet": row.quiet,
        **{name: value.isoformat("minutes") if value is not None else None for name, value in times.items()},
    }


def _changes(before: Mapping[str, object], after: Mapping[str, object]) -> dict[str, object]:
    names = dict.fromkeys([*before, *after])
    return {
        name: {"from": before.get(name), "to": after.get(name)} for name in names if before.get(name) != after.get(name)
    }


def _checked(name: str, names: Collection[str]) -> list[str]:
    if name not in KINDS:
        text = _("“%(name)s” is no type of notification. Use: %(names)s.")
        raise InvalidPreference("ways", text % {"name": name[:40], "names": ", ".join(KINDS.names())})
    unknown = [value for value in names if value not in list(Way)]
    if unknown:
        text = _("%(type)s: “%(name)s” is no way to be told. Use: %(names)s.")
        raise InvalidPreference("ways", text % {"type": name, "name": str(unknown[0])[:40], "names": ", ".join(Way)})
    # Whatever else tells of a line needs the line.
    wanted = {Way.PAGE.value, *names} if names else set()
    return [way.value for way in Way if way.value in wanted]


def _require_times(row: NotificationSettings) -> None:
    for name in ("quiet_from", "quiet_until"):
        if getattr(row, name) is None:
            raise InvalidPreference(name, _("Say from when and until when."))
    if row.quiet_from == row.quiet_until:
        raise InvalidPreference("quiet_until", _("The two times are the same. Choose another end."))


def _combined(own: NotificationSettings | None, shared: NotificationSettings | None) -> Preferences:
    chosen = next((row for row in (own, shared) if row is not None and row.quiet != Quiet.INHERITED), None)
    quiet = QuietHours() if chosen is None else QuietHours(chosen.quiet, chosen.quiet_from, chosen.quiet_until)
    return Preferences(own.ways if own is not None else {}, shared.ways if shared is not None else {}, quiet)


def _parse(names: Collection[str]) -> Ways:
    # A way that an older version knew is none any more.
    return frozenset(Way(name) for name in names if name in list(Way))


def _end_of(begins: time, ends: time, at: datetime, zone: ZoneInfo) -> datetime | None:
    local = at.astimezone(zone)
    now = local.time()
    is_over_midnight = ends < begins
    is_quiet = (now >= begins or now < ends) if is_over_midnight else begins <= now < ends
    if not is_quiet:
        return None
    day: date = local.date() + timedelta(days=1) if is_over_midnight and now >= begins else local.date()
    return datetime.combine(day, ends, tzinfo=zone)


def forget(member_id: UUID) -> None:
    """What a member chose who is none any more."""
    NotificationSettings.objects.filter(member=member_id).delete()
