from __future__ import annotations

from typing import ClassVar, Self

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.claims import Claimable
from core.tenancy import TenantManager, TenantModel


class JobQuerySet(models.QuerySet["Job"]):
    def unfinished(self) -> Self:
        return self.filter(status__in=Job.UNFINISHED)

    def newest_first(self) -> Self:
        return self.order_by("-created_at", "-id")


class Job(TenantModel, Claimable):
    """Long work, done step by step by the worker; `activity.jobs` starts and runs it."""

    class Status(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Working"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    UNFINISHED = (Status.QUEUED, Status.RUNNING)

    kind = models.CharField(max_length=64)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.QUEUED)
    done = models.PositiveIntegerField(default=0)
    # 0: not known yet.
    total = models.PositiveIntegerField(default=0)
    params = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    # Where the work goes on from; written with each step, in its transaction.
    state = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    result = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    error = models.TextField(blank=True, help_text="In plain words; the log has the details.")
    # activity.actor.Actor, as it travels: who did what the job does.
    actor = models.JSONField(default=dict)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    is_cancel_requested = models.BooleanField(default=False)

    objects: ClassVar = TenantManager.from_queryset(JobQuerySet)()

    class Meta:
        indexes = [
            models.Index(fields=["organization", "-created_at", "-id"], name="job_newest"),
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="job_due"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} ({self.get_status_display()})"

    @property
    def progress(self) -> float:
        """From 0 to 1; 1 only when it is done."""
        if self.status == self.Status.DONE:
            return 1.0
        return min(self.done / self.total, 0.99) if self.total else 0.0

    @property
    def is_finished(self) -> bool:
        return self.status not in self.UNFINISHED
