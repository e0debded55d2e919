from __future__ import annotations

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.credentials.second_factor import MAX_CODE_LENGTH
from accounts.impersonation.proof import Proof
from accounts.impersonation.services import MAX_REASON_LENGTH


class ImpersonateForm(forms.Form):
    """Why, and who it is: a code, a password, or neither where the person has just shown it elsewhere."""

    reason = forms.CharField(
        label=_("Why?"),
        max_length=MAX_REASON_LENGTH,
        help_text=_("The person reads this, and it stays in the audit log."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )
    code = forms.CharField(
        label=_("Code"),
        max_length=MAX_CODE_LENGTH,
        help_text=_("The six digits that your authenticator app shows now, or one of your recovery codes."),
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        max_length=256,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, data: QueryDict | None, *, proof: Proof) -> None:
        super().__init__(data)
        for name in ("code", "password"):
            if name != proof:
                del self.fields[name]
