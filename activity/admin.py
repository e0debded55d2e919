from __future__ import annotations

from typing import ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from activity import installation
from activity.audit import mailing
from activity.dispatch import replay
from activity.models import (
    AuditChain,
    AuditHead,
    AuditLink,
    Event,
    Heartbeat,
    Installation,
    InstallationCheck,
    InstallationSample,
    Job,
    OrganizationCheck,
    OrganizationSample,
    ProcessFigures,
    Receipt,
)
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
    list_select_related: ClassVar[list[str] | tuple[str, ...]] = ("event",)
    list_filter = ["subscriber"]
    search_fields = ["event__id"]


@admin.register(AuditChain)
class AuditChainAdmin(ReadOnlyAdmin):
    """The audit chains: how far each is, and what its last check found."""

    list_display = ["organization", "position", "checked_at", "checked_position", "fault"]
    search_fields = ["organization__slug", "=id"]


@admin.register(AuditLink)
class AuditLinkAdmin(ReadOnlyAdmin):
    list_display = ["organization", "position", "id", "hash"]
    search_fields = ["=id"]


@admin.register(AuditHead)
class AuditHeadAdmin(ReadOnlyAdmin):
    """Signed heads; one that could not be mailed can be mailed again."""

    list_display = ["signed_at", "organization", "position", "mailed_at", "last_error"]
    search_fields = ["organization__slug", "=hash"]
    actions = ["mail_again"]

    @admin.action(description="Mail again", permissions=["mail"])
    def mail_again(self, request: HttpRequest, queryset: QuerySet[AuditHead]) -> None:
        for head in queryset.exclude(last_error=""):
            mailing.mail_again(head=head)

    def has_mail_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """Jobs with their parameters, progress and result."""

    list_display = ["created_at", "organization", "kind", "status", "done", "total", "finished_at", "created_by"]
    list_select_related: ClassVar[list[str] | tuple[str, ...]] = ("organization", "created_by")
    list_filter = ["status", "kind", "created_at"]
    search_fields = ["=id", "kind"]
    ordering = ["-created_at"]


class InstallationsOwnAdmin(ReadOnlyAdmin):
    """What is the installation's and no organization's, for superusers."""

    list_select_related: ClassVar[list[str] | tuple[str, ...]] = ()

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return bool(request.user.is_superuser)

    has_module_permission = has_view_permission


@admin.register(Heartbeat)
class HeartbeatAdmin(InstallationsOwnAdmin):
    list_display = ["name", "beat_at"]


@admin.register(InstallationCheck)
class InstallationCheckAdmin(InstallationsOwnAdmin):
    list_display = ["name", "key", "status", "since", "checked_at", "reported_at"]
    list_filter = ["status", "name"]
    search_fields = ["name", "label"]


@admin.register(InstallationSample)
class InstallationSampleAdmin(InstallationsOwnAdmin):
    list_display = ["at", "seconds", "metric", "value"]
    list_filter = ["metric", "seconds"]
    search_fields = ["metric"]
    ordering = ["-at"]


@admin.register(ProcessFigures)
class ProcessFiguresAdmin(InstallationsOwnAdmin):
    list_display = ["id", "part", "updated_at"]
    list_filter = ["part"]
    search_fields = ["=id"]


@admin.register(OrganizationCheck)
class OrganizationCheckAdmin(ReadOnlyAdmin):
    list_display = ["organization", "name", "label", "status", "since", "checked_at"]
    list_filter = ["status", "name"]
    search_fields = ["name", "label"]


@admin.register(OrganizationSample)
class OrganizationSampleAdmin(ReadOnlyAdmin):
    list_display = ["at", "organization", "seconds", "metric", "value"]
    list_filter = ["metric", "seconds"]
    search_fields = ["metric"]
    ordering = ["-at"]


@admin.register(Installation)
class InstallationAdmin(ReadOnlyAdmin):
    """Whether the installation is paused as a restored copy, and the decision about what waits in it."""

    list_display = ["identity", "name", "epoch", "advanced_at", "held_since", "held_why"]
    list_select_related: ClassVar[list[str] | tuple[str, ...]] = ()
    actions = ["send_all", "cancel_due", "cancel_all"]

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return bool(request.user.is_superuser)

    has_module_permission = has_decide_permission = has_view_permission

    @admin.action(description=gettext_lazy("Go on, and send all that waits"), permissions=["decide"])
    def send_all(self, request: HttpRequest, queryset: QuerySet[Installation]) -> None:
        self._decide(request)

    @admin.action(description=gettext_lazy("Go on, and cancel what came along and is due"), permissions=["decide"])
    def cancel_due(self, request: HttpRequest, queryset: QuerySet[Installation]) -> None:
        self._decide(request, cancel_due=True)

    @admin.action(description=gettext_lazy("Go on, and cancel all that came along"), permissions=["decide"])
    def cancel_all(self, request: HttpRequest, queryset: QuerySet[Installation]) -> None:
        self._decide(request, cancel_all=True)

    def _decide(self, request: HttpRequest, **choice: bool) -> None:
        try:
            cancelled = installation.decide(**choice)
        except installation.NotPaused as error:
            messages.error(request, str(error))
            return
        text = _("It goes on. %(count)s messages and reminders were cancelled.")
        messages.success(request, text % {"count": cancelled})
