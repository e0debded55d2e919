"""Figures of this process for Prometheus: counters and durations, kept in memory and read as one snapshot.

A process adds to its own figures without asking anybody; `activity.doctor.processes` writes them down, so that
whichever web process is asked answers for all of them.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Final

from core.registry import Registry

# Upper bounds of a duration's buckets, in seconds.
BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
# Beyond so many different labels of a figure the rest is counted together: memory does not grow with what is asked.
MAX_SERIES: Final = 1000
OTHER: Final = "other"
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

# By the values of its labels: a counter's one number, or a duration's buckets, then its count and its sum in seconds.
Series = dict[tuple[str, ...], list[float]]
Snapshot = dict[str, list[tuple[list[str], list[float]]]]

_lock = threading.Lock()


@dataclass(frozen=True)
class Figure:
    """A figure by name; `labels` are the names of what it is told apart by."""

    name: str
    description: str
    labels: tuple[str, ...]
    kind: str
    series: Series = field(default_factory=dict, repr=False, compare=False)

    def _row(self, values: tuple[str, ...], length: int) -> list[float]:
        if values not in self.series and len(self.series) >= MAX_SERIES:
            values = (OTHER,) * len(self.labels)
        return self.series.setdefault(values, [0.0] * length)


class Counter(Figure):
    def add(self, *values: str, amount: float = 1.0) -> None:
        """Count one, or `amount`, for these values of the labels."""
        with _lock:
            self._row(values, 1)[0] += amount


class Duration(Figure):
    def add(self, *values: str, seconds: float) -> None:
        """Note something that took so long."""
        with _lock:
            row = self._row(values, len(BUCKETS) + 3)
            # The last bucket takes whatever is longer.
            row[bisect_left(BUCKETS, seconds)] += 1
            row[-2] += 1
            row[-1] += seconds


FIGURES: Registry[Figure] = Registry("Figures for Prometheus", name=lambda figure: figure.name)


def counter(name: str, description: str, *labels: str) -> Counter:
    """Declare a counter. Raises RegisteredTwice."""
    figure = Counter(name, description, labels, "counter")
    FIGURES.register(figure)
    return figure


def duration(name: str, description: str, *labels: str) -> Duration:
    """Declare a duration in seconds. Raises RegisteredTwice."""
    figure = Duration(name, description, labels, "histogram")
    FIGURES.register(figure)
    return figure


def snapshot() -> Snapshot:
    """All figures of this process since it began."""
    with _lock:
        return {
            figure.name: [(list(values), list(row)) for values, row in figure.series.items()]
            for figure in FIGURES
            if figure.series
        }


REQUESTS = duration("parley_request_seconds", "Requests by route and status.", "method", "route", "status")
CLAIMS = counter("parley_claims_total", "Rows of queues that were worked on.", "queue")
