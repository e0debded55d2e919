"""An organization's own fields: defined, changed, and the values checked against them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import cast

from django.db import IntegrityError, transaction

from accounts.models import Organization
from activity.actor import Actor
from activity.ledger import record
from core.refused import Invalid
from customers import events
from customers.models import CustomField
from customers.people.custom_fields.values import InvalidValue, is_empty, read_text, show
from customers.people.custom_fields.values import clean as clean_value

__all__ = [
    "InvalidDefinition",
    "InvalidValue",
    "clean",
    "create",
    "definitions",
    "delete",
    "read_text",
    "show",
    "update",
]

# Two underscores would be a look-up; a digit in front an index into a list.
KEY = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")
MAX_FIELDS = 100
MAX_CHOICES = 200
SETTABLE = frozenset({"label", "choices", "is_required", "position"})


class InvalidDefinition(Invalid):
    """A value that the definition of a field can’t have."""


def definitions(entity: str) -> list[CustomField]:
    """The organization's fields for these records, in order; one query."""
    return list(CustomField.objects.filter(entity=entity))


def clean(
    entity: str,
    values: Mapping[str, object],
    *,
    existing: Mapping[str, object] | None = None,
    fields: Sequence[CustomField] | None = None,
) -> dict[str, object]:
    """All of a record's values after these are set; null or empty takes one away.

    With `existing`, values that are not given stay, those of fields that are gone too, which may come back in as they
    are. Raises InvalidValue for an unknown key, a value not of its kind, and a required field that is taken away or, on
    a new record, not given.
    """
    known = {field.key: field for field in (definitions(entity) if fields is None else fields)}
    result = dict(existing or {})
    for key, value in values.items():
        if key not in known and key in result and value in (None, result[key]):
            continue
        if key not in known:
            names = ", ".join(known) or "none are defined"
            raise InvalidValue(str(key), f"“{str(key)[:40]}” is not a custom field here ({names}).")
        cleaned = clean_value(known[key], value, current=result.get(key))
        if is_empty(cleaned):
            result.pop(key, None)
        else:
            result[key] = cleaned
    for field in known.values():
        touched = existing is None or field.key in values
        if field.is_required and touched and is_empty(result.get(field.key)):
            raise InvalidValue(field.key, f"{field.label} is needed.")
    return result


@transaction.atomic
def create(
    *,
    organization: Organization,
    actor: Actor,
    key: str,
    label: str,
    type: str,  # noqa: A002 - the contract's name
    entity: str = CustomField.Entity.CUSTOMER,
    choices: Sequence[str] = (),
    is_required: bool = False,
    position: int | None = None,
) -> CustomField:
    """A new field at the end of the others. Raises InvalidDefinition."""
    others = CustomField.objects.filter(organization=organization, entity=entity)
    if others.count() >= MAX_FIELDS:
        raise InvalidDefinition("key", f"At most {MAX_FIELDS} fields can be defined.")
    if not KEY.fullmatch(key) or len(key) > 40:
        raise InvalidDefinition(
            "key", "Use small letters, digits, and single _ or - between them; begin with a letter."
        )
    field = CustomField(
        organization=organization, entity=entity, key=key, label=_label(label), type=type,
        choices=_choices(type, choices), is_required=is_required,
        position=others.count() if position is None else position,
    )  # fmt: skip
    try:
        with transaction.atomic():
            field.save(force_insert=True)
    except IntegrityError as error:
        raise InvalidDefinition("key", f"There is a field “{key}” already.") from error
    record(events.CUSTOM_FIELD_CREATED, subject=field, actor=actor, payload={"key": key, "entity": entity})
    return field


@transaction.atomic
def update(*, field: CustomField, actor: Actor, changes: Mapping[str, object]) -> CustomField:
    """Label, choices, whether it is required, position; key, type and entity are for good. Raises InvalidDefinition.

    A choice that is taken away stays on the records that have it, until they are changed.
    """
    fixed = set(changes) - SETTABLE
    if fixed:
        raise InvalidDefinition(min(fixed), "This can’t be changed: values are stored by it. Make another field.")
    for name, value in changes.items():
        if name == "label":
            field.label = _label(cast("str", value))
        elif name == "choices":
            field.choices = _choices(field.type, cast("Sequence[str]", value))
        else:
            setattr(field, name, value)
    field.save()
    record(events.CUSTOM_FIELD_CHANGED, subject=field, actor=actor, payload={"key": field.key, "set": sorted(changes)})
    return field


@transaction.atomic
def delete(*, field: CustomField, actor: Actor) -> None:
    """Take a field away; the values stay on the records, unseen, and are back with a field of the same key."""
    record(events.CUSTOM_FIELD_DELETED, subject=field, actor=actor, payload={"key": field.key, "entity": field.entity})
    field.delete()


def _label(label: str) -> str:
    label = " ".join(label.split())
    if not 0 < len(label) <= 80:
        raise InvalidDefinition("label", "A label of 1 to 80 characters is needed.")
    return label


def _choices(kind: str, choices: Sequence[str]) -> list[str]:
    if kind not in (CustomField.Type.CHOICE, CustomField.Type.MULTI_CHOICE):
        if choices:
            raise InvalidDefinition("choices", "Only choice and multi_choice have choices.")
        return []
    words = [" ".join(str(choice).split()) for choice in choices]
    if not words or not all(0 < len(word) <= 80 and not set(word) & set(";|") for word in words):
        raise InvalidDefinition("choices", "One choice at least, each of 1 to 80 characters without ; or |.")
    if len(words) > MAX_CHOICES or len({word.casefold() for word in words}) < len(words):
        raise InvalidDefinition("choices", f"At most {MAX_CHOICES} choices, none twice.")
    return words
