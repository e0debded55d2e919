"""Forms of tasks and follow-ups. Days and times are those of the place that is activated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from accounts.models import User
from core.edits import EditMixin
from customers import days
from customers.models import Task
from customers.people.form_fields import MAX_SEARCH_LENGTH, MomentField

MINUTES_OF_A_DAY = 24 * 60
# So long before it is due; a day before is the same time of day.
REMINDERS = (
    ("", "No reminder"),
    ("0", "When it is due"),
    ("10", "10 minutes before"),
    ("30", "30 minutes before"),
    ("60", "An hour before"),
    (str(MINUTES_OF_A_DAY), "A day before"),
)
UNCHANGED = "kept"


class TaskForm(EditMixin):
    """All of a task."""

    title = forms.CharField(max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    description = forms.CharField(
        label="Notes", max_length=10_000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    customer = forms.CharField(
        max_length=MAX_SEARCH_LENGTH,
        required=False,
        help_text="Part of a name, a phone number or the code.",
        widget=forms.TextInput(attrs={"list": "task-customers", "autocomplete": "off"}),
    )
    due_at = MomentField(label="Due", required=False)
    reminder = forms.ChoiceField(required=False, choices=REMINDERS)
    priority = forms.ChoiceField(choices=Task.Priority.choices, initial=Task.Priority.NORMAL)
    assigned_to = forms.ChoiceField(label="Assignee", required=False)
    status = forms.ChoiceField(choices=Task.Status.choices, initial=Task.Status.OPEN)
    repeat_unit = forms.ChoiceField(
        label="Repeats",
        required=False,
        choices=[("", "Never"), *((unit.value, f"{unit.label}s") for unit in Task.Repeat)],
    )
    repeat_every = forms.IntegerField(label="Every", min_value=1, max_value=365, required=False, initial=1)
    repeat_until = forms.DateField(
        label="Until", required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def __init__(self, *args: object, owners: Sequence[User], task: Task | None = None, **kwargs: object) -> None:
        super().__init__(*args, record=task, **kwargs)
        self.task = task
        self.owners = {str(user.pk): user for user in owners}
        people = [(key, user.get_full_name()) for key, user in self.owners.items()]
        left = task.assigned_to if task is not None else None
        if left is not None and str(left.pk) not in self.owners:
            # Who is no member any more stays on what they were to do, until somebody else is chosen.
            people.append((str(left.pk), left.get_full_name()))
        self.fields["assigned_to"].choices = [("", "Nobody yet"), *people]  # type: ignore[attr-defined]
        if task is None:
            del self.fields["status"]
        reminder = reminder_of(task) if task is not None else ""
        if reminder == UNCHANGED and task is not None and task.remind_at is not None:
            at = timezone.localtime(task.remind_at)
            self.fields["reminder"].choices = [*REMINDERS, (UNCHANGED, f"{at:%-d %b %Y, %H:%M}")]  # type: ignore[attr-defined]

    @staticmethod
    def initial_of(task: Task) -> dict[str, object]:
        names = ("title", "description", "due_at", "priority", "status", "repeat_unit", "repeat_every", "repeat_until")
        return {
            **{name: getattr(task, name) for name in names},
            "assigned_to": str(task.assigned_to_id or ""),
            "reminder": reminder_of(task),
        }

    def clean(self) -> dict[str, object]:
        data = super().clean() or {}
        due = data.get("due_at")
        if due is None and "due_at" not in self.errors:
            for name, what in (("reminder", "A reminder"), ("repeat_unit", "What repeats")):
                if data.get(name) and data.get(name) != UNCHANGED:
                    self.add_error("due_at", f"{what} needs a due time.")
                    break
        until = data.get("repeat_until")
        if until and due and data.get("repeat_unit") and until < timezone.localtime(due).date():
            self.add_error("repeat_until", "This is before it is due the first time.")
        at = self._remind_at(data)
        if at is not None and at <= timezone.now() and data.get("reminder") != UNCHANGED and self._is_open(data):
            is_new = self.task is None or self.task.remind_at != at
            if is_new:
                self.add_error("reminder", "That moment has passed already.")
        return data

    def changes(self) -> dict[str, object]:
        """What the service takes; the customer is looked up by the view."""
        changed = self.changed
        data = {name: value for name, value in changed.items() if name not in ("customer", "reminder")}
        if {"reminder", "due_at"} & set(changed):
            data["remind_at"] = self._remind_at(self.cleaned_data)
        if "repeat_every" in data:
            data["repeat_every"] = data["repeat_every"] or 1
        if "assigned_to" in data:
            data["assigned_to"] = self.owners.get(data["assigned_to"])
        if self.task is not None and "due_at" in data and not _is_moved(self.task.due_at, data["due_at"]):
            # The field shows minutes: what stands there is no change of the seconds.
            data["due_at"] = self.task.due_at
        return data

    def _is_open(self, data: Mapping[str, object]) -> bool:
        return data.get("status", Task.Status.OPEN) in (Task.Status.OPEN, Task.Status.IN_PROGRESS)

    def _remind_at(self, data: Mapping[str, Any]) -> datetime | None:
        chosen, due = data.get("reminder") or "", data.get("due_at")
        if chosen == UNCHANGED and self.task is not None:
            return self.task.remind_at
        return remind_at(due, chosen) if chosen and due is not None else None


class QuickTaskForm(forms.Form):
    """A line that adds a task: what, when, how urgent, whose, with whom."""

    title = forms.CharField(max_length=200)
    day = forms.DateField(required=False)
    time = forms.TimeField(required=False)
    priority = forms.ChoiceField(choices=Task.Priority.choices, required=False)
    assigned_to = forms.ChoiceField(required=False)
    customer = forms.CharField(max_length=MAX_SEARCH_LENGTH, required=False)

    def __init__(self, *args: Any, owners: Sequence[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.owners = {str(user.pk): user for user in owners}
        people = [(key, user.get_full_name()) for key, user in self.owners.items()]
        self.fields["assigned_to"].choices = [("", "Nobody yet"), *people]  # type: ignore[attr-defined]

    def clean_day(self) -> date | None:
        day: date | None = self.cleaned_data["day"]
        if day is not None and not 2000 <= day.year <= 9990:
            raise forms.ValidationError("Choose a day.")
        return day

    def changes(self) -> dict[str, object]:
        """What the service takes beside the customer."""
        data = self.cleaned_data
        return {
            "title": data["title"],
            "due_at": due_at(data.get("day"), data.get("time")),
            "priority": data["priority"] or Task.Priority.NORMAL,
            "assigned_to": self.owners.get(data["assigned_to"]),
        }


def due_at(day: date | None, clock: time | None) -> datetime | None:
    """The moment that a day and a time mean; one without the other: today, or nine in the morning, and where that has
    passed the next full hour."""
    if day is None and clock is None:
        return None
    zone = timezone.get_current_timezone()
    today = days.today(zone)
    if clock is not None:
        return days.at(day or today, clock, zone)
    moment = days.at(day or today, days.MORNING, zone)
    now = timezone.localtime()
    if day == today and moment <= now:
        return days.at(today, time(now.hour + 1) if now.hour < 23 else time(23, 59), zone)
    return moment


def remind_at(due: datetime, minutes: str) -> datetime:
    """When a choice of REMINDERS reminds of what is due then."""
    if int(minutes) == MINUTES_OF_A_DAY:
        local = timezone.localtime(due)
        return days.at(local.date() - timedelta(days=1), local.time(), timezone.get_current_timezone())
    return due - timedelta(minutes=int(minutes))


def reminder_of(task: Task) -> str:
    """The choice that a task's reminder is; UNCHANGED for a time of its own."""
    if task.remind_at is None:
        return ""
    if task.due_at is not None:
        for minutes, _ in REMINDERS[1:]:
            if remind_at(task.due_at, minutes) == task.remind_at:
                return minutes
    return UNCHANGED


def _is_moved(before: datetime | None, after: datetime | None) -> bool:
    if before is None or after is None:
        return before is not after
    return before.replace(second=0, microsecond=0) != after.astimezone(before.tzinfo).replace(second=0, microsecond=0)
