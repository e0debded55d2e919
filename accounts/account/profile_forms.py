from __future__ import annotations

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.members.profiles import MAX_SIGNATURE_LENGTH
from accounts.models import Member
from core.edits import EditMixin


class ProfileForm(EditMixin):
    """Name, phone and signature of a member."""

    name = forms.CharField(label=_("Name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    phone = forms.CharField(
        label=_("Phone for calls"),
        required=False,
        max_length=40,
        help_text=_("With country code, such as +44 7700 900123. Colleagues see it."),
        widget=forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel"}),
    )
    signature = forms.CharField(
        label=_("E-mail signature"),
        required=False,
        max_length=MAX_SIGNATURE_LENGTH,
        help_text=_("Stands below the e-mails written here, in place of the channel’s. Empty: the channel’s."),
        widget=forms.Textarea(attrs={"rows": 5}),
    )

    def __init__(self, data: QueryDict | None = None, *, record: Member) -> None:
        initial = {"name": record.user.name, "phone": record.phone, "signature": record.signature}
        super().__init__(data, record=record, initial=initial)
