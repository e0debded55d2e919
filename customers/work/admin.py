"""The admin's view of outcomes, processes, settings, reminders and calendars; `customers.admin` brings it in."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.admin import ReadOnlyAdmin
from customers.models import CalendarFeed, CustomerSettings, Outcome, OutcomeType, Process, TaskReminder
from customers.work.tasks import reminders


@admin.register(CustomerSettings)
class CustomerSettingsAdmin(ReadOnlyAdmin):
    """Set on the pipeline's page, where the ledger hears of it."""

    list_display = [
        "organization",
        "follow_up_days",
        "unanswered_minutes",
        "stalled_days",
        "won_deal_stage",
        "lost_deal_stage",
    ]
    list_select_related = ("organization", "won_deal_stage", "lost_deal_stage")
    search_fields = ["organization__name"]


@admin.register(OutcomeType)
class OutcomeTypeAdmin(ReadOnlyAdmin):
    list_display = ["name", "key", "organization", "stage", "is_converting", "has_amount"]
    list_select_related = ("organization", "stage")
    search_fields = ["name", "key", "organization__name"]


@admin.register(Outcome)
class OutcomeAdmin(ReadOnlyAdmin):
    list_display = ["occurred_at", "organization", "type", "customer", "amount", "currency", "author_label"]
    list_filter = ["occurred_at"]
    list_select_related = ("organization", "type", "customer")
    search_fields = ["customer__name", "customer__code", "author_label"]


@admin.register(Process)
class ProcessAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "organization", "name", "customer", "status", "channel", "next_follow_up_at"]
    list_filter = ["status", "kind"]
    list_select_related = ("organization", "customer")
    search_fields = ["customer__name", "customer__code"]


@admin.register(TaskReminder)
class TaskReminderAdmin(ReadOnlyAdmin):
    """What is to be reminded of, and what was."""

    list_display = ["remind_at", "organization", "task", "due_at", "sent_at", "attempts", "last_error"]
    list_select_related = ("organization", "task")
    search_fields = ["task__title"]
    actions = ["remind_again"]

    @admin.action(description=gettext_lazy("Send reminders that were set aside"), permissions=["replay"])
    def remind_again(self, request: HttpRequest, queryset: QuerySet[TaskReminder]) -> None:
        count = sum(reminders.remind_again(row) for row in queryset)
        messages.success(request, _("%(count)s reminders are sent again.") % {"count": count})

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)


@admin.register(CalendarFeed)
class CalendarFeedAdmin(ReadOnlyAdmin):
    """Whose calendar is read from outside; the address itself is known to nobody but them."""

    list_display = ["member", "organization", "created_at", "last_read_at"]
    list_select_related = ("organization", "member__user")
    search_fields = ["member__user__email"]
    exclude = ("token_hash",)
