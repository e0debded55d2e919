"""`/tasks`, and `/customers/{id}/tasks`."""

from __future__ import annotations

from typing import cast

from django.db.models import QuerySet
from django.utils import timezone

from activity.actor import current_actor
from core.api.strict import Body
from core.tenancy import current_organization
from customers.models import Task
from customers.models.querysets import TaskQuerySet
from customers.people.records_api import RecordViewSet, by_owner
from customers.work.tasks import services as tasks
from customers.work.tasks.serializers import TaskParameters, TaskSerializer


class TaskViewSet(RecordViewSet[Task]):
    permissions = {
        "list": "tasks.view", "create": "tasks.create", "retrieve": "tasks.view",
        "update": "tasks.edit", "partial_update": "tasks.edit", "destroy": "tasks.delete",
    }  # fmt: skip
    serializer_class = TaskSerializer
    list_parameters = TaskParameters
    # Of two names for one filter the later one counts.
    lookups = {"lead_id": "customer", "customer": "customer", "status": "status", "due_before": "due_at__lt"}
    empty = {
        "description": "", "due_at": None, "priority": Task.Priority.NORMAL, "status": Task.Status.OPEN,
        "assigned_to": None, "remind_at": None, "repeat_unit": "", "repeat_every": 1, "repeat_until": None,
    }  # fmt: skip
    schema_name, schema_tags = "tasks", ["tasks"]

    def get_queryset(self) -> QuerySet[Task]:
        return Task.objects.visible_to(self.member).select_related("assigned_to")

    def filter_rows(self, rows: QuerySet[Task], filters: Body) -> QuerySet[Task]:
        rows = super().filter_rows(rows, filters)
        own = cast("TaskQuerySet", by_owner(rows, self.member, "assigned_to", filters.get("assigned_to")))
        if filters.get("overdue") is None:
            return own
        overdue = own.overdue(timezone.now())
        return overdue if filters["overdue"] else own.exclude(pk__in=overdue.values("pk"))

    def perform_create(self, data: Body) -> Task:
        return tasks.create(organization=current_organization(), actor=current_actor(), **data)

    def perform_update(self, instance: Task, changes: Body) -> Task:
        return tasks.update(task=instance, actor=current_actor(), changes=changes)

    def perform_destroy(self, instance: Task) -> None:
        tasks.delete(task=instance, actor=current_actor())
