"""Reminders of tasks: a row for each that is to come."""

from __future__ import annotations

from customers.models import Task, TaskReminder


def keep_in_step(task: Task) -> None:
    """Have the reminder that the task asks for, and no other. Call it in the transaction of every change."""
    if task.remind_at is None or not task.is_open:
        TaskReminder.objects.filter(task=task).delete()
        return
    present = TaskReminder.objects.filter(task=task).first()
    if present is None:
        TaskReminder.objects.create(
            organization=task.organization, task=task, remind_at=task.remind_at, due_at=task.remind_at
        )
    elif present.remind_at != task.remind_at:
        # For another time it is another reminder, though the last one went out.
        TaskReminder.objects.filter(pk=present.pk).update(
            remind_at=task.remind_at, due_at=task.remind_at, sent_at=None, claim_token=None, attempts=0
        )
