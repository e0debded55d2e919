from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django import forms
from django.core.exceptions import ValidationError
from django.forms import BoundField
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.api_keys import queries
from accounts.api_keys.services import MAX_NAME_LENGTH
from accounts.credentials import api_keys
from accounts.models import Member
from accounts.permissions import SCOPES
from accounts.roles.words import groups
from core.refused import Invalid

MAY = "may_"
LIFETIMES = [("30", _("30 days")), ("90", _("90 days")), ("365", _("1 year")), ("never", _("Without an end"))]


class KeyForm(forms.Form):
    """A new key: a field of check boxes for each kind of thing; offered is what `by` may do and a key can be given."""

    refused_fields = {"scopes": "", "expires_at": "days"}

    name = forms.CharField(
        label=_("Name"), max_length=MAX_NAME_LENGTH, help_text=_("What it is for, such as “Website”.")
    )
    member = forms.ChoiceField(
        label=_("It acts for"),
        help_text=_("What it does is theirs. It may never do more than they may at that moment."),
    )
    days = forms.ChoiceField(label=_("Good for"), choices=LIFETIMES, initial="90")
    networks = forms.CharField(
        label=_("Only from these networks"),
        required=False,
        max_length=2000,
        help_text=_("An address or CIDR a line, such as 203.0.113.0/24. Empty: from everywhere."),
        widget=forms.Textarea(attrs={"rows": 3, "autocapitalize": "none", "spellcheck": "false"}),
    )

    def __init__(self, data: QueryDict | None = None, *, by: Member) -> None:
        super().__init__(data)
        self.owners = {str(owner.pk): owner for owner in queries.owners_for(by)}
        field = self.fields["member"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above
        field.choices = [(key, self._label(owner, by)) for key, owner in self.owners.items()]
        if len(self.owners) == 1:
            # Oneself: nothing to choose.
            del self.fields["member"]
        self._by = by
        for group in groups(by.permissions & SCOPES):
            self.fields[MAY + group.resource] = forms.MultipleChoiceField(
                label=str(group.label),
                required=False,
                widget=forms.CheckboxSelectMultiple,
                choices=[(one.key, one.sentence) for one in group.permissions],
            )

    @property
    def groups(self) -> Iterator[BoundField]:
        """The fields of check boxes."""
        return (self[name] for name in self.fields if name.startswith(MAY))

    @property
    def owner(self) -> Member:
        """Whom the key acts for, of a valid form."""
        return self.owners.get(self.cleaned_data.get("member", ""), self._by)

    @property
    def scopes(self) -> list[str]:
        """All that are checked, of a valid form."""
        fields = (self.cleaned_data[name] for name in self.fields if name.startswith(MAY))
        return sorted(permission for given in fields for permission in given)

    @property
    def expires_at(self) -> datetime | None:
        """When it ends, of a valid form."""
        days = self.cleaned_data["days"]
        return None if days == "never" else timezone.now() + timedelta(days=int(days))

    def clean_networks(self) -> list[str]:
        try:
            return api_keys.clean_networks(self.cleaned_data["networks"].split())
        except Invalid as refused:
            raise ValidationError(str(refused)) from refused

    @staticmethod
    def _label(owner: Member, by: Member) -> str:
        name = owner.user.get_full_name()
        return str(_("Yourself (%(name)s)") if owner.pk == by.pk else _("The service %(name)s")) % {"name": name}
