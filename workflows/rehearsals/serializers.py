from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.parameters import ListParameters
from core.api.strict import Strict
from workflows.models import Rehearsal, RehearsedEvent
from workflows.rehearsals import services
from workflows.rules.planning import Reason
from workflows.rules.serializers import SeenSerializer

ANSWERED = "answered"
SHOWN = [*RehearsedEvent.Outcome.values, ANSWERED, *(reason.value for reason in Reason if reason != Reason.MATCHED)]


class RehearsalBodySerializer(Strict):
    since = serializers.DateTimeField(required=False, help_text="Default: 30 days before the end.")
    until = serializers.DateTimeField(required=False, help_text="Default: now. A year after `since` at most.")


class RehearsalStartedSerializer(serializers.Serializer[dict[str, object]]):
    job_id = serializers.UUIDField(help_text="At `/jobs/{id}`.")
    rehearsal_id = serializers.UUIDField(help_text="At `/workflow-rehearsals/{id}`, which fills while the job runs.")


class DaySerializer(serializers.Serializer[dict[str, int]]):
    events = serializers.IntegerField()
    matched = serializers.IntegerField()


class TotalsSerializer(serializers.Serializer[dict[str, object]]):
    """Figures of every event of the span, also of those that are not kept one by one."""

    events = serializers.IntegerField()
    matched = serializers.IntegerField()
    customers = serializers.IntegerField(help_text="On so many it would have acted.")
    reasons = serializers.DictField(child=serializers.IntegerField(), help_text="As those of a dry run.")
    outcomes = serializers.DictField(child=serializers.IntegerField(), help_text="acted, ended, waiting.")
    ended_by = serializers.DictField(
        child=serializers.IntegerField(), help_text="A name of `cancel_on`, or timeout, conditions, failed."
    )
    actions = serializers.DictField(
        child=serializers.DictField(child=serializers.IntegerField()),
        help_text="By the action’s name: how many would have been done, skipped, failed, undone.",
    )
    sends = serializers.IntegerField(help_text="Messages that would have gone out.")
    sends_answered = serializers.IntegerField(
        help_text="Of those, to somebody who had written, or been answered, since the event."
    )
    events_answered = serializers.IntegerField(help_text="So many events such messages are of.")
    customers_answered = serializers.IntegerField()
    cost = serializers.DictField(
        child=serializers.DecimalField(max_digits=20, decimal_places=6),
        help_text="What the messages would have cost by the rate cards: by currency, outside of free allowances.",
    )
    cost_unknown = serializers.IntegerField(help_text="Of so many messages the cost is unknown, which is never zero.")
    by_day = serializers.DictField(child=DaySerializer(), help_text="By the day in the organization’s time zone.")


class WorkflowRehearsalSerializer(serializers.ModelSerializer[Rehearsal]):
    """A rule followed through the past, within the reach of whoever asked."""

    workflow_name = serializers.CharField(source="workflow.name")
    job_id = serializers.UUIDField(allow_null=True)
    status = serializers.SerializerMethodField(help_text="queued, running, done, failed or cancelled.")
    totals = TotalsSerializer()
    judged_by_today = serializers.ListField(
        child=serializers.CharField(),
        help_text="What nobody wrote down as it was: business_hours, customer_tags, texts.",
    )

    class Meta:
        model = Rehearsal
        fields = [
            "id", "workflow", "workflow_name", "version", "since", "until", "status", "job_id", "totals", "is_complete",
            "judged_by_today", "created_at", "finished_at",
        ]  # fmt: skip
        extra_kwargs = {
            "version": {"help_text": "null: of a content that was not saved."},
            "is_complete": {"help_text": "false: of the events that matched only the newest are kept one by one."},
        }

    @extend_schema_field(serializers.CharField())
    def get_status(self, rehearsal: Rehearsal) -> str:
        return services.state_of(rehearsal)


class RehearsedStepSerializer(serializers.Serializer[dict[str, object]]):
    """A step that would have been taken."""

    action = serializers.CharField()
    path = serializers.CharField()
    at = serializers.DateTimeField(help_text="When; of a message when it would have gone out.")
    status = serializers.CharField(help_text="done, skipped, failed, undone, waiting or cancelled.")
    detail = serializers.CharField(allow_blank=True)
    is_answered = serializers.BooleanField(help_text="To somebody who had written, or been answered, since the event.")


class RehearsedEventSerializer(serializers.ModelSerializer[RehearsedEvent]):
    """What the rule would have done about an event."""

    event_type = serializers.CharField(source="event.type")
    customer = serializers.UUIDField(source="event.customer_id", allow_null=True)
    conditions = SeenSerializer(many=True)
    steps = RehearsedStepSerializer(many=True)

    class Meta:
        model = RehearsedEvent
        fields = [
            "id", "event", "event_type", "occurred_at", "customer", "outcome", "reason", "is_answered", "conditions",
            "steps",
        ]  # fmt: skip


class RehearsedEventParameters(ListParameters):
    show = serializers.ChoiceField(
        choices=[(name, name) for name in SHOWN], required=False,
        help_text="An outcome, `answered`, or a reason for which the rule would have done nothing.",
    )  # fmt: skip
