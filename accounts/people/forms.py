from __future__ import annotations

import re
from collections.abc import Sequence
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.invitations import services as invitations
from accounts.members import service_members
from accounts.members.authority import Authority
from accounts.models import Member, Role, Team
from accounts.people import queries
from core.edits import EditMixin
from core.refused import Invalid

LIFETIMES = [(1, _("1 day")), (7, _("7 days")), (14, _("14 days")), (30, _("30 days"))]


class _GivesAccess(forms.Form):
    """A role and teams, of those that may be given. The values are the records themselves."""

    role = forms.ChoiceField(label=_("Role"))
    teams = forms.MultipleChoiceField(label=_("Teams"), required=False, widget=forms.CheckboxSelectMultiple)

    def offer(self, roles: Sequence[Role], teams: Sequence[Team]) -> None:
        """Choose among these."""
        self._roles = {str(role.pk): role for role in roles}
        self._teams = {str(team.pk): team for team in teams}
        self._field("role").choices = [(key, role.name) for key, role in self._roles.items()]
        self._field("teams").choices = [(key, team.name) for key, team in self._teams.items()]
        if not teams:
            del self.fields["teams"]

    def chosen_role(self) -> Role | None:
        """The role of a valid form."""
        return self._roles.get(self.cleaned_data["role"])

    def chosen_teams(self) -> list[Team]:
        """The teams of a valid form."""
        return [self._teams[key] for key in self.cleaned_data.get("teams", []) if key in self._teams]

    def _field(self, name: str) -> forms.ChoiceField:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above
        return field


class InviteForm(_GivesAccess):
    emails = forms.CharField(
        label=_("E-mail addresses"),
        max_length=20_000,
        help_text=_("One or several, each on a line of its own or with commas between."),
        widget=forms.Textarea(attrs={"rows": 4, "autocapitalize": "none", "spellcheck": "false"}),
    )
    days = forms.TypedChoiceField(
        label=_("The link is good for"), choices=LIFETIMES, coerce=int, initial=invitations.DEFAULT_DAYS
    )
    field_order = ["emails", "role", "teams", "days"]

    def __init__(self, data: QueryDict | None = None, *, authority: Authority) -> None:
        super().__init__(data)
        roles = sorted(queries.roles_to_give(authority), key=lambda role: len(role.permissions))
        self.offer(roles, list(queries.teams_to_give(authority)))

    def clean_emails(self) -> list[str]:
        given = re.split(r"[\s,;]+", self.cleaned_data["emails"])
        try:
            return invitations.clean_addresses(given)
        except Invalid as refused:
            raise ValidationError(str(refused)) from refused


class NewMemberForm(_GivesAccess):
    """Somebody who is a member at once, with a password to be changed."""

    name = forms.CharField(label=_("Name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    email = forms.EmailField(label=_("E-mail"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    password = forms.CharField(
        label=_("First password"),
        required=False,
        strip=False,
        max_length=256,
        help_text=_("Leave it empty to have one made. They choose their own at the first sign-in."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    field_order = ["name", "email", "role", "teams", "password"]
    refused_fields = {"emails": "email"}

    def __init__(self, data: QueryDict | None = None, *, authority: Authority) -> None:
        super().__init__(data)
        roles = sorted(queries.roles_to_give(authority), key=lambda role: len(role.permissions))
        self.offer(roles, list(queries.teams_to_give(authority)))


class ServiceForm(_GivesAccess):
    """A member that is no person."""

    name = forms.CharField(
        label=_("Name"),
        max_length=service_members.MAX_NAME_LENGTH,
        help_text=_("What the other system is called here, such as “Website”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    field_order = ["name", "role", "teams"]

    def __init__(self, data: QueryDict | None = None, *, authority: Authority) -> None:
        super().__init__(data)
        roles = sorted(queries.roles_to_give(authority), key=lambda role: len(role.permissions))
        self.offer(roles, list(queries.teams_to_give(authority)))


class MemberForm(EditMixin, _GivesAccess):
    """Role and teams of a member. `authority` is of who changes them."""

    def __init__(self, data: QueryDict | None = None, *, record: Member, authority: Authority) -> None:
        own: list[UUID] = [team.pk for team in record.teams.all()]
        initial = {"role": str(record.role_id), "teams": [str(pk) for pk in own]}
        super().__init__(data, record=record, initial=initial)
        roles = queries.roles_to_give(authority)
        if record.role not in roles:
            roles.append(record.role)
        self.offer(roles, list(queries.teams_to_give(authority, own)))
