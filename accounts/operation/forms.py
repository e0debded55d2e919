"""Forms of the organizations' pages in the admin."""

from __future__ import annotations

import zoneinfo

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.calendars.public_holidays import countries
from accounts.organizations import packs
from accounts.organizations.life import MAX_REASON_LENGTH
from accounts.organizations.values import MAX_NAME_LENGTH
from core import phones


class NewOrganizationForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=MAX_NAME_LENGTH)
    slug = forms.CharField(
        label=_("Address"), max_length=60, required=False,
        help_text=_("Stands in the address of every page. Left empty, it is made of the name."),
    )  # fmt: skip
    administrator = forms.EmailField(
        label=_("Administrator’s e-mail"), max_length=254,
        help_text=_("Gets an invitation by mail. You do not become a member."),
    )  # fmt: skip
    pack = forms.ChoiceField(label=_("Pack"), help_text=_("Pipeline, templates and fields to begin with."))
    country = forms.ChoiceField(
        label=_("Country"), required=False, help_text=_("Phone numbers without + are read there.")
    )
    timezone = forms.ChoiceField(label=_("Time zone"), initial="Europe/London")
    currency = forms.CharField(label=_("Currency"), min_length=3, max_length=3, initial="GBP", help_text=_("ISO 4217."))

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        names = countries()
        known = sorted((names.get(code, code), code) for code in phones.countries())
        zones = sorted(name for name in zoneinfo.available_timezones() if "/" in name)
        offered = {
            "pack": packs.choices(),
            "country": [("", _("As the installation")), *((code, name) for name, code in known)],
            "timezone": [(name, name.replace("_", " ")) for name in zones],
        }
        for name in ("name", "slug", "administrator"):
            self.fields[name].widget.attrs["class"] = "vTextField"
        for name, choices in offered.items():
            self.fields[name].choices = choices  # type: ignore[attr-defined]


class SuspendForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"), max_length=MAX_REASON_LENGTH, widget=forms.TextInput({"class": "vTextField"}),
        help_text=_("Stands in the audit log and here; members are told only that the organization is suspended."),
    )  # fmt: skip


class DeleteForm(forms.Form):
    typed_name = forms.CharField(label=_("Type the organization’s name"), max_length=MAX_NAME_LENGTH, strip=True)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["typed_name"].widget.attrs |= {"autocomplete": "off", "class": "vTextField"}
