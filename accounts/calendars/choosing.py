"""How a team or a channel chooses the calendar that it works by: on forms, in calls, in services."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from accounts.calendars.queries import calendars_of
from accounts.calendars.services import InvalidCalendar
from accounts.models import BusinessCalendar, Organization
from core.ids import parse_uuid

HELP = _("When it works. Empty: as the organization does.")


class CalendarChoice(forms.ChoiceField):
    """One of the organization's calendars, by its id; empty for none of its own."""

    def __init__(self, organization: Organization, **kwargs: object) -> None:
        rows = calendars_of(organization)
        choices = [("", _("As the organization")), *((str(row.pk), row.name) for row in rows)]
        super().__init__(label=_("Business hours"), required=False, help_text=HELP, choices=choices, **kwargs)  # type: ignore[arg-type]


class CalendarField(serializers.UUIDField):
    """The calendar's id, or null."""

    def __init__(self, **kwargs: object) -> None:
        super().__init__(source="calendar_id", required=False, allow_null=True, help_text=str(HELP), **kwargs)  # type: ignore[arg-type]


def chosen(organization: Organization, value: object, *, field: str) -> BusinessCalendar | None:
    """The calendar of this id, which nobody deletes until the transaction ends. Raises InvalidCalendar."""
    if value in (None, ""):
        return None
    pk = value if isinstance(value, UUID) else parse_uuid(cast("str", value))
    rows = BusinessCalendar.objects.select_for_update(of=("self",), no_key=True)
    calendar = rows.filter(organization=organization, pk=pk).first() if pk else None
    if calendar is None:
        raise InvalidCalendar(field, str(_("There is no such calendar.")))
    return calendar
