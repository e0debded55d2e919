"""Who gets what of a person: a successor for all, and another choice for a kind where one is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.hand_over.queries import Belongings
from accounts.hand_over.services import DEACTIVATE, END, LEAVE, REMOVE
from accounts.models import Member


class HandOverForm(forms.Form):
    """`found` are the kinds that the person has; `endings` what may happen to the person: deactivate, remove."""

    successor = forms.ChoiceField(label=_("Everything goes to"))
    then = forms.ChoiceField(label=_("The person"), required=False, widget=forms.RadioSelect)
    refused_fields = {"kinds": ""}

    def __init__(
        self,
        data: QueryDict | None,
        *,
        successors: Sequence[Member],
        found: Sequence[Belongings],
        endings: Sequence[str],
        then: str = "",
    ) -> None:
        super().__init__(data, initial={"then": then})
        people = [(str(one.user_id), f"{one.user.get_full_name()} · {one.role.name}") for one in successors]
        self.fields["successor"].choices = [("", _("Choose…")), *people]  # type: ignore[attr-defined]
        words = {DEACTIVATE: _("Deactivate them at once"), REMOVE: _("Remove them at once")}
        ways = [(one, words[one]) for one in endings]
        self.fields["then"].choices = [("", _("Stays as they are")), *ways]  # type: ignore[attr-defined]
        if not endings:
            del self.fields["then"]
        self.kinds = {f"kind-{one.part.name}": one for one in found if one.part.give is not None and one.count}
        for name, one in self.kinds.items():
            choices = [("", _("The same person")), *people, (LEAVE, _("Nobody: leave as they are"))]
            if one.part.end is not None:
                choices.append((END, _("Nobody: cancel them")))
            self.fields[name] = forms.ChoiceField(label=str(one.part.label), choices=choices, required=False)

    @property
    def rows(self) -> list[tuple[Belongings, forms.BoundField]]:
        """Each kind that has something, with the field that chooses for it."""
        return [(one, self[name]) for name, one in self.kinds.items()]

    @property
    def chosen_successor(self) -> UUID:
        """The user's id, of a valid form."""
        return UUID(self.cleaned_data["successor"])

    @property
    def choices_by_kind(self) -> dict[str, str]:
        """What was chosen for single kinds, of a valid form."""
        return {one.part.name: self.cleaned_data[name] for name, one in self.kinds.items() if self.cleaned_data[name]}
