from __future__ import annotations

from django.db import models

from core.claims import Claimable
from core.fields import OneLine
from core.tenancy import TenantModel
from customers.models.task import Task


class TaskReminder(Claimable, TenantModel):
    """A reminder of a task, sent at `due_at`; deleted once the task is done or its time is removed."""

    task = models.OneToOneField(Task, on_delete=models.CASCADE, related_name="reminder")
    # The time that was asked for; `due_at` moves with claims.
    remind_at = models.DateTimeField(editable=False)
    # Written before the reminder goes out: what fails after that is not sent a second time.
    sent_at = models.DateTimeField(null=True, blank=True, editable=False)

    last_error = OneLine(max_length=300, blank=True, default="", db_default="", editable=False)

    class Meta:
        indexes = [
            # The worker looks for what is due in all organizations.
            models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="task_reminder_due")
        ]

    def __str__(self) -> str:
        return f"reminder of {self.task_id}"
