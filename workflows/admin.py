from __future__ import annotations

from django.contrib import admin

from core.admin import ReadOnlyAdmin
from workflows.models import Evaluation, RunMessage, RunWait, Workflow, WorkflowRun, WorkflowVersion


@admin.register(Workflow)
class WorkflowAdmin(ReadOnlyAdmin):
    """Rules are made by the API, which checks them; here they are looked at."""

    list_display = ["name", "organization", "trigger_event", "is_enabled", "failures", "paused_at"]
    list_filter = ["is_enabled", "trigger_event"]
    list_select_related = ("organization",)
    search_fields = ["name", "organization__name"]


@admin.register(WorkflowVersion)
class WorkflowVersionAdmin(ReadOnlyAdmin):
    list_display = ["workflow", "number", "author_label", "created_at"]
    list_select_related = ("workflow",)
    search_fields = ["workflow__name"]


@admin.register(WorkflowRun)
class WorkflowRunAdmin(ReadOnlyAdmin):
    list_display = ["workflow", "organization", "status", "tries", "created_at"]
    list_filter = ["status"]
    list_select_related = ("workflow", "organization")
    search_fields = ["workflow__name", "=id"]
    raw_id_fields = ["event"]


@admin.register(Evaluation)
class EvaluationAdmin(ReadOnlyAdmin):
    list_display = ["event_id", "organization", "created_at"]
    list_select_related = ("organization",)
    search_fields = ["=id", "=event__id"]
    raw_id_fields = ["event"]


@admin.register(RunWait)
class RunWaitAdmin(ReadOnlyAdmin):
    list_display = ["run_id", "organization", "path", "wakes_at", "due_at", "last_error"]
    list_select_related = ("organization",)
    search_fields = ["=run__id"]
    raw_id_fields = ["run", "customer"]


@admin.register(RunMessage)
class RunMessageAdmin(ReadOnlyAdmin):
    list_display = ["message_id", "run_id", "organization"]
    list_select_related = ("organization",)
    search_fields = ["=message__id", "=run__id"]
    raw_id_fields = ["run", "message"]
