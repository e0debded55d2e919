"""How somebody is told, as a form: a row a type, and the quiet hours."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, cast

from django import forms
from django.db import models
from django.forms.boundfield import BoundField
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from core.edits import EditMixin
from workflows.models import NotificationSettings
from workflows.notifications.kinds.registry import WAY_LABELS, Heading, Kind, Way
from workflows.notifications.preferences import Preferences

AS_ABOVE: Final = "organization"
Quiet = NotificationSettings.Quiet


@dataclass(frozen=True, slots=True)
class Row:
    """A type in the table: its field, and in words what holds where nothing is chosen."""

    kind: Kind
    field: BoundField
    inherited: str


class PreferencesForm(EditMixin):
    """`record` is the member, or the organization whose defaults these are. `holds`: of a member what the organization
    says, of the organization what holds there."""

    quiet = forms.ChoiceField(label=_("Quiet hours"), required=False, widget=forms.RadioSelect)
    quiet_from = forms.TimeField(
        label=_("From"), required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    quiet_until = forms.TimeField(
        label=_("Until"), required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )

    def __init__(
        self,
        data: QueryDict | None,
        *,
        record: models.Model,
        kinds: Sequence[Kind],
        stored: NotificationSettings | None,
        holds: Preferences,
        has_above: bool,
    ) -> None:
        self._kinds, self._holds, self._has_above = kinds, holds, has_above
        chosen = stored.ways if stored is not None else {}
        initial: dict[str, object] = {
            "quiet": (stored.quiet if stored is not None else "") or (AS_ABOVE if has_above else Quiet.NEVER.value),
            "quiet_from": stored.quiet_from if stored is not None else None,
            "quiet_until": stored.quiet_until if stored is not None else None,
        }
        for kind in kinds:
            initial[kind.name] = _names(chosen[kind.name]) if kind.name in chosen else self._above(kind)
        super().__init__(data, record=record, initial=initial)
        quiet = cast("forms.ChoiceField", self.fields["quiet"])
        inherited = [(AS_ABOVE, Quiet.INHERITED.label)] if has_above else []
        quiet.choices = [*inherited, *((value, label) for value, label in Quiet.choices if value)]
        for kind in kinds:
            self.fields[kind.name] = forms.MultipleChoiceField(
                label=str(kind.label), required=False, choices=self._choices(), widget=forms.CheckboxSelectMultiple
            )

    def groups(self) -> list[tuple[str, list[Row]]]:
        """The rows under their headings."""
        rows: dict[Heading, list[Row]] = {heading: [] for heading in Heading}
        for kind in self._kinds:
            rows[kind.heading].append(Row(kind, self[kind.name], self._in_words(kind)))
        return [(str(heading.value), found) for heading, found in rows.items() if found]

    @property
    def changed_ways(self) -> dict[str, list[str] | None]:
        """Of a valid form: the ways chosen for each type that was changed; None: as the next above says."""
        names = {kind.name for kind in self._kinds}
        changed = {name: list(value) for name, value in self.changed.items() if name in names}
        return {name: None if AS_ABOVE in value else value for name, value in changed.items()}

    @property
    def changed_quiet(self) -> dict[str, object]:
        """Of a valid form: what was changed of the quiet hours."""
        changed = {name: value for name, value in self.changed.items() if name.startswith("quiet")}
        return {name: "" if value == AS_ABOVE else value for name, value in changed.items()}

    def _above(self, kind: Kind) -> list[str]:
        return [AS_ABOVE] if self._has_above else _names(self._holds.ways(kind))

    def _choices(self) -> list[tuple[str, str]]:
        above = [(AS_ABOVE, str(_("As the organization says")))] if self._has_above else []
        return [*above, *((way.value, str(WAY_LABELS[way])) for way in Way)]

    def _in_words(self, kind: Kind) -> str:
        ways = self._holds.ways(kind)
        return ", ".join(str(WAY_LABELS[way]) for way in Way if way in ways) or str(_("Not told"))


def _names(ways: Collection[str]) -> list[str]:
    return [way.value for way in Way if way.value in ways]
