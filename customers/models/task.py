from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.fields import OneLine
from core.tenancy import TenantManager, TenantModel
from customers.models.querysets import TaskQuerySet


class Task(TenantModel):
    """Something to do, mostly with a customer."""

    class Priority(models.TextChoices):
        LOW = "low", "Low"
        NORMAL = "normal", "Normal"
        HIGH = "high", "High"
        URGENT = "urgent", "Urgent"

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        IN_PROGRESS = "in_progress", "In progress"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "Cancelled"

    class Repeat(models.TextChoices):
        DAY = "day", "Day"
        WEEKDAY = "weekday", "Working day"
        WEEK = "week", "Week"
        MONTH = "month", "Month"
        YEAR = "year", "Year"

    customer = models.ForeignKey(
        "customers.Customer", null=True, blank=True, on_delete=models.CASCADE, related_name="tasks"
    )
    title = OneLine(max_length=200)
    description = models.TextField(blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    priority = models.CharField(max_length=8, choices=Priority.choices, default=Priority.NORMAL)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.OPEN)
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )
    remind_at = models.DateTimeField(null=True, blank=True)
    repeat_unit = models.CharField(max_length=8, choices=Repeat.choices, blank=True, default="", db_default="")
    repeat_every = models.PositiveSmallIntegerField(default=1, db_default=1)
    repeat_until = models.DateField(null=True, blank=True, help_text="The last day on which one may be due.")
    # The day of the month that is meant where a month was too short for it.
    repeat_day = models.PositiveSmallIntegerField(null=True, blank=True, editable=False)
    # Recurring ones: which chain it belongs to, and its place there; the next is made once, however often it is asked.
    series = models.UUIDField(null=True, blank=True, editable=False)
    occurrence = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    # What made it, where no person did: a stage, a workflow. Once for each.
    origin = OneLine(max_length=120, blank=True, default="", db_default="", editable=False)
    completed_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar = TenantManager.from_queryset(TaskQuerySet)()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(title=""), name="task_has_title"),
            models.CheckConstraint(condition=Q(repeat_every__gte=1), name="task_repeats_every_one_or_more"),
            models.CheckConstraint(
                condition=Q(repeat_unit="") | Q(due_at__isnull=False), name="task_repeats_from_a_day"
            ),
            models.UniqueConstraint(
                fields=["series", "occurrence"], condition=Q(series__isnull=False), name="task_occurrence_once"
            ),
            models.UniqueConstraint(
                fields=["organization", "origin"], condition=~Q(origin=""), name="task_origin_once"
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "customer", "status"], name="task_of_customer"),
            models.Index(fields=["organization", "assigned_to", "status", "due_at"], name="task_of_assignee"),
            models.Index(fields=["organization", "-created_at", "-id"], name="task_newest"),
            models.Index(
                fields=["organization", "due_at", "id"],
                condition=Q(status__in=["open", "in_progress"]),
                name="task_open_by_due",
            ),
            models.Index(fields=["organization", "created_by", "-created_at"], name="task_of_maker"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_open(self) -> bool:
        return self.status in (self.Status.OPEN, self.Status.IN_PROGRESS)

    @property
    def is_recurring(self) -> bool:
        return bool(self.repeat_unit)

    @property
    def is_overdue(self) -> bool:
        return self.is_open and self.due_at is not None and self.due_at < timezone.now()
