"""Rates as people type them, and the table that they import."""

from __future__ import annotations

from typing import cast

from django import forms
from django.utils.translation import gettext_lazy as _

from core.edits import EditMixin
from messaging.costs import services
from messaging.costs.billing import CATEGORIES
from messaging.costs.services import Values
from messaging.costs.words import CATEGORIES as CATEGORIES_IN_WORDS
from messaging.costs.words import CHANNELS
from messaging.models import RateCard

CHANNEL_CHOICES = [(kind, CHANNELS[kind]) for kind in CATEGORIES]
CATEGORY_CHOICES = [
    ("", _("Every other category")),
    *((CHANNELS[kind], [(one.value, CATEGORIES_IN_WORDS[one]) for one in own]) for kind, own in CATEGORIES.items()),
]


class _Day(forms.DateField):
    widget = forms.DateInput({"type": "date"}, format="%Y-%m-%d")


class RateForm(EditMixin, forms.Form):
    """One rate."""

    channel_kind = forms.ChoiceField(label=_("Channel"), choices=CHANNEL_CHOICES)
    market = forms.CharField(
        label=_("Country"), max_length=2,
        help_text=_("Of the recipient, in two letters such as GB. * is every other one."),
        widget=forms.TextInput({"autocapitalize": "characters", "autocomplete": "off", "size": 4}),
    )  # fmt: skip
    category = forms.ChoiceField(label=_("Category"), choices=CATEGORY_CHOICES, required=False)
    price = forms.DecimalField(
        label=_("Price"), max_digits=12, decimal_places=services.DECIMALS, min_value=0, max_value=services.MAX_PRICE,
        help_text=_("Of a message, or of a segment of an SMS."),
        widget=forms.TextInput({"inputmode": "decimal", "autocomplete": "off"}),
    )  # fmt: skip
    currency = forms.RegexField(
        r"^[A-Za-z]{3}$", label=_("Currency"), error_messages={"invalid": _("Three letters, such as GBP.")}
    )
    valid_from = _Day(label=_("From"), help_text=_("Until a later rate of the same says otherwise."))
    free_allowance = forms.IntegerField(
        label=_("Free each month"), required=False, min_value=0, max_value=services.MAX_ALLOWANCE,
        help_text=_("So many messages of each sender cost nothing in a calendar month."),
    )  # fmt: skip

    def values(self) -> Values:
        """What the service takes."""
        data = self.changed
        if data.get("free_allowance", 0) is None:
            data["free_allowance"] = 0
        return cast("Values", data)

    @staticmethod
    def initial_of(rate: RateCard) -> dict[str, object]:
        values = {name: getattr(rate, name) for name in services.FIELDS}
        return {**values, "price": f"{rate.price.normalize():f}"}


class ImportForm(forms.Form):
    """A table of rates, and what holds for rows that don't say it themselves."""

    refused_fields = {"": "file"}

    file = forms.FileField(label=_("CSV or XLSX"))
    channel_kind = forms.ChoiceField(
        label=_("Channel"), choices=CHANNEL_CHOICES, help_text=_("Of rows that have no column for it.")
    )
    currency = forms.RegexField(
        r"^[A-Za-z]{3}$", label=_("Currency"), error_messages={"invalid": _("Three letters, such as GBP.")},
        help_text=_("Of rows that have no column for it."),
    )  # fmt: skip
    valid_from = _Day(label=_("From"), help_text=_("Of rows that have no column for it."))
