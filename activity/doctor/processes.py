"""Each process writes its figures (`core.metrics`) down, so that one address answers for web, worker and beat alike."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import Error, transaction

from activity.models import ProcessFigures
from core import clock, metrics
from core.jobs import close_connections

logger = logging.getLogger(__name__)

WRITE_EVERY_SECONDS: Final = 15.0
# A process that has not written for so long has ended. Its figures are added to those of the ended ones before it, so
# that no counter goes back.
ENDED_AFTER: Final = timedelta(days=1)
ENDED: Final = "ended"

Totals = dict[str, dict[tuple[str, tuple[str, ...]], list[float]]]

_process = uuid.uuid4().hex


def write(part: str) -> None:
    """Write this process's figures down; nothing where nobody can read them."""
    if not settings.METRICS_TOKEN:
        return
    values = {"part": part, "figures": metrics.snapshot(), "updated_at": clock.now()}
    ProcessFigures.objects.update_or_create(pk=_process, defaults=values)


def start_writing(part: str) -> None:
    """Have a thread write them down for as long as the process lives."""
    if settings.METRICS_TOKEN:
        threading.Thread(target=_keep_writing, args=(part,), name="figures", daemon=True).start()


def _keep_writing(part: str) -> None:
    over = threading.Event()
    while not over.wait(WRITE_EVERY_SECONDS):
        try:
            write(part)
        except Error:
            logger.debug("figures_not_written", exc_info=True)
        finally:
            close_connections()


def totals(own_part: str = "") -> Totals:
    """All processes' figures: by name, then by part and labels. This process's own are as they are now."""
    added: Totals = {}
    rows = ProcessFigures.objects.all()
    for row in rows.exclude(pk=_process) if own_part else rows:
        _add(added, row.part, row.figures)
    if own_part:
        _add(added, own_part, metrics.snapshot())
    return added


def fold_ended() -> int:
    """Add the figures of ended processes up in one row for each part; how many rows went."""
    with transaction.atomic():
        ended = list(
            ProcessFigures.objects.select_for_update()
            .filter(updated_at__lt=clock.now() - ENDED_AFTER)
            .exclude(pk__startswith=ENDED)
        )
        for part in {row.part for row in ended}:
            pk = f"{ENDED}-{part}"
            before = ProcessFigures.objects.select_for_update().filter(pk=pk)
            added: Totals = {}
            for row in [*before, *(row for row in ended if row.part == part)]:
                _add(added, part, row.figures)
            figures = {
                name: [(list(values), row) for (_part, values), row in series.items()] for name, series in added.items()
            }
            ProcessFigures.objects.update_or_create(
                pk=pk, defaults={"part": part, "figures": figures, "updated_at": clock.now()}
            )
        ProcessFigures.objects.filter(pk__in=[row.pk for row in ended]).delete()
    return len(ended)


def _add(added: Totals, part: str, figures: metrics.Snapshot) -> None:
    for name, series in figures.items():
        for values, row in series:
            known = added.setdefault(name, {}).setdefault((part, tuple(values)), [0.0] * len(row))
            _add_row(known, row)


def _add_row(known: list[float], row: Iterable[float]) -> None:
    for place, number in enumerate(row):
        if place < len(known):
            known[place] += number
