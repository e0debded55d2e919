"""How members sign in: the provider, what new people become, and whether passwords are good."""

from __future__ import annotations

import re
from collections.abc import Sequence

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Member, Role, SignInProvider
from accounts.openid.services import MAX_FACTOR_VALUES
from core.edits import EditMixin

_PLAIN = {"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"}


class ProviderForm(EditMixin, forms.Form):
    """`roles` and `keepers` are what can be chosen. The secret is never shown; empty leaves it."""

    name = forms.CharField(label=_("Name on the button"), max_length=60, help_text=_("For example Entra ID."))
    issuer = forms.CharField(
        label=_("Issuer"),
        max_length=300,
        help_text=_("An address with https://, exactly as your provider writes it."),
        widget=forms.URLInput(attrs=_PLAIN),
    )
    client_id = forms.CharField(label=_("Client ID"), max_length=255, widget=forms.TextInput(attrs=_PLAIN))
    client_secret = forms.CharField(
        label=_("Client secret"),
        max_length=1000,
        help_text=_("Kept encrypted, and never shown again."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    role = forms.ChoiceField(
        label=_("Who is new here and signs in by it"),
        required=False,
        help_text=_("New people need an address that the provider has verified and that has no account here."),
    )
    factor_values = forms.CharField(
        label=_("Signs of a second factor"),
        required=False,
        max_length=500,
        help_text=_("Values of amr or acr, with blanks between, such as mfa. Empty: ours is asked in any case."),
        widget=forms.TextInput(attrs=_PLAIN),
    )
    is_enabled = forms.BooleanField(label=_("People can sign in by it"), required=False)
    allows_passwords = forms.BooleanField(label=_("Passwords and passkeys are good as well"), required=False)
    password_keeper = forms.ChoiceField(
        label=_("Who keeps the password in any case"),
        required=False,
        help_text=_("An administrator, for the day when the provider fails."),
    )

    def __init__(
        self,
        data: QueryDict | None,
        *,
        record: SignInProvider | None,
        roles: Sequence[Role],
        keepers: Sequence[Member],
    ) -> None:
        super().__init__(data, initial=_initial(record), record=record)
        self.roles = {str(role.pk): role for role in roles}
        self.keepers = {str(member.pk): member for member in keepers}
        self._choices("role", [("", gettext("Nobody comes in: only members who connected their account"))], {
            key: gettext("Becomes a member as %(role)s") % {"role": role.name} for key, role in self.roles.items()
        })  # fmt: skip
        self._choices("password_keeper", [("", "—")], {
            key: f"{member.user.get_full_name()} · {member.user.email}" for key, member in self.keepers.items()
        })  # fmt: skip
        if record is not None:
            self.fields["client_secret"].required = False
            self.fields["client_secret"].help_text = gettext("Empty leaves the one that is there.")

    def clean_factor_values(self) -> list[str]:
        values = list(dict.fromkeys(re.split(r"[\s,]+", self.cleaned_data["factor_values"].strip())))
        values = [value for value in values if value]
        if len(values) > MAX_FACTOR_VALUES:
            raise ValidationError(gettext("At most %(most)s values.") % {"most": MAX_FACTOR_VALUES})
        return values

    @property
    def changes(self) -> dict[str, object]:
        """What the service is to set, of a valid form: of a provider that is there only what the person changed."""
        changes: dict[str, object] = dict(self.changed)
        if not changes.get("client_secret"):
            changes.pop("client_secret", None)
        if "role" in changes:
            changes["role"] = self.roles.get(str(changes["role"]))
        if "password_keeper" in changes:
            changes["password_keeper"] = self.keepers.get(str(changes["password_keeper"]))
        return changes

    def _choices(self, name: str, first: list[tuple[str, str]], others: dict[str, str]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above
        field.choices = [*first, *others.items()]


def _initial(record: SignInProvider | None) -> dict[str, object]:
    if record is None:
        return {"is_enabled": True, "allows_passwords": True}
    return {
        "name": record.name,
        "issuer": record.issuer,
        "client_id": record.client_id,
        "role": str(record.role_id or ""),
        "factor_values": " ".join(record.factor_values),
        "is_enabled": record.is_enabled,
        "allows_passwords": record.organization.allows_passwords,
        "password_keeper": str(record.organization.password_keeper_id or ""),
    }
