from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.parameters import ListParameters
from core.api.strict import Strict
from core.tenancy import current_organization
from messaging.costs.estimates import Estimate, expected
from workflows.models import Evaluation, RunMessage, Workflow, WorkflowRun
from workflows.rules.reading import MAX_ACTIONS, MAX_NAME_LENGTH
from workflows.rules.services import WaitingRuns
from workflows.rules.steps import CancelOn

CONDITIONS = {
    "type": "object",
    "additionalProperties": True,
    "description": "A plain object (field, or field__operator, to value; all must hold), or all, any, not.",
    "example": {"message_body__icontains": "price", "is_new_customer": True},
}
ACTION = {
    "type": "object",
    "additionalProperties": True,
    "required": ["action"],
    "properties": {"action": {"type": "string"}},
    "example": {"action": "add_tag", "tag": "price"},
}
CANCEL_ON = [(cause.value, cause.value) for cause in CancelOn]
STEPS = {"type": "array", "items": {"type": "object", "additionalProperties": True}}


@extend_schema_field(CONDITIONS)
class ConditionsField(serializers.JSONField):
    """The conditions, in either spelling."""


@extend_schema_field(ACTION)
class ActionField(serializers.DictField):
    """A step with its parameters: an action of the catalog, or wait, branch, split."""


class WorkflowSerializer(Strict, serializers.ModelSerializer[Workflow]):
    name = serializers.CharField(max_length=MAX_NAME_LENGTH)
    conditions = ConditionsField(required=False)
    actions = serializers.ListField(child=ActionField(), max_length=MAX_ACTIONS)
    is_enabled = serializers.BooleanField(required=False, help_text="Without it a new rule is on.")
    position = serializers.IntegerField(required=False, min_value=0, max_value=100_000)
    hours = serializers.ChoiceField(choices=Workflow.Hours.choices, required=False)
    cancel_on = serializers.ListField(
        child=serializers.ChoiceField(choices=CANCEL_ON), required=False,
        help_text="What ends a run of the rule that waits.",
    )  # fmt: skip
    waiting = serializers.ChoiceField(
        choices=[choice.value for choice in WaitingRuns], required=False, write_only=True,
        help_text="What another content means for runs that wait: they finish by the old one, move to the same step "
        "of the new one, or end.",
    )  # fmt: skip

    class Meta:
        model = Workflow
        fields = [
            "id", "name", "trigger_event", "is_enabled", "conditions", "actions", "position", "stop_after", "is_once",
            "hours", "cancel_on", "waiting", "version", "failures", "paused_at", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = ["id", "version", "failures", "paused_at", "created_at", "updated_at"]


class OrderSerializer(Strict):
    ids = serializers.ListField(child=serializers.UUIDField(), max_length=300, help_text="Every rule, once.")


class SeenSerializer(serializers.Serializer[dict[str, object]]):
    """What a comparison saw."""

    field = serializers.CharField()
    op = serializers.CharField(help_text="eq, or one of the operators in the catalog.")
    value = serializers.JSONField(allow_null=True, help_text="What the condition names.")
    seen = serializers.JSONField(allow_null=True, help_text="The field’s value at that moment.")
    holds = serializers.BooleanField()


class StepSerializer(serializers.Serializer[dict[str, object]]):
    """What became of an action."""

    action = serializers.CharField()
    path = serializers.CharField(default="", help_text="The step’s place in the rule: 2, or 2.0.1 in a branch.")
    status = serializers.ChoiceField(choices=["done", "skipped", "failed", "undone", "waiting", "cancelled"])
    detail = serializers.CharField(help_text="What it did, or why not.")
    record_type = serializers.CharField(help_text="What it made or changed; empty for nothing.")
    record_id = serializers.CharField(allow_null=True)


class RunSerializer(serializers.ModelSerializer[WorkflowRun]):
    """A rule that matched an event, with what its conditions saw and what each action did."""

    workflow_name = serializers.CharField(source="workflow.name")
    event_type = serializers.CharField(source="event.type")
    occurred_at = serializers.DateTimeField(source="event.occurred_at")
    customer = serializers.UUIDField(source="event.customer_id", allow_null=True)
    conditions = SeenSerializer(many=True)
    steps = StepSerializer(many=True)
    wakes_at = serializers.DateTimeField(source="wait.wakes_at", allow_null=True, default=None,
                                         help_text="When it goes on, of a run that waits.")  # fmt: skip

    class Meta:
        model = WorkflowRun
        fields = [
            "id", "workflow", "workflow_name", "version", "event", "event_type", "occurred_at", "customer", "status",
            "conditions", "steps", "wakes_at", "tries", "created_at", "updated_at",
        ]  # fmt: skip


class RunParameters(ListParameters):
    status = serializers.ChoiceField(choices=WorkflowRun.Status.choices, required=False)


class DryRunBodySerializer(Strict):
    event = serializers.UUIDField(required=False, help_text="One event of the rule’s trigger.")
    since = serializers.DateTimeField(required=False, help_text="Default: 30 days before the end.")
    until = serializers.DateTimeField(required=False, help_text="Default: now.")


class TrialSerializer(serializers.Serializer[dict[str, object]]):
    """What the rule would have done about an event."""

    event_id = serializers.UUIDField()
    event_type = serializers.CharField()
    occurred_at = serializers.DateTimeField()
    customer = serializers.UUIDField(allow_null=True)
    customer_name = serializers.CharField()
    matches = serializers.BooleanField()
    reason = serializers.CharField(help_text="matched, or why not: conditions, hours, once, own_event, depth.")
    conditions = SeenSerializer(many=True)
    actions = serializers.ListField(child=ActionField())


class DryRunSerializer(serializers.Serializer[object]):
    """The events that were tried, newest first."""

    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    matches = TrialSerializer(many=True, source="trials")
    is_complete = serializers.BooleanField(help_text="false: there are older events; ask with an earlier until.")


class DecisionSerializer(serializers.Serializer[dict[str, object]]):
    """What a rule decided about an event."""

    workflow = serializers.UUIDField()
    name = serializers.CharField()
    version = serializers.IntegerField()
    reason = serializers.CharField(help_text="matched, or: conditions, hours, once, own_event, depth, stopped.")
    conditions = SeenSerializer(many=True)


class EvaluationSerializer(serializers.ModelSerializer[Evaluation]):
    """An event of a customer, with what every rule decided about it."""

    event_type = serializers.CharField(source="event.type")
    occurred_at = serializers.DateTimeField(source="event.occurred_at")
    decisions = DecisionSerializer(many=True)

    class Meta:
        model = Evaluation
        fields = ["event", "event_type", "occurred_at", "decisions"]


class OutgoingListSerializer(serializers.ListSerializer[RunMessage]):
    """Works out the costs of a page at once."""

    def to_representation(self, data: Iterable[RunMessage]) -> list[object]:  # type: ignore[override]
        rows = list(data)
        self.costs = expected([row.message for row in rows], current_organization())
        return super().to_representation(rows)


class OutgoingSerializer(serializers.ModelSerializer[RunMessage]):
    """An automatic message that is still to go out."""

    id = serializers.UUIDField(source="message_id", help_text="The message’s.")
    at = serializers.DateTimeField(source="message.due_at", allow_null=True)
    customer = serializers.UUIDField(source="message.customer_id")
    customer_name = serializers.CharField(source="message.customer.name")
    channel = serializers.CharField(source="message.channel.kind")
    body = serializers.CharField(source="message.body")
    cancel_on_inbound = serializers.BooleanField(source="message.cancel_on_inbound")
    workflow = serializers.UUIDField(source="run.workflow_id")
    workflow_name = serializers.CharField(source="run.workflow.name")
    cost = serializers.SerializerMethodField(help_text="By the rate cards; null while it is unknown, never zero.")
    cost_currency = serializers.SerializerMethodField()

    class Meta:
        model = RunMessage
        list_serializer_class = OutgoingListSerializer
        fields = [
            "id", "at", "customer", "customer_name", "channel", "body", "cancel_on_inbound", "workflow",
            "workflow_name", "run", "cost", "cost_currency",
        ]  # fmt: skip

    def _cost_of(self, row: RunMessage) -> Estimate:
        return cast("OutgoingListSerializer", self.parent).costs[row.message_id]

    @extend_schema_field(serializers.DecimalField(max_digits=14, decimal_places=6, allow_null=True))
    def get_cost(self, row: RunMessage) -> str | None:
        amount = self._cost_of(row).amount
        return None if amount is None else f"{amount:.6f}"

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_cost_currency(self, row: RunMessage) -> str | None:
        return self._cost_of(row).currency or None


class OutgoingParameters(ListParameters):
    """Of the contract's two names one is a word of Python's."""

    to = serializers.DateTimeField(required=False)
    workflow = serializers.UUIDField(required=False)
    customer = serializers.UUIDField(required=False)

    def get_fields(self) -> dict[str, serializers.Field]:
        return {"from": serializers.DateTimeField(required=False), **super().get_fields()}


class CancelSerializer(Strict):
    """Which of the messages to come: by their ids, of a rule, or to a customer."""

    ids = serializers.ListField(child=serializers.UUIDField(), required=False, max_length=500)
    workflow = serializers.UUIDField(required=False)
    customer = serializers.UUIDField(required=False)


class CancelledSerializer(serializers.Serializer[dict[str, int]]):
    cancelled = serializers.IntegerField()


class CatalogFieldSerializer(serializers.Serializer[object]):
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    kind = serializers.CharField()
    operators = serializers.ListField(child=serializers.CharField(), help_text="Beside equality.")
    choices = serializers.DictField(child=serializers.CharField(), allow_null=True)


class CatalogTriggerSerializer(serializers.Serializer[object]):
    event_type = serializers.CharField()
    description = serializers.CharField()
    condition_fields = serializers.ListField(child=serializers.CharField(), help_text="What conditions may ask for.")


class CatalogParameterSerializer(serializers.Serializer[object]):
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    kind = serializers.CharField()
    is_required = serializers.BooleanField()
    choices = serializers.DictField(child=serializers.CharField(), allow_null=True)


class CatalogActionSerializer(serializers.Serializer[object]):
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    parameters = CatalogParameterSerializer(many=True)


class CatalogSerializer(serializers.Serializer[object]):
    """What rules can be made of in this organization."""

    triggers = CatalogTriggerSerializer(many=True)
    condition_fields = CatalogFieldSerializer(many=True)
    operators = serializers.DictField(child=serializers.CharField())
    actions = CatalogActionSerializer(many=True)
    control_steps = CatalogActionSerializer(many=True, help_text="What may stand between the actions.")
    cancel_on = serializers.DictField(child=serializers.CharField(), help_text="What can end a run that waits.")
