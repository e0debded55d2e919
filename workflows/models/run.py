"""What a rule did about an event."""

from __future__ import annotations

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone

from activity.models import Event
from core.claims import Claimable
from core.fields import OneLine
from core.tenancy import TenantModel
from workflows.models.workflow import Workflow


class WorkflowRun(TenantModel):
    """A rule that matched an event: what its conditions saw, and what each action did. One for an event and a rule."""

    class Status(models.TextChoices):
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        WAITING = "waiting", "Waiting"
        # It was to go on so long ago that somebody has to look first.
        HELD = "held", "Asks a person"
        PAUSED = "paused", "Paused"
        CANCELLED = "cancelled", "Cancelled"

    # Those that have not come to their end.
    OPEN = (Status.WAITING, Status.HELD, Status.PAUSED)

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="runs")
    version = models.PositiveIntegerField()
    # Of whom it is about the event knows, also after a merge.
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="+")
    # Of a way through a sequence: what shows it beside the customer's other processes.
    process = models.OneToOneField(
        "customers.Process", null=True, blank=True, on_delete=models.SET_NULL, related_name="run", editable=False
    )
    status = models.CharField(max_length=12, choices=Status.choices)
    # Of each comparison: field, op, value, seen, holds.
    conditions = models.JSONField(default=list, encoder=DjangoJSONEncoder)
    # Of each step: action, status (done, skipped, failed, undone, waiting, cancelled), detail, record_type, record_id.
    steps = models.JSONField(default=list, encoder=DjangoJSONEncoder)
    # The step with which a failed run begins again: what came before it stays done. Empty: with the first.
    path = models.CharField(max_length=40, blank=True, editable=False)
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

    @property
    def last_said(self) -> str:
        """What its last step says: of a run that failed, ended or asks a person, why. Empty where nothing is kept."""
        return str(self.steps[-1]["detail"]) if self.steps else ""


class RunWait(TenantModel, Claimable):
    """A run that waits: at which step, since when, and until when. It is due when its step has to be looked at.

    Not due: it asks a person, or whoever runs the installation where it has an error.
    """

    run = models.OneToOneField(WorkflowRun, on_delete=models.CASCADE, related_name="wait")
    # Whom the run is about; a merge moves it. What ends waits asks for those of a customer.
    customer = models.ForeignKey(
        "customers.Customer", null=True, blank=True, on_delete=models.CASCADE, related_name="+", editable=False
    )
    path = models.CharField(max_length=40, editable=False)
    began_at = models.DateTimeField()
    # When it goes on, as far as is known; what is claimed is due at another time.
    wakes_at = models.DateTimeField()
    times_out_at = models.DateTimeField(null=True, blank=True)
    # Whether something that happens to the customer may be what it waits for.
    asks_again = models.BooleanField(default=False)
    # A person said that it goes on now.
    is_called = models.BooleanField(default=False)
    cancel_on = models.JSONField(default=list, blank=True)
    last_error = OneLine(max_length=500, blank=True)

    class Meta:
        indexes = [models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="run_wait_due")]

    def __str__(self) -> str:
        return f"{self.run_id} {self.path}"


class RunMessage(TenantModel):
    """A message that a run queued: so one finds from the message who sent it, and what is still to go out."""

    run = models.ForeignKey(WorkflowRun, on_delete=models.CASCADE, related_name="messages")
    message = models.OneToOneField("messaging.Message", on_delete=models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return f"{self.run_id} {self.message_id}"
