"""The beat: django-celery-beat's scheduler, with a heartbeat."""

from __future__ import annotations

import faulthandler
import logging
import time
from typing import Any

from django.db import Error
from django_celery_beat.schedulers import DatabaseScheduler

from activity.doctor import processes
from activity.models import Heartbeat
from core import wakeups
from core.jobs import CONTEXT_HEADER
from crm_project.doctor.running import Substitute
from crm_project.watch import show_life

logger = logging.getLogger(__name__)

REPORT_EVERY_SECONDS = 15.0
# A beat that hangs for so long says where, and ends; whatever supervises it starts another.
HANGS_AFTER_SECONDS = 120.0


class Scheduler(DatabaseScheduler):
    """Rings what the schedule says. Two of them do no harm: a ring too many finds nothing due."""

    _beat_at = float("-inf")
    _substitute = Substitute()

    def apply_async(self, entry: Any, producer: object = None, advance: bool = True, **kwargs: object) -> object:
        """Ring, unless a ring of the kind waits already: without a worker they do not pile up."""
        key = wakeups.key_of(entry.task, entry.kwargs)
        try:
            is_due = wakeups.may_publish(key)
        except Exception:  # noqa: BLE001 - whatever the broker's client raises; the publishing says it better
            is_due = True
        if not is_due:
            if advance:
                self.reserve(entry)
            return None
        entry.options["headers"] = {**(entry.options.get("headers") or {}), CONTEXT_HEADER: {wakeups.WAKE: key}}
        return super().apply_async(entry, producer=producer, advance=advance, **kwargs)

    def tick(self, *args: object, **kwargs: object) -> object:
        faulthandler.dump_traceback_later(HANGS_AFTER_SECONDS, exit=True)
        show_life("beat")
        if time.monotonic() - self._beat_at > REPORT_EVERY_SECONDS:
            self._beat_at = time.monotonic()
            try:
                Heartbeat.objects.beat(Heartbeat.Name.BEAT)
                self._substitute.look()
                processes.write("beat")
            except Error:
                logger.warning("beat_without_database", exc_info=True)
        return super().tick(*args, **kwargs)
