"""The forms of the pipeline: its stages, and what the organization decides about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.edits import EditMixin
from customers.models import CustomerSettings, Stage
from customers.people.settings.services import MAX_DAYS, MAX_UNANSWERED, MIN_UNANSWERED
from customers.people.tags.services import COLORS
from customers.pipeline.stages.services import MAX_HOURS, MAX_NAME_LENGTH, MAX_TASK_LENGTH

SETTINGS = (
    "follow_up_days", "unanswered_minutes", "stalled_days", "asks_lost_reason", "won_deal_stage", "lost_deal_stage",
)  # fmt: skip


class StageForm(EditMixin):
    """A stage, new or changed; its key is for good and made of the first name."""

    name = forms.CharField(max_length=MAX_NAME_LENGTH, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    kind = forms.ChoiceField(
        choices=Stage.Kind.choices,
        help_text="Open: the work goes on. Won and lost end it: nobody is overdue there.",
    )
    color = forms.ChoiceField(label="Colour", choices=[(one, one.capitalize()) for one in COLORS])
    probability = forms.IntegerField(
        label="Probability, in per cent",
        min_value=0,
        max_value=100,
        required=False,
        help_text="How likely an open deal in this stage is won. Won counts 100, lost 0.",
    )
    sla_hours = forms.IntegerField(
        label="Overdue after, in hours",
        min_value=1,
        max_value=MAX_HOURS,
        required=False,
        help_text="Nothing said or done for longer marks a customer as overdue. Empty: never.",
    )
    entry_task = forms.CharField(
        label="Task on arrival",
        max_length=MAX_TASK_LENGTH,
        required=False,
        help_text="Made for the owner whenever somebody comes into this stage. Empty: none.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def values(self) -> dict[str, Any]:
        """What the service takes."""
        values = self.changed
        if "probability" in values:
            values["probability"] = values["probability"] or 0
        return values

    @staticmethod
    def initial_of(stage: Stage) -> dict[str, object]:
        return {name: getattr(stage, name) for name in StageForm.base_fields}


class PipelineRulesForm(EditMixin):
    """What the organization decides about follow-ups, lost customers and closed deals."""

    follow_up_days = forms.IntegerField(
        label="Next follow-up, in days",
        min_value=1,
        max_value=MAX_DAYS,
        help_text="So long after a call or another action the next follow-up is proposed.",
    )
    unanswered_minutes = forms.IntegerField(
        label=_("Unanswered after, in minutes"),
        min_value=MIN_UNANSWERED,
        max_value=MAX_UNANSWERED,
        help_text=_("A message that waits for so long: its owner is notified, and rules can begin with it."),
    )
    stalled_days = forms.IntegerField(
        label="Stalled after, in days",
        min_value=1,
        max_value=MAX_DAYS,
        help_text="A message that went unanswered for so long makes a stalled lead.",
    )
    won_deal_stage = forms.ChoiceField(label="A won deal moves its customer to", required=False)
    lost_deal_stage = forms.ChoiceField(
        label="A lost deal moves its customer to",
        required=False,
        help_text="Only where they have no other deal that is open or won.",
    )
    asks_lost_reason = forms.BooleanField(label="Ask why, when somebody is lost", required=False)

    def __init__(self, *args: Any, stages: Sequence[Stage], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stages = {str(stage.pk): stage for stage in stages}
        for name, wrong in (("won_deal_stage", Stage.Kind.LOST), ("lost_deal_stage", Stage.Kind.WON)):
            choices = [(key, stage.name) for key, stage in self.stages.items() if stage.kind != wrong]
            self.fields[name].choices = [("", "They stay where they are"), *choices]  # type: ignore[attr-defined]

    def changes(self) -> dict[str, object]:
        """What `customer_settings.change` takes."""
        changed = self.changed
        moves = ("won_deal_stage", "lost_deal_stage")
        return {name: self.stages.get(value) if name in moves else value for name, value in changed.items()}

    @staticmethod
    def initial_of(decided: CustomerSettings) -> dict[str, object]:
        plain = {name: getattr(decided, name) for name in SETTINGS}
        return plain | {
            "won_deal_stage": str(decided.won_deal_stage_id or ""),
            "lost_deal_stage": str(decided.lost_deal_stage_id or ""),
        }
