"""A team: its name, and who belongs to it."""

from __future__ import annotations

from collections.abc import Sequence

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.calendars.choosing import CalendarChoice
from accounts.models import Member, Organization, Team
from accounts.teams.services import MAX_NAME_LENGTH
from core.edits import EditMixin


class TeamForm(EditMixin, forms.Form):
    """`people` are the members that can be chosen."""

    name = forms.CharField(label=_("Name"), max_length=MAX_NAME_LENGTH)
    members = forms.MultipleChoiceField(label=_("Members"), required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(
        self,
        data: QueryDict | None,
        *,
        organization: Organization,
        people: Sequence[Member],
        record: Team | None = None,
    ) -> None:
        belonging = [str(member.pk) for member in record.members.all()] if record is not None else []
        name = record.name if record is not None else ""
        calendar = str(record.calendar_id or "") if record is not None else ""
        super().__init__(data, initial={"name": name, "members": belonging, "calendar": calendar}, record=record)
        self.fields["calendar"] = CalendarChoice(organization)
        self.people = {str(member.pk): member for member in people}
        choices = [(key, f"{one.user.get_full_name()} · {one.role.name}") for key, one in self.people.items()]
        self.fields["members"].choices = choices  # type: ignore[attr-defined]

    def changes(self) -> dict[str, object]:
        """What the service is to set, of a valid form: of a team that is edited only what the person changed."""
        changes: dict[str, object] = dict(self.changed)
        if "members" in changes:
            changes["members"] = self.chosen
        return changes

    @property
    def chosen(self) -> list[Member]:
        """The members who are checked, of a valid form."""
        return [self.people[key] for key in self.cleaned_data["members"] if key in self.people]
