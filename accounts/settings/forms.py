"""The settings of an organization as a person edits them."""

from __future__ import annotations

import zoneinfo

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.calendars.public_holidays import countries
from accounts.models import Organization
from accounts.organizations.values import MAX_NAME_LENGTH, MAX_UNDO_SECONDS
from core import phones
from core.edits import EditMixin


class OrganizationForm(EditMixin, forms.Form):
    name = forms.CharField(label=_("Name"), max_length=MAX_NAME_LENGTH)
    country = forms.ChoiceField(
        label=_("Country"), required=False, help_text=_("Phone numbers without + are read as numbers there.")
    )
    timezone = forms.ChoiceField(label=_("Time zone"), help_text=_("Days and times on every page are those there."))
    currency = forms.CharField(
        label=_("Currency"),
        min_length=3,
        max_length=3,
        help_text=_("ISO 4217, such as GBP. Deals that are there keep theirs."),
    )
    undo_seconds = forms.IntegerField(
        label=_("Seconds to take a reply back"),
        min_value=0,
        max_value=MAX_UNDO_SECONDS,
        help_text=_("A sent reply waits so long before it leaves. 0: it leaves at once."),
    )
    requires_second_factor = forms.BooleanField(
        label=_("Everybody needs a second factor"),
        required=False,
        help_text=_("Who has none sets one up at the next page they open. Set up your own first."),
    )
    allows_impersonation = forms.BooleanField(
        label=_("Allow administrators to act as a member"),
        required=False,
        help_text=_("For half an hour, with a reason; the member is told, and both names stand beside what is done."),
    )

    def __init__(self, data: QueryDict | None, *, record: Organization) -> None:
        initial = {
            "name": record.name,
            "country": record.default_country,
            "timezone": record.timezone,
            "currency": record.currency,
            "undo_seconds": record.undo_seconds,
            "requires_second_factor": record.requires_second_factor,
            "allows_impersonation": record.allows_impersonation,
        }
        super().__init__(data, initial=initial, record=record)
        names = countries()
        known = sorted((names.get(code, code), code) for code in phones.countries())
        self.fields["country"].choices = [  # type: ignore[attr-defined]
            ("", _("As the installation")), *((code, name) for name, code in known)
        ]  # fmt: skip
        zones = {name for name in zoneinfo.available_timezones() if "/" in name} | {record.timezone}
        self.fields["timezone"].choices = [(name, name.replace("_", " ")) for name in sorted(zones)]  # type: ignore[attr-defined]

    def clean_currency(self) -> str:
        return str(self.cleaned_data["currency"]).upper()
