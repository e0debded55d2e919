from __future__ import annotations

from django.contrib import admin

from core.admin import ReadOnlyAdmin
from workflows.models import (
    Evaluation,
    Notification,
    NotificationDigest,
    NotificationSettings,
    Rehearsal,
    RehearsedEvent,
    RunMessage,
    RunWait,
    Workflow,
    WorkflowRun,
    WorkflowVersion,
)


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


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    """What it says is its member's; here is whether it was made, read and mailed."""

    list_display = ["kind", "member", "organization", "count", "raised_at", "read_at", "mailed_at"]
    list_filter = ["kind"]
    list_select_related = ("member__user", "member__organization", "organization")
    search_fields = ["=id", "member__user__email"]
    raw_id_fields = ["member", "customer"]


@admin.register(NotificationSettings)
class NotificationSettingsAdmin(ReadOnlyAdmin):
    list_display = ["organization", "member", "quiet", "updated_at"]
    list_select_related = ("member__user", "member__organization", "organization")
    search_fields = ["organization__name", "member__user__email"]
    raw_id_fields = ["member"]


@admin.register(NotificationDigest)
class NotificationDigestAdmin(ReadOnlyAdmin):
    """When somebody’s unread notifications are looked at, to be mailed; `last_error` says why a mail did not go out."""

    list_display = ["member", "organization", "due_at", "attempts", "last_error"]
    list_select_related = ("member__user", "member__organization", "organization")
    search_fields = ["member__user__email"]
    raw_id_fields = ["member"]


@admin.register(Rehearsal)
class RehearsalAdmin(ReadOnlyAdmin):
    list_display = ["workflow", "organization", "status", "since", "until", "created_at"]
    list_filter = ["status"]
    list_select_related = ("workflow", "organization")
    search_fields = ["workflow__name", "=id"]
    raw_id_fields = ["job", "created_by"]


@admin.register(RehearsedEvent)
class RehearsedEventAdmin(ReadOnlyAdmin):
    list_display = ["event_id", "organization", "outcome", "reason", "occurred_at"]
    list_filter = ["outcome"]
    list_select_related = ("organization",)
    search_fields = ["=id", "=rehearsal__id"]
    raw_id_fields = ["rehearsal", "event"]
