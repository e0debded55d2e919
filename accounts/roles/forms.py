"""A role as sentences: what it is called, what its members may do, and with whose records."""

from __future__ import annotations

from collections.abc import Iterator

from django import forms
from django.forms import BoundField
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.models import Member, Role
from accounts.permissions import CATALOG, Reach
from accounts.roles.services import MAX_NAME_LENGTH
from accounts.roles.words import REACHES, groups
from core.edits import EditMixin

MAY = "may_"


class RoleForm(EditMixin, forms.Form):
    """A field of check boxes for each kind of thing; offered is what `by` has, and no more."""

    refused_fields = {"permissions": "", "key": "name"}

    name = forms.CharField(label=_("Name"), max_length=MAX_NAME_LENGTH)
    reach = forms.ChoiceField(label=_("Their records"), widget=forms.RadioSelect)

    def __init__(
        self,
        data: QueryDict | None,
        *,
        by: Member,
        source: Role | None = None,
        name: str = "",
        record: Role | None = None,
    ) -> None:
        """`source`: the role whose values it begins with, which is not the one that it edits where it is copied."""
        reach = source.reach if source is not None else Reach.ASSIGNED
        granted = source.permissions if source is not None else frozenset()
        super().__init__(data, initial={"name": name, "reach": reach.value}, record=record)
        reaches = [reach for reach in Reach if by.reach.includes(reach)]
        self.fields["reach"].choices = [(reach.value, REACHES[reach]) for reach in reaches]  # type: ignore[attr-defined]
        self.offered = by.permissions
        for group in groups(self.offered):
            self.fields[MAY + group.resource] = forms.MultipleChoiceField(
                label=str(group.label),
                required=False,
                widget=forms.CheckboxSelectMultiple,
                choices=[(one.key, one.sentence) for one in group.permissions],
                initial=[one.key for one in group.permissions if one.key in granted],
            )

    @property
    def groups(self) -> Iterator[BoundField]:
        """The fields of check boxes."""
        return (self[name] for name in self.fields if name.startswith(MAY))

    @property
    def lacks(self) -> bool:
        """Whether there is more than can be offered."""
        return self.offered != CATALOG

    @property
    def permissions(self) -> frozenset[str]:
        """All that are checked, of a valid form."""
        fields = (self.cleaned_data[name] for name in self.fields if name.startswith(MAY))
        return frozenset(permission for given in fields for permission in given)

    def changes(self) -> dict[str, object]:
        """What the service is to set of the role that is edited: only what the person changed."""
        values = {name: value for name, value in self.changed.items() if not name.startswith(MAY)}
        return values if len(values) == len(self.changed) else {**values, "permissions": self.permissions}


class SuccessorForm(forms.Form):
    """Which role the members get of one that is deleted."""

    successor = forms.ChoiceField(label=_("Its members get the role"))

    def __init__(self, data: QueryDict | None, *, roles: list[Role]) -> None:
        super().__init__(data)
        self.roles = {str(role.pk): role for role in roles}
        field = self.fields["successor"]
        field.choices = [("", _("Choose a role")), *((key, role.name) for key, role in self.roles.items())]  # type: ignore[attr-defined]

    @property
    def role(self) -> Role:
        """The chosen one, of a valid form."""
        return self.roles[self.cleaned_data["successor"]]
