from __future__ import annotations

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.credentials import second_factor
from accounts.models import User
from accounts.openid import queries as providers
from accounts.organizations import packs


class SignInForm(forms.Form):
    email = forms.EmailField(
        label="E-mail", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "username"})
    )
    password = forms.CharField(
        label="Password", strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )


class OrganizationForm(forms.Form):
    """Whose provider somebody signs in by: the part of the address that stands after /o/."""

    organization = forms.SlugField(
        label=_("Your organization’s address"),
        max_length=60,
        help_text=_("What stands after /o/ in the address of its pages, such as harbour-clinic."),
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"}),
    )

    def clean_organization(self) -> str:
        slug: str = self.cleaned_data["organization"].lower()
        if providers.open_provider(slug) is None:
            raise forms.ValidationError(_("No organization with this address signs in by a provider."))
        return slug


class SignUpForm(forms.Form):
    name = forms.CharField(label="Your name", max_length=150, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    email = forms.EmailField(
        label="E-mail", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "username"})
    )
    password = forms.CharField(
        label="Password",
        strip=False,
        max_length=256,
        help_text="At least 10 characters. A short sentence is a good password.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    organization = forms.CharField(
        label="Organization", max_length=150, widget=forms.TextInput(attrs={"autocomplete": "organization"})
    )
    pack = forms.ChoiceField(label="What you do", choices=packs.choices, initial="clinic", widget=forms.RadioSelect)

    def offered_packs(self) -> list[packs.Pack]:
        """What is in each, for the page."""
        return packs.offered()

    def clean(self) -> dict[str, object]:
        data = super().clean() or {}
        if data.get("password"):
            try:
                validate_password(data["password"], User(email=data.get("email", ""), name=data.get("name", "")))
            except ValidationError as error:
                self.add_error("password", error)
        return data


class CodeForm(forms.Form):
    code = forms.CharField(
        label=_("Code"),
        max_length=second_factor.MAX_CODE_LENGTH,
        help_text=_("The six digits that your authenticator app shows now, or one of your recovery codes."),
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false", "autofocus": True}
        ),
    )
    trust = forms.BooleanField(label=_("Don’t ask again in this browser for 30 days"), required=False)
