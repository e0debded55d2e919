from __future__ import annotations

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.audit import queries
from accounts.audit.queries import Criteria
from accounts.models import Organization
from activity.audit.mailing import MAX_ADDRESSES
from activity.models import AuditChain
from core.edits import EditMixin
from core.refused import Invalid

FILTERS = ("search", "user_id", "resource", "action", "date_from", "date_to")


class FilterForm(forms.Form):
    """The log's filters, as its address has them."""

    search = forms.CharField(
        label=_("Search"), required=False, max_length=200, widget=forms.TextInput({"type": "search"})
    )
    user_id = forms.ChoiceField(label=_("Who"), required=False)
    resource = forms.ChoiceField(label=_("About"), required=False)
    action = forms.ChoiceField(label=_("What"), required=False)
    date_from = forms.DateField(label=_("From"), required=False, widget=forms.DateInput({"type": "date"}))
    date_to = forms.DateField(label=_("To"), required=False, widget=forms.DateInput({"type": "date"}))

    def __init__(self, data: QueryDict, *, organization: Organization) -> None:
        super().__init__(data)
        for field in self.fields.values():
            is_choice = isinstance(field, forms.ChoiceField)
            field.widget.attrs["class"] = "input input--select" if is_choice else "input"
        self._choose("user_id", queries.people(organization))
        self._choose("resource", [(name, name.replace("_", " ")) for name in queries.resources()])
        self._choose("action", queries.actions())

    def clean(self) -> dict[str, object]:
        for name in ("date_from", "date_to"):
            if day := self.cleaned_data.get(name):
                try:
                    queries.require_showable(name, day)
                except Invalid as error:
                    self.add_error(name, str(error))
        return self.cleaned_data

    @property
    def criteria(self) -> Criteria:
        """The filters of a valid form."""
        data = self.cleaned_data
        texts = {name: data[name] for name in ("search", "user_id", "resource", "action")}
        return Criteria(date_from=data["date_from"], date_to=data["date_to"], **texts)

    def _choose(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        if isinstance(field, forms.ChoiceField):
            field.choices = [("", _("Any")), *choices]


class MailingForm(EditMixin, forms.Form):
    """Who is mailed the signed head of each day."""

    mail_to = forms.CharField(
        label=_("Mail the signed head to"),
        required=False,
        max_length=MAX_ADDRESSES * 256,
        widget=forms.Textarea({"rows": 3}),
        help_text=_("One e-mail address a line. Keep these mails outside of this installation."),
    )

    def __init__(self, data: QueryDict | None, *, record: AuditChain) -> None:
        super().__init__(data, initial={"mail_to": "\n".join(record.mail_to)}, record=record)
