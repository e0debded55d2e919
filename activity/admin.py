from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from activity.dispatch import replay
from activity.models import Event, Heartbeat, Job, Receipt
from core.admin import ReadOnlyAdmin


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """The ledger: read, searched, never changed; a set-aside event can be dispatched again."""

    list_display = [
        "occurred_at",
        "organization",
        "type",
        "actor_label",
        "subject_type",
        "subject_id",
        "dispatch_state",
    ]
    list_filter = ["dispatch_state", "type", "actor_kind", "occurred_at"]
    search_fields = ["subject_id", "actor_label", "request_id", "=id"]
    date_hierarchy = "occurred_at"
    ordering = ["-occurred_at"]
    actions = ["dispatch_again"]

    @admin.action(description="Dispatch set-aside events again", permissions=["replay"])
    def dispatch_again(self, request: HttpRequest, queryset: QuerySet[Event]) -> None:
        events = list(queryset.filter(dispatch_state=Event.DispatchState.SET_ASIDE))
        for event in events:
            replay(event)
        messages.success(request, f"{len(events)} events are dispatched again.")

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)


@admin.register(Receipt)
class ReceiptAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "subscriber", "event"]
    list_select_related: ClassVar[Any] = ("event",)
    list_filter = ["subscriber"]
    search_fields = ["event__id"]


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """Long work: what it was told, how far it is, what came of it."""

    list_display = ["created_at", "organization", "kind", "status", "done", "total", "finished_at", "created_by"]
    list_select_related: ClassVar[Any] = ("organization", "created_by")
    list_filter = ["status", "kind", "created_at"]
    search_fields = ["=id", "kind"]
    ordering = ["-created_at"]


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    list_display = ["name", "beat_at"]
    list_select_related: ClassVar[Any] = ()

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    has_module_permission = has_view_permission
