"""The beat: django-celery-beat's scheduler, which tells that it is alive."""

from __future__ import annotations

import faulthandler
import logging
import time
from typing import Any

from django.db import Error
from django_celery_beat.schedulers import DatabaseScheduler

from activity.models import Heartbeat
from crm_project.watch import show_life

logger = logging.getLogger(__name__)

TELL_EVERY_SECONDS = 15.0
# A beat that hangs for so long says where, and ends; whatever supervises it starts another.
HANGS_AFTER_SECONDS = 120.0


class Scheduler(DatabaseScheduler):
    """Rings what the schedule says. Two of them do no harm: a ring too many finds nothing due."""

    _beat_at = float("-inf")

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        faulthandler.dump_traceback_later(HANGS_AFTER_SECONDS, exit=True)
        show_life("beat")
        if time.monotonic() - self._beat_at > TELL_EVERY_SECONDS:
            self._beat_at = time.monotonic()
            try:
                Heartbeat.objects.beat(Heartbeat.Name.BEAT)
            except Error:
                logger.warning("beat_without_database", exc_info=True)
        return super().tick(*args, **kwargs)
