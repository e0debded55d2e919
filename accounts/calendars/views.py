"""Settings → Business calendars: when the organization, its teams and channels work."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from uuid import UUID

from django import forms
from django.contrib import messages as toasts
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access.pages import requires
from accounts.calendars import queries
from accounts.calendars import services as calendars
from accounts.calendars.forms import CalendarForm, ClosingForm, ExceptionForm
from accounts.models import BusinessCalendar
from activity.actor import current_actor
from core.http import Request
from core.lookups import first_or_404
from core.refused_pages import as_message, on_form
from core.row_locks import lock_rows, writes_at_once


@requires("settings.view")
@require_safe
def calendar_list(request: Request, organization: str) -> HttpResponse:
    """The calendars, each as it is now there, and what uses it."""
    context = {"rows": queries.rows_of(request.organization), **_context(request)}
    return render(request, "accounts/calendars/list.html", context)


@requires("settings.view")
@require_safe
def calendar_detail(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """The week, the days that differ, and closing."""
    calendar = _calendar(request, pk)
    with timezone.override(queries.zone_of(calendar)):
        return _detail(request, calendar, ExceptionForm(), ClosingForm())


@requires("settings.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def new_calendar(request: Request, organization: str) -> HttpResponse:
    form = CalendarForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        with on_form(request, form):
            calendar = calendars.create(organization=request.organization, actor=current_actor(), values=form.changes())
            toasts.success(request, _("“%(name)s” is there.") % {"name": calendar.name})
            return redirect("organization:calendar", organization, calendar.pk)
    return _form(request, form, None)


@requires("settings.edit")
@require_http_methods(["GET", "HEAD", "POST"])
@writes_at_once
def edit_calendar(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """The name, the place and the week."""
    lock_rows(request, request.organization)
    calendar = _calendar(request, pk)
    form = CalendarForm(request.POST if request.method == "POST" else None, record=calendar)
    if request.method == "POST" and form.is_valid():
        with on_form(request, form):
            if changes := form.changes():
                calendars.update(calendar=calendar, actor=current_actor(), changes=changes)
            toasts.success(request, _("Saved."))
            return redirect("organization:calendar", organization, calendar.pk)
    return _form(request, form, calendar)


@requires("settings.edit")
@require_http_methods(["GET", "HEAD", "POST"])
def delete_calendar(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Ask once; a POST deletes."""
    calendar = _calendar(request, pk)
    if request.method == "POST":
        with as_message(request):
            calendars.delete(calendar=calendar, actor=current_actor())
            toasts.success(request, _("“%(name)s” is gone.") % {"name": calendar.name})
            return redirect("organization:calendars", organization)
        return redirect("organization:calendar", organization, calendar.pk)
    users = queries.users_of(request.organization).get(calendar.pk, [])
    return render(request, "accounts/calendars/delete.html", {"calendar": calendar, "users": users})


@requires("settings.edit")
@require_POST
def make_default(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """The one that counts for all that have none of their own."""
    calendar = _calendar(request, pk)
    calendars.update(calendar=calendar, actor=current_actor(), changes={"is_default": True})
    toasts.success(request, _("“%(name)s” counts for all that have no calendar of their own.") % {
        "name": calendar.name,
    })  # fmt: skip
    return redirect("organization:calendar", organization, calendar.pk)


@requires("settings.edit")
@require_POST
def set_exception(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Hours of its own for a date."""
    calendar = _calendar(request, pk)
    form = ExceptionForm(request.POST)
    if form.is_valid():
        with on_form(request, form):
            entered = form.cleaned_data
            calendars.set_exception(
                calendar=calendar,
                actor=current_actor(),
                day=entered["date"],
                hours=entered["hours"],
                name=entered["name"],
            )
            return redirect("organization:calendar", organization, calendar.pk)
    with timezone.override(queries.zone_of(calendar)):
        return _detail(request, calendar, form, ClosingForm())


@requires("settings.edit")
@require_POST
def remove_exception(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """The date is as every week again."""
    calendar = _calendar(request, pk)
    form = forms.DateField()
    with suppress(ValidationError):
        day: date = form.clean(request.POST.get("date", ""))
        calendars.remove_exception(calendar=calendar, actor=current_actor(), day=day)
    return redirect("organization:calendar", organization, calendar.pk)


@requires("settings.edit")
@require_POST
def close(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """Closed from now until a moment, which is one of the calendar's own place."""
    calendar = _calendar(request, pk)
    with timezone.override(queries.zone_of(calendar)):
        form = ClosingForm(request.POST)
        if form.is_valid():
            with on_form(request, form):
                entered = form.cleaned_data
                calendars.close(calendar=calendar, actor=current_actor(), until=entered["until"], text=entered["text"])
                toasts.success(request, _("Closed. It ends by itself."))
                return redirect("organization:calendar", organization, calendar.pk)
        return _detail(request, calendar, ExceptionForm(), form)


@requires("settings.edit")
@require_POST
def reopen(request: Request, organization: str, pk: UUID) -> HttpResponse:
    """End the closing before its time."""
    calendar = _calendar(request, pk)
    with as_message(request):
        calendars.reopen(calendar=calendar, actor=current_actor())
        toasts.success(request, _("The usual hours count again."))
    return redirect("organization:calendar", organization, calendar.pk)


def _calendar(request: Request, pk: UUID) -> BusinessCalendar:
    return first_or_404(queries.calendars_of(request.organization).filter(pk=pk), _("There is no such calendar."))


def _context(request: Request) -> dict[str, object]:
    return {"can_change": request.member.may("settings.edit")}


def _detail(
    request: Request, calendar: BusinessCalendar, exception_form: ExceptionForm, closing_form: ClosingForm
) -> HttpResponse:
    context = {
        "calendar": calendar,
        "now": queries.now_of(calendar),
        "zone": queries.zone_of(calendar),
        "week": queries.week(calendar),
        "special_days": queries.special_days(calendar),
        "users": queries.users_of(request.organization).get(calendar.pk, []),
        "exception_form": exception_form,
        "closing_form": closing_form,
        **_context(request),
    }
    status = 422 if exception_form.errors or closing_form.errors else 200
    return render(request, "accounts/calendars/detail.html", context, status=status)


def _form(request: Request, form: CalendarForm, calendar: BusinessCalendar | None) -> HttpResponse:
    context = {"form": form, "calendar": calendar}
    return render(request, "accounts/calendars/form.html", context, status=422 if form.errors else 200)
