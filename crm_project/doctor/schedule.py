"""A check of the beat's schedule: what somebody has switched off in the admin, and what is not there."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from django_celery_beat.models import PeriodicTask

from activity.doctor.checks import Check, Line, about, good, register, unknown, warning

_OFF: Final = gettext_noop("Switched off in the admin: the beat does not ring it.")
_SWITCH_ON: Final = gettext_noop("Enable it again under Periodic tasks, unless you know why it is off.")
_MISSING: Final = gettext_noop("It is not in the beat’s schedule.")
_RESTART: Final = gettext_noop("Restart the beat, which writes its schedule when it starts.")
_NONE: Final = gettext_noop("The beat has not started here yet.")
_ALL: Final = gettext_noop("All %(count)s are enabled.")


def schedule() -> list[Line]:
    """A line for each entry of ours that is switched off or missing. One query."""
    rows = dict(PeriodicTask.objects.values_list("name", "enabled"))
    ours = settings.CELERY_BEAT_SCHEDULE
    if not any(name in rows for name in ours):
        return [unknown(_NONE, _RESTART)]
    url, lines = reverse("admin:django_celery_beat_periodictask_changelist"), []
    for name in ours:
        if name not in rows:
            lines.append(about(warning(_MISSING, _RESTART), name, name, url=url))
        elif not rows[name]:
            lines.append(about(warning(_OFF, _SWITCH_ON), name, name, url=url))
    return lines or [good(_ALL, count=len(ours))]


def register_all() -> None:
    register(Check(name="schedule", label=_("Schedule"), group="machinery", run=schedule))
