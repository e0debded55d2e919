"""What the conditions of a rule may ask for: what the trigger's declaration offers, its payload, and own fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from accounts.models import Member, Team
from activity.payloads import Kind
from activity.registry import EVENTS, Declared
from activity.rules import OPERATORS_OF, OWN_FIELD_PREFIX
from customers.models import Customer, CustomField, OutcomeType, Stage
from messaging.texts.templates.forms import LABELS as CHANNEL_LABELS
from workflows.rules.conditions import AskedField

OF_CUSTOMER: Final = "customer_stage"
KIND_OF_TYPE: Mapping[str, Kind] = {
    CustomField.Type.TEXT: Kind.TEXT,
    CustomField.Type.URL: Kind.TEXT,
    CustomField.Type.NUMBER: Kind.NUMBER,
    CustomField.Type.DATE: Kind.TIME,
    CustomField.Type.BOOLEAN: Kind.BOOLEAN,
    CustomField.Type.CHOICE: Kind.LABEL,
    CustomField.Type.MULTI_CHOICE: Kind.LIST,
}
CHANNELS: Final[Mapping[str, str]] = {kind.value: label for kind, label in CHANNEL_LABELS.items()}
# Fields of payloads whose values are those of a field of conditions.
SAME_VALUES: Final[Mapping[tuple[str, str], str]] = {
    ("customer.created", "stage"): OF_CUSTOMER,
    ("customer.stage_changed", "from"): OF_CUSTOMER,
    ("customer.stage_changed", "to"): OF_CUSTOMER,
    ("outcome.recorded", "type"): "outcome_type",
}


def trigger_of(event_type: str) -> Declared | None:
    """The declaration of an event that rules may begin with; None for any other."""
    declared = EVENTS.get(event_type)
    return declared if declared is not None and declared.is_trigger else None


def kinds_for(trigger: Declared, own_fields: Sequence[CustomField]) -> dict[str, Kind]:
    """The kind of each field that may be asked for. The declaration's fields hide the payload's of the same name."""
    kinds = {field.name: field.kind for field in trigger.payload if field.kind in OPERATORS_OF}
    kinds |= {field.name: field.kind for field in trigger.conditions}
    if OF_CUSTOMER in kinds:
        kinds |= {f"{OWN_FIELD_PREFIX}{field.key}": KIND_OF_TYPE[field.type] for field in own_fields}
    return kinds


def own_fields() -> list[CustomField]:
    """The organization's own fields of customers; one query."""
    return list(CustomField.objects.filter(entity=CustomField.Entity.CUSTOMER))


def asked_fields(trigger: Declared) -> dict[str, AskedField]:
    """Every field with its label and, where they are known, its values; in the open organization, four queries."""
    own = own_fields()
    return fields_of(trigger, own, choices_of(own))


def fields_of(
    trigger: Declared, own: Sequence[CustomField], choices: Mapping[str, Mapping[str, str]]
) -> dict[str, AskedField]:
    """The same with the own fields and the values at hand; no query."""
    labels = {field.name: str(field.description) or _humanized(field.name) for field in trigger.payload}
    labels |= {field.name: str(field.label) for field in trigger.conditions}
    labels |= {f"{OWN_FIELD_PREFIX}{field.key}": field.label for field in own}
    kinds = kinds_for(trigger, own)
    return {
        name: AskedField(name, labels[name], kind, choices.get(SAME_VALUES.get((trigger.event_type, name), name)))
        for name, kind in kinds.items()
    }


def _humanized(name: str) -> str:
    return name.replace("_", " ").capitalize()


def stages() -> dict[str, str]:
    return dict(Stage.objects.order_by("position").values_list("key", "name"))


def outcome_types() -> dict[str, str]:
    return dict(OutcomeType.objects.order_by("position").values_list("key", "name"))


def date_fields() -> dict[str, str]:
    """The own date fields of customers."""
    rows = CustomField.objects.filter(entity=CustomField.Entity.CUSTOMER, type=CustomField.Type.DATE)
    return dict(rows.values_list("key", "label"))


def members() -> dict[str, str]:
    """The active people, by their user's id."""
    rows = Member.objects.active().people().select_related("user").order_by("user__name", "pk")
    return {str(member.user_id): member.user.get_full_name() for member in rows}


def teams() -> dict[str, str]:
    """The teams, by their ids."""
    return {str(pk): name for pk, name in Team.objects.order_by("name").values_list("pk", "name")}


def choices_of(own: Sequence[CustomField]) -> dict[str, Mapping[str, str]]:
    """The values of the fields that have a known set of them; three queries."""
    own_choices: dict[str, Mapping[str, str]] = {
        f"{OWN_FIELD_PREFIX}{field.key}": {choice: choice for choice in field.choices}
        for field in own
        if field.has_choices
    }
    return own_choices | {
        "date_field": {field.key: field.label for field in own if field.type == CustomField.Type.DATE},
        "customer_stage": stages(),
        "customer_status": {value: str(label) for value, label in Customer.Status.choices},
        "channel": CHANNELS,
        "outcome_type": outcome_types(),
        "assigned_to": members(),
    }
