"""The beat's pages in the admin: django-celery-beat's own, for superusers, with our schedule kept from mistakes."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django_celery_beat.admin import PeriodicTaskAdmin
from django_celery_beat.models import PeriodicTask

# What a row of ours can be changed in: the beat writes the rest again at each start.
OPEN: Final = "enabled"


def is_ours(name: str) -> bool:
    """Whether the beat itself writes the row of this name, from CELERY_BEAT_SCHEDULE."""
    return name in settings.CELERY_BEAT_SCHEDULE


class ScheduleAdmin(PeriodicTaskAdmin):
    """Rows of our schedule can be switched off and on, and stay; those that somebody added are theirs."""

    list_display = ("name", "enabled", "scheduler", "last_run_at", "is_own")
    list_filter = ("enabled",)
    date_hierarchy = None

    @admin.display(boolean=True, description="Parley’s own")
    def is_own(self, row: PeriodicTask) -> bool:
        return is_ours(row.name)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
        if request.method == "GET":
            text = _(
                "Times are in UTC. The rows that are Parley’s own are written again whenever the beat starts, but for "
                "whether they are enabled. Switching one off silences the beat: a worker still looks by itself."
            )
            messages.info(request, text)
        response: HttpResponse = super().changelist_view(request, extra_context)
        return response

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        own = list(super().get_readonly_fields(request, obj))
        if not isinstance(obj, PeriodicTask) or not is_ours(obj.name):
            return own
        shown = [name for _title, section in self.fieldsets for name in section["fields"]]
        return [name for name in shown if name not in (OPEN, "regtask")]

    def get_fieldsets(
        self, request: HttpRequest, obj: Model | None = None
    ) -> list[tuple[str | None, dict[str, object]]]:
        """Without the choice of a task, where that is not to be chosen."""
        sections = list(super().get_fieldsets(request, obj))
        if not isinstance(obj, PeriodicTask) or not is_ours(obj.name):
            return sections
        return [
            (title, {**section, "fields": [name for name in section["fields"] if name != "regtask"]})
            for title, section in sections
        ]

    def get_form(
        self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: object
    ) -> type[ModelForm]:
        """Without the library's checks of what is not entered here."""
        if isinstance(obj, PeriodicTask) and is_ours(obj.name):
            kwargs["form"] = ModelForm
        form: type[ModelForm] = super().get_form(request, obj, change, **kwargs)
        return form

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        if isinstance(obj, PeriodicTask) and is_ours(obj.name):
            return False
        return bool(request.user.is_superuser)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[PeriodicTask]) -> None:
        """Of several that are chosen, those that somebody added."""
        kept = queryset.filter(name__in=settings.CELERY_BEAT_SCHEDULE).count()
        super().delete_queryset(request, queryset.exclude(name__in=settings.CELERY_BEAT_SCHEDULE))
        if kept:
            messages.warning(request, _("%(count)s are Parley’s own, and stay.") % {"count": kept})


admin.site.unregister(PeriodicTask)
admin.site.register(PeriodicTask, ScheduleAdmin)
