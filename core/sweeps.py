"""Working through what is due: claimed in batches, given back when the process has to stop."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import timedelta

from django.db import models

from core.claims import Row, claim, give_back
from core.jobs import stopping
from core.tenancy import every_organization

logger = logging.getLogger(__name__)


def sweep(
    rows: Callable[[], models.QuerySet[Row]],
    work: Callable[[Row], None],
    *,
    why: str,
    batch: int,
    lease: timedelta,
    seconds: float = 60.0,
) -> int:
    """Claim due rows of all organizations and work on each; how many were. `rows` is asked outside every organization.

    It ends by itself after `seconds`, so that no worker belongs to one backlog for good. What was not begun is given
    back; a row whose work raises stays claimed until its lease ends, and the others go on.
    """
    done = 0
    until = time.monotonic() + seconds
    while not stopping() and time.monotonic() < until:
        with every_organization(why):
            claimed = claim(rows(), limit=batch, lease=lease)
        for position, row in enumerate(claimed):
            if stopping() or time.monotonic() > until:
                give_back(claimed[position:])
                return done
            try:
                work(row)
            except Exception:  # the others must not wait for the end of the lease
                logger.exception("sweep_failed", extra={"row": f"{type(row).__name__} {row.pk}"})
            done += 1
        if len(claimed) < batch:
            break
    return done
