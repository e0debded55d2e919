"""A calendar as a person edits it: a line of hours for each day."""

from __future__ import annotations

import zoneinfo

from django import forms
from django.forms import BoundField
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.calendars import parsing, public_holidays
from accounts.calendars.services import MAX_NAME_LENGTH, MAX_TEXT_LENGTH, Values
from accounts.models import BusinessCalendar
from core.edits import EditMixin
from core.refused import Invalid

HOURS_HINT = _("Such as 9:00–12:30, 14:00–18:00. Empty is closed.")


class HoursField(forms.CharField):
    """What is typed as the hours of a day; its clean value is written out the same way for everybody."""

    def __init__(self, **kwargs: object) -> None:
        super().__init__(required=False, max_length=parsing.MAX_TYPED, **kwargs)  # type: ignore[arg-type]
        self.widget.attrs.update({"class": "input", "placeholder": _("Closed"), "autocomplete": "off"})

    def clean(self, value: object) -> str:
        text = super().clean(value)
        try:
            return parsing.as_text(parsing.typed_intervals(text, field=""))
        except Invalid as error:
            raise forms.ValidationError(str(error)) from error


class CalendarForm(EditMixin, forms.Form):
    """The name, the place and the week. Fields of a day are called as the day."""

    refused_fields = {"holidays.country": "holiday_country", "holidays.region": "holiday_region", "weekly.": ""}

    name = forms.CharField(label=_("Name"), max_length=MAX_NAME_LENGTH)
    timezone = forms.ChoiceField(label=_("Time zone"), required=False)
    holiday_country = forms.ChoiceField(
        label=_("Public holidays of"),
        required=False,
        help_text=_("Closed on each of them, unless an exception says otherwise."),
    )
    holiday_region = forms.ChoiceField(
        label=_("Region"),
        required=False,
        help_text=_("Of the country; save with another country to choose one of its regions."),
    )

    def __init__(self, data: QueryDict | None, *, record: BusinessCalendar | None = None) -> None:
        week = parsing.week_of(record.weekly if record else {})
        initial = {
            "name": record.name if record else "",
            "timezone": record.timezone if record else "",
            "holiday_country": record.holiday_country if record else "",
            "holiday_region": record.holiday_region if record else "",
            **dict(zip(parsing.DAYS, map(parsing.as_text, week), strict=True)),
        }
        super().__init__(data, initial=initial, record=record)
        zones = [(name, name.replace("_", " ")) for name in sorted(zoneinfo.available_timezones()) if "/" in name]
        self.fields["timezone"].choices = [("", _("As the organization")), *zones]  # type: ignore[attr-defined]
        country = data.get("holiday_country", "") if data is not None else initial["holiday_country"]
        regions = sorted(public_holidays.regions(country).items(), key=lambda region: region[1])
        countries = public_holidays.countries().items()
        self.fields["holiday_country"].choices = [("", _("Nowhere")), *countries]  # type: ignore[attr-defined]
        self.fields["holiday_region"].choices = [("", _("The whole country")), *regions]  # type: ignore[attr-defined]
        for day in parsing.DAYS:
            self.fields[day] = HoursField(label=parsing.DAY_NAMES[day])

    @property
    def days(self) -> list[BoundField]:
        """The fields of the week."""
        return [self[day] for day in parsing.DAYS]

    def changes(self) -> Values:
        """What the service is to set, of a valid form: of a calendar that is edited only what the person changed."""
        changed = self.changed
        values: Values = {}
        if "name" in changed:
            values["name"] = changed["name"]
        if "timezone" in changed:
            values["timezone"] = changed["timezone"]
        if "holiday_country" in changed:
            values["holiday_country"] = changed["holiday_country"]
        if "holiday_region" in changed:
            values["holiday_region"] = changed["holiday_region"]
        if any(day in changed for day in parsing.DAYS):
            values["weekly"] = {
                day: parsing.as_stored(parsing.typed_intervals(self.cleaned_data[day], field=day))
                for day in parsing.DAYS
            }
        return values


class ExceptionForm(forms.Form):
    """A date with hours of its own."""

    date = forms.DateField(label=_("Date"), widget=forms.DateInput(attrs={"type": "date"}))
    hours = HoursField(label=_("Hours"), help_text=HOURS_HINT)
    name = forms.CharField(label=_("Why"), required=False, max_length=MAX_NAME_LENGTH)


class ClosingForm(forms.Form):
    """Closed from now until a moment of the calendar's own place."""

    until = forms.DateTimeField(
        label=_("Closed until"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    text = forms.CharField(
        label=_("What people are told"), required=False, max_length=MAX_TEXT_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3}),
    )  # fmt: skip
