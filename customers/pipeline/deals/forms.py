"""The form of a deal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from accounts.models import User
from customers.models import Deal, Stage
from customers.people.customers.forms import OwnFieldsMixin

PLAIN = ("title", "amount", "currency", "status", "expected_close_on", "lost_reason")


class DealForm(OwnFieldsMixin):
    refused_fields = {**OwnFieldsMixin.refused_fields, "assigned_to": "owner"}
    title = forms.CharField(max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    amount = forms.DecimalField(max_digits=14, decimal_places=2, min_value=0, required=False)
    currency = forms.RegexField(r"^[A-Z]{3}$", max_length=3, error_messages={"invalid": "Three capital letters (GBP)."})
    status = forms.ChoiceField(choices=Deal.Status.choices)
    stage = forms.ChoiceField(
        required=False,
        help_text="Won and lost stages close the deal; so does the status, which finds a stage by itself.",
    )
    probability = forms.IntegerField(
        label="Probability, in per cent",
        min_value=0,
        max_value=100,
        required=False,
        help_text="Empty: that of the stage.",
    )
    expected_close_on = forms.DateField(
        label="Expected to close", required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    owner = forms.ChoiceField(required=False)
    lost_reason = forms.CharField(max_length=300, required=False, help_text="Why, if it was lost.")

    def __init__(
        self,
        *args: object,
        stages: Sequence[Stage],
        owners: Sequence[User],
        record: Deal | None = None,
        **kwargs: object,
    ) -> None:
        super().__init__(*args, record=record, **kwargs)
        self.stages = {str(stage.pk): stage for stage in stages}
        self.owners = {str(user.pk): user for user in owners}
        groups = [
            (label, [(key, stage.name) for key, stage in self.stages.items() if stage.kind == kind])
            for kind, label in Stage.Kind.choices
        ]
        people = [(key, user.get_full_name()) for key, user in self.owners.items()]
        left = record.owner if record is not None else None
        if left is not None and str(left.pk) not in self.owners:
            # Who is no member any more stays on it, until somebody else is chosen.
            people.append((str(left.pk), left.get_full_name()))
        self.fields["stage"].choices = [("", "—"), *(group for group in groups if group[1])]  # type: ignore[attr-defined]
        self.fields["owner"].choices = [("", "Nobody yet"), *people]  # type: ignore[attr-defined]

    def changes(self) -> dict[str, Any]:
        """What the service takes, without the own fields.

        A stage that only stood there, and is not of the kind that the status says, was not meant.
        """
        data = self.changed
        values = {name: data[name] for name in (*PLAIN, "probability") if name in data}
        if "amount" in values:
            values["amount"] = values["amount"] or 0
        stage = self.stages.get(data.get("stage", ""))
        if stage is not None and (
            self.is_edit or "stage" in self.changed_data or stage.kind == self.cleaned_data["status"]
        ):
            values["stage"] = stage
        if "owner" in data and "owner" in self.data:
            values["owner"] = self.owners.get(data["owner"])
        return values

    @staticmethod
    def initial_of(deal: Deal) -> dict[str, object]:
        plain = {name: getattr(deal, name) for name in (*PLAIN, "probability")}
        return plain | {"stage": str(deal.stage_id or ""), "owner": str(deal.owner_id or "")}
