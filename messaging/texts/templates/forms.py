from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final
from uuid import UUID

from django import forms
from django.core.files.uploadedfile import UploadedFile

from accounts.models import Team
from core.edits import EditMixin
from messaging.channels.base import Kind
from messaging.models import Template
from messaging.texts import placeholders, rendering

LABELS = {Kind.WHATSAPP: "WhatsApp", Kind.SMS: "SMS", Kind.EMAIL: "E-mail", Kind.WEB: "Web"}
VARIABLE: Final = "variable_"
MAX_FILLER_LENGTH: Final = 1_000
CATEGORIES: Final = "template-categories"
# What a template that was read from the provider says for itself.
_HELD: Final = ("channel", "language", "subject", "body")
_TEXT: Final = {"dir": "auto", "spellcheck": "true", "data-takes-placeholders": ""}


class FilesInput(forms.FileInput):
    """A choice of several files."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """The files that were chosen, none or several."""

    widget = FilesInput

    def clean(self, data: Any, initial: object = None) -> list[UploadedFile]:
        items = data if isinstance(data, list | tuple) else [data] if data else []
        return [super(FilesField, self).clean(one, initial) for one in items]


class TemplateForm(EditMixin):
    """A template's text, or how the provider's own one fills itself in; the service checks the rest.

    `known` are the keys of the customers' own fields, `teams` those that it may be shared with.
    """

    refused_fields = {"attachments": "uploads", "files": "uploads"}
    name = forms.CharField(max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    channel = forms.ChoiceField(choices=[(kind.value, label) for kind, label in LABELS.items()])
    language = forms.CharField(
        max_length=16,
        initial="und",
        help_text="Such as en or pt-BR; “und” is for everybody whose language has no text of its own.",
    )
    category = forms.CharField(
        max_length=60,
        required=False,
        widget=forms.TextInput(attrs={"list": CATEGORIES, "autocomplete": "off"}),
        help_text="What it is filed under, such as Reminders.",
    )
    subject = forms.CharField(
        max_length=200, required=False, help_text="Of an e-mail.", widget=forms.TextInput(attrs=_TEXT)
    )
    body = forms.CharField(label="Text", max_length=20_000, widget=forms.Textarea(attrs={"rows": 8, **_TEXT}))
    uploads = FilesField(required=False, label="Add files", help_text="For e-mails, and for free WhatsApp texts one.")
    sharing = forms.ChoiceField(label="Who may use it", initial=Template.Sharing.EVERYBODY)
    team = forms.ChoiceField(required=False, help_text="Only where one team shares it.")

    def __init__(
        self,
        *args: Any,
        template: Template | None = None,
        teams: Sequence[Team] = (),
        known: Collection[str] = (),
        user_id: UUID | None = None,
        **more: Any,
    ) -> None:
        initial = _initial_of(template) if template is not None else {}
        super().__init__(*args, record=template, **{**more, "initial": {**initial, **more.get("initial", {})}})
        self.template = template
        self.teams = {str(team.pk): team for team in teams}
        self.known = known
        self.variables: list[str] = []
        # Nobody's own can't become somebody's: who wrote it would lose sight of it.
        is_own = template is None or template.created_by_id == user_id or template.sharing == Template.Sharing.AUTHOR
        sharing = [choice for choice in Template.Sharing.choices if is_own or choice[0] != Template.Sharing.AUTHOR]
        if not self.teams:
            sharing = [choice for choice in sharing if choice[0] != Template.Sharing.TEAM]
            del self.fields["team"]
        else:
            self.fields["team"].choices = [("", "–"), *((key, team.name) for key, team in self.teams.items())]  # type: ignore[attr-defined]
        self.fields["sharing"].choices = sharing  # type: ignore[attr-defined]
        if template is not None and template.is_content:
            self._fill_in(template)

    @property
    def fields_of_text(self) -> list[forms.BoundField]:
        return [self[name] for name in ("name", *_HELD[:2], "category", *_HELD[2:]) if name in self.fields]

    @property
    def fields_of_variables(self) -> list[forms.BoundField]:
        return [self[f"{VARIABLE}{name}"] for name in self.variables]

    @property
    def fields_of_sharing(self) -> list[forms.BoundField]:
        return [self[name] for name in ("sharing", "team") if name in self.fields]

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or self.cleaned_data
        for name in self.variables:
            try:
                placeholders.check(cleaned.get(f"{VARIABLE}{name}") or "", fields=self.known)
            except placeholders.InvalidPlaceholder as error:
                self.add_error(f"{VARIABLE}{name}", str(error))
        if cleaned.get("sharing") != Template.Sharing.TEAM:
            cleaned["team"] = ""
        elif not cleaned.get("team") and "team" in self.fields and "team" not in self.errors:
            self.add_error("team", "Choose the team that shares it.")
        return cleaned

    def values(self) -> dict[str, Any]:
        """What the service takes, without the files."""
        changed = self.changed
        values: dict[str, object] = {
            name: changed[name] for name in ("name", *_HELD, "category", "sharing") if name in changed
        }
        if {"team", "sharing"} & set(changed):
            values["team"] = self.teams.get(self.cleaned_data.get("team") or "")
        if any(f"{VARIABLE}{name}" in changed for name in self.variables):
            filled = {name: self.cleaned_data[f"{VARIABLE}{name}"].strip() for name in self.variables}
            values["content_variables"] = {name: text for name, text in filled.items() if text}
        return values

    def _fill_in(self, template: Template) -> None:
        """The provider's text is read only; what can be said here is what stands for its variables."""
        if template.content:
            for name in _HELD:
                del self.fields[name]
        else:
            del self.fields["subject"]
        del self.fields["uploads"]
        self.variables = rendering.variable_names(template)
        samples = (template.content or {}).get("variables") or {}
        for name in self.variables:
            sample = samples.get(name)
            self.fields[f"{VARIABLE}{name}"] = forms.CharField(
                label=f"{{{{{name}}}}}",
                required=False,
                max_length=MAX_FILLER_LENGTH,
                initial=template.content_variables.get(name, ""),
                widget=forms.TextInput(attrs={**_TEXT, "autocomplete": "off"}),
                help_text="" if not sample else f"Such as “{_escaped(str(sample)[:80])}”.",
            )


def _escaped(text: str) -> str:
    """A help text is shown as it is; a sample is the provider's."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _initial_of(template: Template) -> dict[str, object]:
    names = ("name", *_HELD, "category", "sharing")
    return {name: getattr(template, name) for name in names} | {"team": str(template.team_id or "")}
