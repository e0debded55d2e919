"""What the directory's connection does: its name, the role of new people, and what is taken from it."""

from __future__ import annotations

from collections.abc import Sequence

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.models import Role, ScimConnection, ScimGroup
from accounts.scim.connections import MAX_NAME_LENGTH
from core.edits import EditMixin


class ConnectionForm(EditMixin, forms.Form):
    """`roles` are what new people can become; the first is chosen for a new connection. `has_provider`: whether the
    organization has a provider to sign in by."""

    name = forms.CharField(
        label=_("Name"), max_length=MAX_NAME_LENGTH, help_text=_("What your directory is called, such as Entra ID.")
    )
    role = forms.ChoiceField(
        label=_("New people become"),
        help_text=_("Whom the directory creates gets this role. What they may do later is decided in Parley."),
    )
    maps_groups = forms.BooleanField(
        label=_("Groups of the directory are teams"),
        required=False,
        help_text=_("It then creates, changes and deletes teams. Managers see the records of their teams."),
    )
    binds_sign_in = forms.BooleanField(
        label=_("externalId is the subject at the sign-in provider"),
        required=False,
        help_text=_(
            "New people then sign in by the provider at once. Choose this only if your directory sends as externalId "
            "exactly what the provider says as sub, as Okta and Keycloak can."
        ),
    )

    def __init__(
        self, data: QueryDict | None, *, record: ScimConnection | None, roles: Sequence[Role], has_provider: bool
    ) -> None:
        self.roles = {str(role.pk): role for role in roles}
        super().__init__(data, initial=_initial(record, roles), record=record)
        field = self.fields["role"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above
        field.choices = [(key, role.name) for key, role in self.roles.items()]
        if not has_provider and not (record is not None and record.binds_sign_in):
            del self.fields["binds_sign_in"]

    @property
    def changes(self) -> dict[str, object]:
        """What the service is to set, of a valid form: of a connection that is there only what the person changed."""
        changes: dict[str, object] = dict(self.changed)
        if "role" in changes:
            changes["role"] = self.roles.get(str(changes["role"]))
        return changes


def _initial(record: ScimConnection | None, roles: Sequence[Role]) -> dict[str, object]:
    if record is None:
        return {"role": str(roles[0].pk) if roles else "", "maps_groups": True}
    return {
        "name": record.name,
        "role": str(record.role_id or ""),
        "maps_groups": record.maps_groups,
        "binds_sign_in": record.binds_sign_in,
    }


class GroupRoleForm(EditMixin, forms.Form):
    """What whoever is in the group becomes; `roles` are what there is to choose from, the least first."""

    role = forms.ChoiceField(label=_("Whoever is in it becomes"), required=False)

    def __init__(self, data: QueryDict | None, *, record: ScimGroup, roles: Sequence[Role]) -> None:
        self.roles = {str(role.pk): role for role in roles}
        super().__init__(data, initial={"role": str(record.role_id or "")}, record=record)
        field = self.fields["role"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above
        names = [(key, role.name) for key, role in self.roles.items()]
        field.choices = [("", _("No role by this group")), *names]

    @property
    def chosen(self) -> Role | None:
        """Of a valid form."""
        return self.roles.get(self.cleaned_data["role"])
