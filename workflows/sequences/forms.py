"""A sequence as a form: the rule's rows of steps, without what only a rule has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from workflows.events import SEQUENCE_ENROLLED
from workflows.models import Workflow
from workflows.rules.editor.forms import RuleForm
from workflows.rules.reading import MAX_NAME_LENGTH
from workflows.rules.steps import CancelOn
from workflows.sequences.services import SequenceValues
from workflows.sequences.steps import in_pairs, without_pairs

ONLY_OF_RULES: Final = ("trigger_event", "hours", "is_once", "stop_after", "conditions")


class SequenceForm(RuleForm):
    """A sequence while somebody writes it; its draft has no conditions of its own."""

    is_sequence = True
    beginning: Mapping[str, object] = {
        "trigger_event": SEQUENCE_ENROLLED,
        "cancel_on": [CancelOn.REPLY.value],
        "actions": [],
        "business_hours_only": False,
    }

    business_hours_only = forms.BooleanField(label=_("Each step waits for business hours"), required=False)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        for name in ONLY_OF_RULES:
            del self.fields[name]
        self.fields["cancel_on"].label = str(_("It stops when"))
        self.fields["name"].widget.attrs["maxlength"] = str(MAX_NAME_LENGTH)
        if "waiting" in self.fields:
            self.fields["waiting"].label = str(_("What becomes of those who are in it now"))

    def content_of(self, record: Workflow) -> dict[str, object]:
        return {
            "name": record.name,
            "trigger_event": record.trigger_event,
            "actions": without_pairs(record.actions),
            "cancel_on": record.cancel_on,
            "business_hours_only": record.hours == Workflow.Hours.OPEN,
        }

    @property
    def trigger(self) -> str:
        """Being put in, which nobody chooses."""
        return SEQUENCE_ENROLLED

    def sequence_changes(self) -> SequenceValues:
        """What the service is to set, of a valid form: of one that is edited only what the person changed."""
        values: SequenceValues = {}
        changed = self.changed
        if "name" in changed:
            values["name"] = changed["name"]
        if "actions" in changed:
            written = cast("list[Mapping[str, object]]", changed["actions"])
            values["steps"] = list(in_pairs(written))
        if "cancel_on" in changed:
            values["stop_on"] = changed["cancel_on"]
        if "business_hours_only" in changed:
            values["business_hours_only"] = changed["business_hours_only"]
        return values
