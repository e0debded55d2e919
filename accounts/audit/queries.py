"""Reading the audit log: entries by filters, each with its words, its record and what it changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from accounts.audit import records
from accounts.models import APIKey, Impersonation, Member, Organization, User
from activity.models import AuditHead, Event
from activity.registry import EVENTS
from core.ids import parse_uuid
from core.moments import FIRST_YEAR, LAST_YEAR
from core.refused import Invalid

ORDER = ("-occurred_at", "-id")
Values = dict[str, object]


@dataclass(frozen=True, slots=True)
class Criteria:
    """Which entries: days of the organization, whose, what was done, to which sort of thing, and words."""

    date_from: date | None = None
    date_to: date | None = None
    user_id: str = ""
    action: str = ""
    resource: str = ""
    search: str = ""

    def given(self) -> dict[str, str]:
        """The filters that are set, as texts."""
        return {name: str(value) for name, value in asdict(self).items() if value}


@dataclass(frozen=True, slots=True)
class Change:
    """A value before and after; None where there was or is none."""

    name: str
    before: object
    after: object


@dataclass(frozen=True, slots=True)
class Entry:
    """An event as the log shows it."""

    event: Event
    action: str
    actor: str
    by: str
    changes: Sequence[Change]
    details: Values
    record: records.Record | None
    customer: records.Record | None

    @property
    def subject(self) -> str:
        """What sort of record it is about, in words."""
        try:
            return str(apps.get_model(self.event.subject_type)._meta.verbose_name)
        except (LookupError, ValueError):
            return self.event.subject_type


def resources() -> list[str]:
    """What actions begin with: customer, role, message and so on."""
    return sorted({event.event_type.partition(".")[0] for event in EVENTS})


def actions() -> list[tuple[str, str]]:
    """Every action with its words, by its words."""
    return sorted(((event.event_type, str(event.description)) for event in EVENTS), key=lambda one: one[1].casefold())


def words_of(event_type: str) -> str:
    """What happened, in words; the bare type where no app declares it any more."""
    declared = EVENTS.get(event_type)
    return str(declared.description) if declared else event_type


def events_for(member: Member, criteria: Criteria) -> QuerySet[Event]:
    """The organization's events that fit, in no order yet. Raises Invalid for an action or resource that is none."""
    rows: QuerySet[Event] = Event.objects.filter(organization=member.organization)
    rows = _within_days(rows, criteria, member.organization.zone)
    if criteria.user_id:
        rows = rows.filter(_by_user(member.organization, criteria.user_id))
    if criteria.action:
        if EVENTS.get(criteria.action) is None:
            raise Invalid("action", _("There is no such action. Choose one of the list."))
        rows = rows.filter(type=criteria.action)
    if criteria.resource:
        if criteria.resource not in resources():
            raise Invalid("resource", _("Use one of: %(names)s.") % {"names": ", ".join(resources())})
        types = [one.event_type for one in EVENTS if one.event_type.startswith(f"{criteria.resource}.")]
        rows = rows.filter(type__in=types)
    if criteria.search:
        rows = rows.filter(_search(member, criteria.search))
    return rows


def entries_of(member: Member, events: Sequence[Event]) -> list[Entry]:
    """The events with their words and records, in a constant number of queries."""
    found = records.records_of(member, events)
    return [entry_of(event, found) for event in events]


def entry_of(event: Event, found: Mapping[tuple[str, str], records.Record] | None = None) -> Entry:
    """The event with its words, and with its records where they were looked up."""
    known = found or {}
    changes, details = _changes(event.payload)
    return Entry(
        event=event,
        action=words_of(event.type),
        actor=event.actor_label or _("Somebody"),
        by=_by(event),
        changes=changes,
        details=details,
        record=known.get((event.subject_type, event.subject_id)),
        customer=known.get((records.CUSTOMER, str(event.customer_id))),
    )


def impersonator_of(event: Event) -> str:
    """Who acted in the actor's name, as they are called now; empty where nobody did."""
    pk = parse_uuid(event.impersonator_id)
    user = User.objects.filter(pk=pk).first() if pk is not None else None
    return user.get_full_name() if user is not None else ""


def heads() -> QuerySet[AuditHead]:
    """The signed heads, newest first."""
    return AuditHead.objects.order_by("-signed_at", "-pk")


def people(organization: Organization) -> list[tuple[str, str]]:
    """Who belongs or belonged to the organization, by name: user id and name."""
    rows = Member.objects.filter(organization=organization).select_related("user")
    return sorted(((str(one.user_id), one.user.get_full_name()) for one in rows), key=lambda one: one[1].casefold())


def require_showable(name: str, day: date) -> None:
    """Raise Invalid for a day that no page can show."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        years = {"first": FIRST_YEAR, "last": LAST_YEAR}
        raise Invalid(name, _("Choose a day between %(first)s and %(last)s.") % years)


def _within_days(rows: QuerySet[Event], criteria: Criteria, zone: ZoneInfo) -> QuerySet[Event]:
    if criteria.date_from:
        require_showable("date_from", criteria.date_from)
        rows = rows.filter(occurred_at__gte=_begin(criteria.date_from, zone))
    if criteria.date_to:
        require_showable("date_to", criteria.date_to)
        rows = rows.filter(occurred_at__lt=_begin(criteria.date_to + timedelta(days=1), zone))
    return rows


def _begin(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone)


def _acting(organization: Organization, user_id: str) -> list[str]:
    """The ids under which a user acts: their own, and those of their keys."""
    try:
        key = User._meta.pk.to_python(user_id)
    except ValidationError as error:
        raise Invalid("user_id", _("This is no user’s id.")) from error
    keys = APIKey.objects.filter(organization=organization, member__user_id=key)
    return [str(key), *(str(pk) for pk in keys.values_list("pk", flat=True))]


def _by_user(organization: Organization, user_id: str) -> Q:
    """What a user did: as themselves, by a key, or in somebody else's name. By the index of who acted."""
    own = Q(actor_id__in=_acting(organization, user_id))
    acted = Impersonation.objects.filter(organization=organization, impersonator__user_id=user_id)
    members = [str(pk) for pk in acted.values_list("member__user_id", flat=True).distinct()]
    return own | Q(actor_id__in=members, impersonator_id=user_id) if members else own


def _search(member: Member, text: str) -> Q:
    """Words of the action, a name of who acted, a record that the words find, or an id; each has an index."""
    wanted = text.casefold()
    types = [event.event_type for event in EVENTS if wanted in str(event.description).casefold()]
    types += [event.event_type for event in EVENTS if wanted in event.event_type]
    condition = Q(type__in=types) if types else Q(pk__in=[])
    users = Member.objects.filter(organization=member.organization)
    users = users.filter(Q(user__name__icontains=text) | Q(user__email__icontains=text))
    if ids := [str(pk) for pk in users.values_list("user_id", flat=True)[:100]]:
        condition |= Q(actor_id__in=ids)
    for subject_type, found in records.search(member, text).items():
        if found and subject_type == records.CUSTOMER:
            condition |= Q(customer_id__in=found)
        elif found:
            condition |= Q(subject_type=subject_type, subject_id__in=found)
    if (key := parse_uuid(text)) is not None:
        kinds = [kind.subject_type for kind in records.KINDS]
        condition |= Q(pk=key) | Q(customer_id=key) | Q(subject_type__in=kinds, subject_id=str(key))
    return condition


def _by(event: Event) -> str:
    names = {
        "user": _("in person"), "api_key": _("by API key"), "workflow": _("by a rule"), "scim": _("by SCIM"),
        "system": _("by itself"),
    }  # fmt: skip
    return names.get(event.actor_kind, event.actor_kind)


def _changes(payload: object) -> tuple[list[Change], Values]:
    """What the payload says was changed, and the rest of it."""
    if not isinstance(payload, Mapping):
        return [], {}
    rest = dict(payload)
    changes = []
    named = rest.get("changes")
    if isinstance(named, Mapping):
        del rest["changes"]
        for name, sides in named.items():
            has_sides = isinstance(sides, Mapping) and {"from", "to"} & set(sides)
            before, after = (sides.get("from"), sides.get("to")) if has_sides else (None, sides)
            changes.append(Change(str(name), before, after))
    if "from" in rest and "to" in rest:
        changes.append(Change("", rest.pop("from"), rest.pop("to")))
    return changes, rest
