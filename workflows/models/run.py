"""What a rule did about an event."""

from __future__ import annotations

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone

from activity.models import Event
from core.tenancy import TenantModel
from workflows.models.workflow import Workflow


class WorkflowRun(TenantModel):
    """A rule that matched an event: what its conditions saw, and what each action did. One for an event and a rule."""

    class Status(models.TextChoices):
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="runs")
    version = models.PositiveIntegerField()
    # Of whom it is about the event knows, also after a merge.
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="+")
    status = models.CharField(max_length=8, choices=Status.choices)
    # Of each comparison: field, op, value, seen, holds.
    conditions = models.JSONField(default=list, encoder=DjangoJSONEncoder)
    # Of each action: action, status (done, skipped, failed, undone), detail, record_type, record_id.
    steps = models.JSONField(default=list, encoder=DjangoJSONEncoder)
    tries = models.PositiveSmallIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workflow", "event"], name="workflow_run_once")]
        indexes = [
            models.Index(fields=["workflow", "-created_at", "-id"], name="workflow_run_newest"),
            # Old ones go, of all organizations.
            models.Index(fields=["created_at"], name="workflow_run_oldest"),
        ]

    def __str__(self) -> str:
        return f"{self.workflow_id} {self.event_id} {self.status}"


class RunMessage(TenantModel):
    """A message that a run queued: so one finds from the message who sent it, and what is still to go out."""

    run = models.ForeignKey(WorkflowRun, on_delete=models.CASCADE, related_name="messages")
    message = models.OneToOneField("messaging.Message", on_delete=models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return f"{self.run_id} {self.message_id}"
