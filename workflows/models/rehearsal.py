"""What a rule would have done about the past."""

from __future__ import annotations

from typing import ClassVar, Self

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from activity.models import Event, Job
from core.tenancy import TenantManager, TenantModel
from workflows.models.workflow import Workflow


class RehearsalQuerySet(models.QuerySet["Rehearsal"]):
    def newest_first(self) -> Self:
        return self.order_by("-created_at", "-id")


class Rehearsal(TenantModel):
    """A rule's content followed through a span of the past, for whoever asked and within their reach."""

    class Status(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="rehearsals")
    # The version whose content it is; none for a content that was not saved.
    version = models.PositiveIntegerField(null=True, blank=True)
    content = models.JSONField(encoder=DjangoJSONEncoder)
    since = models.DateTimeField()
    until = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )
    # Jobs are forgotten before rehearsals are.
    job = models.OneToOneField(Job, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", editable=False)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.RUNNING)
    # As workflows.rehearsals.totals adds it up; of everything, also of what is not kept event by event.
    totals = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    # What was judged by how it is today (workflows.rehearsals.today), as nobody wrote down how it was.
    judged_by_today = models.JSONField(default=list, blank=True)
    # Every event that matched is kept with its report, not only the newest.
    is_complete = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar = TenantManager.from_queryset(RehearsalQuerySet)()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(until__gt=F("since")), name="rehearsal_has_span")]
        indexes = [
            models.Index(fields=["workflow", "-created_at", "-id"], name="rehearsal_newest"),
            # Old ones go, of all organizations.
            models.Index(fields=["created_at"], name="rehearsal_oldest"),
        ]

    def __str__(self) -> str:
        return f"{self.workflow_id} {self.since:%Y-%m-%d}"


class RehearsedEvent(TenantModel):
    """An event of the span with what the rule would have done about it; the newest of a rehearsal are kept."""

    class Outcome(models.TextChoices):
        ACTED = "acted", "Acted to its end"
        ENDED = "ended", "Ended on the way"
        WAITING = "waiting", "Would still wait"
        NOTHING = "nothing", "Did nothing"

    rehearsal = models.ForeignKey(Rehearsal, on_delete=models.CASCADE, related_name="events")
    # Of whom it is about the event knows, also after a merge.
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="+")
    occurred_at = models.DateTimeField()
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    # Why the rule acts or does not (workflows.rules.planning.Reason).
    reason = models.CharField(max_length=12)
    # Something would have gone out to somebody who had written, or been answered, since the event.
    is_answered = models.BooleanField(default=False)
    # Of each comparison: field, op, value, seen, holds.
    conditions = models.JSONField(default=list, encoder=DjangoJSONEncoder)
    # Of each step: action, path, status, detail, at, is_answered.
    steps = models.JSONField(default=list, encoder=DjangoJSONEncoder)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rehearsal", "event"], name="rehearsed_event_once")]
        indexes = [models.Index(fields=["rehearsal", "-occurred_at", "-id"], name="rehearsed_event_newest")]

    def __str__(self) -> str:
        return f"{self.rehearsal_id} {self.event_id} {self.outcome}"
