"""The filters of a list of customers, read in one place for API, pages, segments, bulk changes and exports.

`read` takes what stands in an address or in a segment and gives checked values that JSON can hold; `condition_of` makes
the database's condition of one. What is not listed is refused by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from core.ids import parse_uuid
from core.refused import Invalid
from core.tenancy import current_organization
from core.text_safety import is_storable
from customers.models import CustomField, Stage, Task
from customers.people import owners
from customers.people.custom_fields.values import InvalidValue, read_text
from customers.people.fields import CUSTOM, CustomerField, Kind, of_kind
from customers.people.overdue import overdue

ORDERINGS = ("-created_at", "created_at", "name", "-name", "-updated_at", "updated_at", "-last_activity_at",
             "last_activity_at", "next_follow_up_at", "-next_follow_up_at", "code", "-code")  # fmt: skip
DEFAULT_ORDERING = ORDERINGS[0]
MAX_TAGS = 10
# Beside the filters, what saves a query: the organization's stages, where they are known. Nothing that is read.
KNOWN_STAGES = "known stages"
# Beside the filters, that one of them means nothing (any more): then nobody fits, and never everybody.
REFUSED = "refused"
# Left in a saved view in the place of what asked for somebody who was erased.
ERASED = "erased"
_FROM, _TO = "__gte", "__lte"


class InvalidFilter(Invalid):
    """An unknown filter (code `unknown`) or a value that is not of its kind; `field` names the filter."""

    def __init__(self, field: str, detail: str, *, is_unknown: bool = False) -> None:
        super().__init__(field, detail, code="unknown" if is_unknown else "invalid")
        self.is_unknown = is_unknown


def read(values: Mapping[str, object]) -> dict[str, object]:
    """Checked filters, empty ones left out; `custom.<key>` (and, for numbers and days, `custom.<key>__gte` and `__lte`)
    keep their names. Raises InvalidFilter."""
    result, refused = read_each(values)
    if refused:
        raise refused[0]
    return result


def read_each(
    entered: Mapping[str, object],
    *,
    fields: Mapping[str, CustomField] | None = None,
    stages: Collection[str] | None = None,
    members: Collection[str] | None = None,
) -> tuple[dict[str, Any], list[InvalidFilter]]:
    """As `read`, with the errors beside the valid filters instead of raising the first.

    The customers' custom fields by key, the stages' keys and the members' user ids save a query each where they are
    known already.
    """
    values = {name: entered.getlist(name) for name in entered} if isinstance(entered, QueryDict) else dict(entered)
    if fields is None and any(name.startswith(CUSTOM) for name in values):
        fields = {field.key: field for field in CustomField.objects.filter(entity=CustomField.Entity.CUSTOMER)}
    readers = _readers(stages, members)
    result: dict[str, object] = {}
    refused: list[InvalidFilter] = []
    for name, value in values.items():
        if name != "tag" and isinstance(value, list):
            value = value[-1] if value else ""
        if value in ("", None, []):
            continue
        try:
            if name.startswith(CUSTOM):
                result[name] = _custom(name, value, fields or {})
            elif name == ERASED:
                raise InvalidFilter(
                    name,
                    _("This view asked for somebody who was erased, so it matches nobody. Take the filter away."),
                )
            elif name in readers:
                result["q" if name == "search" else name] = readers[name](name, value)
            else:
                raise InvalidFilter(name, f"Not a filter. Use: {', '.join(names())}.", is_unknown=True)
        except InvalidFilter as error:
            refused.append(error)
    return result, refused


def _readers(
    stages: Collection[str] | None = None, members: Collection[str] | None = None
) -> dict[str, Callable[[str, object], object]]:
    """The reader of each filter; values that the caller knows already need no query."""
    readers = _READERS | {
        one.name: _choice([value for value, _label in one.choices]) if one.choices else _text(one.max_length)
        for one in plain_filters()
    }
    if stages is not None:
        readers["stage"] = _choice(list(stages))
    if members is not None:
        readers["assigned_to"] = lambda name, value: _owner(name, value, members)
    return readers


def names() -> list[str]:
    """Every filter's name, as a refusal lists them."""
    return [*_readers(), "custom.<key>"]


def condition(filters: Mapping[str, Any]) -> Q:
    """The database's condition for all filters but `q`, `tag` and `assigned_to`, which need the list or the member."""
    result = Q()
    look_ups = {field.name: f"{field.name}{_LOOK_UPS[field.kind]}" for field in plain_filters()}
    for name, value in filters.items():
        if value in ("", None):
            continue
        if name.startswith(CUSTOM):
            result &= _custom_condition(name, value)
        elif name == "overdue":
            result &= _overdue(value, filters.get(KNOWN_STAGES))
        elif name in _CONDITIONS:
            result &= _CONDITIONS[name](value)
        elif name in look_ups:
            result &= Q(**{look_ups[name]: value})
    return result


# --- Reading ----------------------------------------------------------------------------------------------------------


def _text(most: int) -> Callable[[str, object], str]:
    def reader(name: str, value: object) -> str:
        if not isinstance(value, str) or len(value) > most or not is_storable(value):
            raise InvalidFilter(name, f"A text of at most {most} characters is needed.")
        return value.strip()

    return reader


def _choice(choices: list[str]) -> Callable[[str, object], str]:
    def reader(name: str, value: object) -> str:
        if value not in choices:
            raise InvalidFilter(name, f"“{str(value)[:40]}” is not one of {', '.join(choices)}.")
        return str(value)

    return reader


def _stage(name: str, value: object) -> str:
    keys = list(Stage.objects.values_list("key", flat=True))
    return _choice(keys)(name, value)


def _tags(name: str, value: object) -> list[str]:
    tags = [value] if isinstance(value, str) else value
    if not isinstance(tags, list) or len(tags) > MAX_TAGS:
        raise InvalidFilter(name, f"At most {MAX_TAGS} tags can be asked for.")
    return [_text(50)(name, tag) for tag in tags]


def _owner(name: str, value: object, known: Collection[str] | None = None) -> str:
    if value in ("me", "none"):
        return str(value)
    user_id = parse_uuid(value)
    if user_id is None:
        raise InvalidFilter(name, "Use “me”, “none” or a user’s id.")
    if not (owners.is_member(user_id) if known is None else str(user_id) in known):
        raise InvalidFilter(name, owners.refusal())
    return str(user_id)


def _moment(name: str, value: object) -> str:
    """A moment, or a day: its beginning in the organization's zone, its end for `…_to`."""
    text = str(value).strip()
    try:
        if len(text) == len("2000-01-31"):
            day = date.fromisoformat(text) + timedelta(days=1 if name.endswith("_to") else 0)
            result = datetime.combine(day, time(), current_organization().zone)
            # The database reads it in UTC: a day at the edge of the calendar has no such moment, which raises.
            result.astimezone(timezone.get_default_timezone())
            return result.isoformat()
        moment = parse_datetime(text.replace(" ", "+") if text.count(" ") == 1 and "T" in text else text)
        if moment is None:
            raise ValueError
        moment = moment if moment.tzinfo else moment.replace(tzinfo=current_organization().zone)
        return moment.astimezone(timezone.get_default_timezone()).isoformat()
    except (ValueError, OverflowError) as error:
        raise InvalidFilter(name, "Use a day such as 2026-03-31 or a moment such as 2026-03-31T09:00:00Z.") from error


def _boolean(name: str, value: object) -> bool:
    words = {"true": True, "1": True, "false": False, "0": False}
    result = value if isinstance(value, bool) else words.get(str(value).casefold())
    if result is None:
        raise InvalidFilter(name, "Use true or false.")
    return result


def _custom(name: str, value: object, fields: Mapping[str, CustomField]) -> object:
    key, suffix = _split(name)
    field = fields.get(key)
    if field is None:
        raise InvalidFilter(name, f"“{key[:40]}” is not a custom field of customers.", is_unknown=True)
    if suffix and field.type not in (CustomField.Type.NUMBER, CustomField.Type.DATE):
        raise InvalidFilter(name, "Only numbers and days have a range.", is_unknown=True)
    if field.type == CustomField.Type.URL:
        # Part of a link is asked for, which is no link.
        return {"type": field.type, "value": _text(200)(name, value)}
    try:
        result = read_text(field, value) if isinstance(value, str) else read_text(field, str(value))
    except InvalidValue as error:
        raise InvalidFilter(name, str(error)) from error
    # Kept with the kind, so that the condition needs no second look at the definition.
    return {"type": field.type, "value": result}


def _split(name: str) -> tuple[str, str]:
    key = name.removeprefix(CUSTOM)
    for suffix in (_FROM, _TO):
        if key.endswith(suffix):
            return key.removesuffix(suffix), suffix
    return key, ""


# The look-up that a filter by a field of this kind makes; stage and owner have ways of their own.
_LOOK_UPS: Mapping[Kind, str] = {Kind.CHOICE: "", Kind.LINE: "__iexact", Kind.SOURCE: "__iexact"}


def plain_filters() -> list[CustomerField]:
    """The fields that are filtered by in the way of their kind."""
    return [field for field in of_kind(*_LOOK_UPS) if field.is_filter]


_READERS: dict[str, Callable[[str, object], object]] = {
    "q": _text(200),
    "search": _text(200),
    "stage": _stage,
    "tag": _tags,
    "assigned_to": _owner,
    "created_from": _moment,
    "created_to": _moment,
    "follow_up_before": _moment,
    "has_open_task": _boolean,
    "overdue": _boolean,
    "ordering": _choice(list(ORDERINGS)),
}

# --- Asking -----------------------------------------------------------------------------------------------------------


def _has_open_task(value: bool) -> Q:
    result = Exists(
        Task.objects.filter(customer=OuterRef("pk"), status__in=[Task.Status.OPEN, Task.Status.IN_PROGRESS])
    )
    return Q(result) if value else ~Q(result)


def _overdue(value: bool, stages: Sequence[Stage] | None) -> Q:
    late = overdue(stages)
    return late if value else ~late


def _custom_condition(name: str, condition: Mapping[str, Any]) -> Q:
    key, suffix = _split(name)
    path, value = f"custom_fields__{key}", condition["value"]
    if suffix:
        return Q(**{f"{path}{suffix}": value})
    if condition["type"] in (CustomField.Type.TEXT, CustomField.Type.URL):
        return Q(**{f"{path}__icontains": value})
    if condition["type"] == CustomField.Type.MULTI_CHOICE:
        # SQLite has no containment: each place of the list is asked.
        every = Q()
        for choice in value:
            any_place = Q()
            for place in range(MAX_TAGS):
                any_place |= Q(**{f"{path}__{place}": choice})
            every &= any_place
        return every
    # Said in full: a key such as “contains” or “in” would be taken for a look-up.
    return Q(**{f"{path}__exact": value})


_CONDITIONS: dict[str, Callable[[Any], Q]] = {
    "stage": lambda value: Q(stage__key=value),
    "created_from": lambda value: Q(created_at__gte=value),
    "created_to": lambda value: Q(created_at__lt=value),
    "follow_up_before": lambda value: Q(next_follow_up_at__lt=value),
    "has_open_task": _has_open_task,
}
