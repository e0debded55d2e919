from __future__ import annotations

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.credentials.second_factor import MAX_CODE_LENGTH
from accounts.models import User

_CODE = {"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false", "autofocus": True}


class PasswordForm(forms.Form):
    """A new password of the user's own."""

    password = forms.CharField(
        label=gettext_lazy("New password"),
        strip=False,
        max_length=256,
        help_text=gettext_lazy("At least 10 characters. A short sentence is a good password."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, data: QueryDict | None = None, *, user: User) -> None:
        super().__init__(data)
        self.user = user

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        validate_password(password, self.user)
        if self.user.check_password(password):
            raise ValidationError(_("This is the password of before. Choose another one."))
        return password


class ConfirmPasswordForm(forms.Form):
    password = forms.CharField(
        label=gettext_lazy("Password"),
        strip=False,
        max_length=256,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )


class ConfirmCodeForm(forms.Form):
    code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=MAX_CODE_LENGTH,
        help_text=gettext_lazy("The six digits that your authenticator app shows now, or one of your recovery codes."),
        widget=forms.TextInput(attrs=_CODE),
    )


class PasskeyForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=80,
        help_text=gettext_lazy("So that you know later which it is: “Laptop”, “Blue key”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class FirstCodeForm(forms.Form):
    code = forms.CharField(
        label=gettext_lazy("Code"),
        max_length=10,
        help_text=gettext_lazy("The six digits that the app shows now."),
        widget=forms.TextInput(attrs={**_CODE, "inputmode": "numeric"}),
    )
