from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.edits import EditMixin
from customers.models import Consent, Customer, CustomField, Interaction
from customers.people.custom_fields.values import InvalidValue, read_text, show
from customers.people.fields import CustomerField, Kind, of_kind
from customers.people.form_fields import MomentField
from customers.people.tags.services import COLORS

OWN = "own_"
# Kinds that a form has an input for; the others have editors of their own.
_TYPED = (Kind.NAME, Kind.PHONE, Kind.EMAIL, Kind.LINE, Kind.TEXT, Kind.CHOICE, Kind.SOURCE, Kind.PLACE, Kind.OPT_OUT)
_ATTRIBUTES = {Kind.NAME: {"autocomplete": "off"}, Kind.PHONE: {"type": "tel"}, Kind.EMAIL: {"type": "email"}}


class OwnFieldsMixin(EditMixin):
    """A form with the organization's own fields behind its others."""

    # What a service calls otherwise than the form (core.refused_pages).
    refused_fields: Mapping[str, str] = {"custom_fields.": OWN}
    definitions: Sequence[CustomField] = ()
    own_now: Mapping[str, object] = {}

    def add_own_fields(self, definitions: Sequence[CustomField], values: Mapping[str, object]) -> None:
        """Fields named `own_<key>`, filled with what is there."""
        self.definitions, self.own_now = definitions, values
        for field in definitions:
            self.fields[f"{OWN}{field.key}"] = _form_field(field)
            value = values.get(field.key)
            self.initial.setdefault(f"{OWN}{field.key}", _initial(field, value))

    def own_values(self) -> dict[str, object]:
        """What was entered, by key, as the service takes it; of an edit only what was changed.

        Errors become the fields'.
        """
        values: dict[str, object] = {}
        for field in self.definitions:
            name = f"{OWN}{field.key}"
            if self.is_edit and name not in self.changed:
                continue
            entered = self.cleaned_data.get(name)
            try:
                now = self.own_now.get(field.key)
                text = str(entered or "")
                values[field.key] = entered if isinstance(entered, list) else read_text(field, text, current=now)
            except InvalidValue as error:
                self.add_error(name, str(error))
        return values


class CustomerForm(OwnFieldsMixin):
    """The form of a new customer."""

    # Most are reached by phone.
    field_order = ("name", "phone")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields |= {field.name: _input(field) for field in self.declared()}
        self.order_fields(self.field_order)

    @staticmethod
    def declared() -> list[CustomerField]:
        return [field for field in of_kind(*_TYPED) if field.is_quick]


class DetailsForm(CustomerForm):
    """The form of all editable fields of a customer."""

    @staticmethod
    def declared() -> list[CustomerField]:
        return sorted((one for one in of_kind(*_TYPED) if one.is_writable), key=lambda one: not one.is_quick)

    def changes(self, customer: Customer) -> dict[str, Any]:
        """What `customers.update` takes; empty where nothing was changed."""
        data = {name: value for name, value in self.changed.items() if not name.startswith(OWN)}
        parts = {place.name: data.pop(place.name) for place in of_kind(Kind.PLACE) if place.name in data}
        if parts:
            data["address"] = {**(customer.address or {}), **parts}
        if own := self.own_values():
            data["custom_fields"] = own
        return data

    @classmethod
    def initial_of(cls, customer: Customer) -> dict[str, object]:
        return {field.name: field.value_of(customer) for field in cls.declared()}


class EntryForm(forms.Form):
    """The quick entry form: a note, call or meeting, a task, or the next follow-up."""

    refused_fields = {"occurred_at": "at", "next_follow_up_at": "then_day"}
    KINDS = (("note", "Note"), ("call", "Call"), ("meeting", "Meeting"), ("task", "Task"), ("follow_up", "Follow-up"))
    THEN = (
        ("", "As it is"),
        ("none", "None"),
        ("tomorrow", "Tomorrow"),
        ("three_days", "In three days"),
        ("next_week", "Next week"),
        ("day", "On a day…"),
    )

    kind = forms.ChoiceField(choices=KINDS)
    content = forms.CharField(max_length=10_000, required=False, widget=forms.Textarea(attrs={"rows": 3}))
    direction = forms.ChoiceField(
        choices=[(Interaction.Direction.OUTBOUND, "We called"), (Interaction.Direction.INBOUND, "They called")],
        required=False,
    )
    minutes = forms.IntegerField(min_value=0, max_value=10_000, required=False)
    at = MomentField(required=False)
    # The next follow-up, entered together with the interaction.
    then = forms.ChoiceField(choices=THEN, required=False)
    then_day = forms.DateField(required=False)

    def clean(self) -> dict[str, object]:
        data = super().clean() or {}
        kind = data.get("kind")
        if kind == "follow_up" and not data.get("at") and "at" not in self.errors:
            self.add_error("at", "Say when you want to be reminded.")
        if data.get("then") == "day" and not data.get("then_day") and "then_day" not in self.errors:
            self.add_error("then_day", "Choose the day of the next follow-up.")
        if kind and kind != "follow_up" and not data.get("content", "").strip():
            self.add_error("content", "Write a few words first.")
        if kind == "task" and len(data.get("content", "")) > 200:
            self.add_error("content", "A task’s title has 200 characters at most.")
        return data


class ConsentForm(forms.Form):
    is_granted = forms.ChoiceField(choices=[("yes", "Allowed"), ("no", "Forbidden")])
    purpose = forms.ChoiceField(choices=Consent.Purpose.choices)
    channel = forms.ChoiceField(
        choices=[("", "Every channel"), ("whatsapp", "WhatsApp"), ("sms", "SMS"), ("email", "E-mail")], required=False
    )
    how = forms.CharField(max_length=200)


class ContactForm(OwnFieldsMixin):
    name = forms.CharField(max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    relationship = forms.CharField(
        max_length=40, required=False, widget=forms.TextInput(attrs={"list": "relationships", "autocomplete": "off"})
    )
    phone = forms.CharField(max_length=40, required=False, widget=forms.TextInput(attrs={"type": "tel"}))
    email = forms.CharField(
        label="E-mail", max_length=254, required=False, widget=forms.TextInput(attrs={"type": "email"})
    )
    birth_date = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))


class CustomFieldForm(EditMixin):
    """A field of the organization's own; key, entity and type are for good."""

    entity = forms.ChoiceField(label="Of", choices=CustomField.Entity.choices)
    label = forms.CharField(max_length=80)
    key = forms.CharField(max_length=40, help_text="What the API and imports call it, such as grade.")
    type = forms.ChoiceField(choices=CustomField.Type.choices)
    choices = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"rows": 4}), help_text="For choices: one a line."
    )
    is_required = forms.BooleanField(label="Has to be filled in", required=False)

    def clean_choices(self) -> list[str]:
        return [line.strip() for line in self.cleaned_data["choices"].splitlines() if line.strip()]


class TagForm(EditMixin):
    """A tag's name and colour, on a line of the settings; the service checks the name."""

    refused_fields = {"tags": "name"}
    name = forms.CharField(required=False)
    color = forms.ChoiceField(
        choices=[(color, color) for color in COLORS],
        error_messages={"invalid_choice": _("Use one of the colours in the list.")},
    )


def _input(field: CustomerField) -> forms.Field:
    options: dict[str, Any] = {"label": field.label, "help_text": field.hint}
    if field.kind is Kind.CHOICE:
        return forms.ChoiceField(choices=field.choices, **options)
    options["required"] = field.kind is Kind.NAME
    if field.kind is Kind.OPT_OUT:
        return forms.BooleanField(**options)
    if field.kind is Kind.TEXT:
        return forms.CharField(max_length=10_000, widget=forms.Textarea(attrs={"rows": 4}), **options)
    # A phone as people write it, with blanks.
    most = 40 if field.kind is Kind.PHONE else field.max_length
    return forms.CharField(max_length=most, widget=forms.TextInput(attrs=_ATTRIBUTES.get(field.kind)), **options)


def _form_field(field: CustomField) -> forms.Field:
    options: dict[str, Any] = {"label": field.label, "required": field.is_required}
    if field.type == CustomField.Type.CHOICE:
        return forms.ChoiceField(choices=[("", "—"), *((c, c) for c in field.choices)], **options)
    if field.type == CustomField.Type.MULTI_CHOICE:
        return forms.MultipleChoiceField(
            choices=[(c, c) for c in field.choices], widget=forms.CheckboxSelectMultiple, **options
        )
    if field.type == CustomField.Type.BOOLEAN:
        return forms.ChoiceField(choices=[("", "—"), ("yes", "Yes"), ("no", "No")], **options)
    kinds = {CustomField.Type.NUMBER: "text", CustomField.Type.DATE: "date", CustomField.Type.URL: "url"}
    attributes = {"type": kinds.get(CustomField.Type(field.type), "text")}
    if field.type == CustomField.Type.NUMBER:
        attributes["inputmode"] = "decimal"
    return forms.CharField(max_length=2000, widget=forms.TextInput(attrs=attributes), **options)


def _initial(field: CustomField, value: object) -> object:
    if field.type == CustomField.Type.MULTI_CHOICE:
        return value or []
    return show(field, value).lower() if field.type == CustomField.Type.BOOLEAN else show(field, value)
