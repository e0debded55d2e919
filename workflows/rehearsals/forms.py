"""The days over which a rule is rehearsed."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from workflows.rules.dry_run import DEFAULT_SPAN


def _day() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class SpanForm(forms.Form):
    """From a day to a day, both of them whole; days of the organization's time zone."""

    since = forms.DateField(label=_("From"), widget=_day())
    until = forms.DateField(label=_("Until"), widget=_day())

    def __init__(self, *args: object, **kwargs: object) -> None:
        today = timezone.localdate()
        initial = {"since": today - DEFAULT_SPAN, "until": today}
        super().__init__(*args, initial=initial, **kwargs)  # type: ignore[arg-type,misc]

    @property
    def span(self) -> tuple[datetime, datetime]:
        """Of a valid form: from the first midnight to the last, or to now."""
        last = _midnight(self.cleaned_data["until"] + timedelta(days=1))
        return _midnight(self.cleaned_data["since"]), min(last, timezone.now())

    def clean(self) -> None:
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since is None or until is None:
            return
        if since > timezone.localdate():
            self.add_error("since", _("This day has not come yet."))
        elif since > until:
            self.add_error("since", _("This has to be before the end."))
        elif (until - since).days > 365:
            self.add_error("since", _("At most a year before the end."))
        elif since.year < 2000:
            self.add_error("since", _("This is too long ago."))


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))
