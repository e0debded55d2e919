"""Form fields that the forms about customers, sales and work share."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone

from core.moments import is_showable
from customers import days

MAX_SEARCH_LENGTH = 100


class MomentField(forms.DateTimeField):
    """A day and time as the clocks there show it. One that a change of clocks skips or has twice is none of the
    person's business: it is read as customers/days.py does."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")

    def to_python(self, value: Any) -> datetime | None:
        if value in self.empty_values or isinstance(value, datetime):
            return value or None
        try:
            naive = datetime.fromisoformat(str(value).strip())
            if not is_showable(naive):
                raise ValueError("nobody’s plan")
            if naive.tzinfo is not None:
                return naive.astimezone(timezone.get_current_timezone())
            return days.at(naive.date(), naive.time(), timezone.get_current_timezone())
        except (ValueError, OverflowError) as error:
            raise forms.ValidationError("Enter a day and a time.", code="invalid") from error
