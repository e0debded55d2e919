"""The forms of outcomes: one that is recorded, and the organization's types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from core.edits import EditMixin
from customers.models import Outcome, OutcomeType, Stage
from customers.people.form_fields import MomentField
from customers.people.tags.services import COLORS
from customers.pipeline.outcomes.services import MAX_NAME_LENGTH


class OutcomeForm(EditMixin):
    """A result of a customer. `types` are the types that may be chosen."""

    type = forms.ChoiceField(label="What happened", widget=forms.RadioSelect)
    amount = forms.DecimalField(
        max_digits=14, decimal_places=2, min_value=0, required=False, widget=forms.TextInput({"inputmode": "decimal"})
    )
    currency = forms.RegexField(
        r"^[A-Z]{3}$",
        required=False,
        error_messages={"invalid": "Three capital letters (GBP)."},
    )
    occurred_at = MomentField(label="When", required=False, help_text="Empty: now.")
    note = forms.CharField(max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, types: Sequence[OutcomeType], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.types = {outcome_type.key: outcome_type for outcome_type in types}
        self.fields["type"].choices = [(outcome_type.key, outcome_type.name) for outcome_type in types]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, object]:
        data = super().clean() or {}
        outcome_type = self.types.get(data.get("type", ""))
        # What a hidden field still held is nobody's intention.
        if (
            outcome_type is not None
            and not outcome_type.has_amount
            and (not self.is_edit or "type" in self.changed_data)
        ):
            data["amount"] = None
        return data

    def values(self) -> dict[str, Any]:
        """What the service takes. Currency and moment stay out where they are empty: the organization's, and now."""
        data = self.changed
        if "type" in data:
            data["type"] = self.types[data["type"]]
            if not data["type"].has_amount:
                data["amount"] = None
        return {name: value for name, value in data.items() if value or name not in ("currency", "occurred_at")}

    @staticmethod
    def initial_of(outcome: Outcome) -> dict[str, object]:
        plain = {name: getattr(outcome, name) for name in ("amount", "currency", "occurred_at", "note")}
        return plain | {"type": outcome.type.key}


class OutcomeTypeForm(EditMixin):
    """A kind of result, new or changed; its key is for good and made of the first name."""

    # The key is made of the name: what is wrong with it is the name's.
    refused_fields = {"": "name"}
    name = forms.CharField(max_length=MAX_NAME_LENGTH, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    color = forms.ChoiceField(label="Colour", choices=[(one, one.capitalize()) for one in COLORS])
    stage = forms.ChoiceField(
        label="Moves the customer to",
        required=False,
        help_text="Forward only; to a lost stage from any open one.",
    )
    is_converting = forms.BooleanField(label="Counts as a conversion", required=False)
    has_amount = forms.BooleanField(
        label="Has an amount", required=False, help_text="Money belongs to it: the form asks for it."
    )

    def __init__(self, *args: Any, stages: Sequence[Stage], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stages = {stage.key: stage for stage in stages}
        named = [(stage.key, stage.name) for stage in stages]
        self.fields["stage"].choices = [("", "Nowhere: they stay"), *named]  # type: ignore[attr-defined]

    def values(self) -> dict[str, Any]:
        """What the service takes."""
        values = self.changed
        if "stage" in values:
            values["stage"] = self.stages.get(values["stage"])
        return values

    @staticmethod
    def initial_of(outcome_type: OutcomeType) -> dict[str, object]:
        plain = {name: getattr(outcome_type, name) for name in ("name", "color", "is_converting", "has_amount")}
        return plain | {"stage": outcome_type.stage.key if outcome_type.stage else ""}
