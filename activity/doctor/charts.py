"""A series as a drawing: the numbers that an SVG of `templates/components/chart.html` is made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from activity.doctor.samples import Point, Series, TimeRange

# The drawing's own units; the style sheet says how large it is shown.
WIDTH: Final = 480
HEIGHT: Final = 120
TOP: Final = 10


@dataclass(frozen=True)
class Bar:
    """`gap`: nobody looked, so there is no value."""

    x: float
    y: float
    width: float
    height: float
    gap: bool


@dataclass(frozen=True)
class Row:
    """A row of the table beside it: some steps taken together."""

    begin: datetime
    end: datetime
    value: str


@dataclass(frozen=True)
class Chart:
    name: str
    label: str | Promise
    headline: str
    description: str
    bars: tuple[Bar, ...]
    top: str
    rows: tuple[Row, ...]
    has_values: bool
    has_gaps: bool
    width: int = WIDTH
    height: int = HEIGHT


def chart(series: Series, span: TimeRange) -> Chart:
    """A bar for each step; the highest is as high as the drawing."""
    values = [point.value for point in series.points if point.value is not None]
    top = _round_up(max(values, default=0.0))
    unit = series.metric.unit
    whole = in_words(series.total, unit)
    label, time = str(series.metric.label), str(span.label)
    description = (
        _("%(label)s over %(time)s: %(total)s in all.") if series.metric.is_count
        else _("%(label)s over %(time)s: at most %(total)s.")
    ) % {"label": label, "time": time, "total": whole}  # fmt: skip
    return Chart(
        name=series.metric.name,
        label=series.metric.label,
        headline=whole if series.metric.is_count else _("at most %(value)s") % {"value": whole},
        description=description,
        bars=tuple(_bars(series.points, top)),
        top=in_words(top, unit),
        rows=tuple(_rows(series, span)),
        has_values=bool(values),
        has_gaps=len(values) < len(series.points),
    )


def in_words(value: float, unit: str) -> str:
    """A value with its unit, as a person reads it."""
    if unit != "seconds":
        return f"{round(value):,}"
    seconds = round(value)
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _bars(points: Sequence[Point], top: float) -> list[Bar]:
    step = WIDTH / max(len(points), 1)
    bars = []
    for number, point in enumerate(points):
        if point.value == 0:
            continue
        share = 1.0 if point.value is None else point.value / top
        height = max(round(share * (HEIGHT - TOP), 1), 1.0)
        bars.append(
            Bar(
                x=round(number * step, 2),
                y=round(HEIGHT - height, 1),
                width=round(max(step - (0 if point.value is None else 0.8), 0.5), 2),
                height=height,
                gap=point.value is None,
            )
        )
    return bars


def _rows(series: Series, span: TimeRange) -> list[Row]:
    """Two hours or a day a row: what a person can take in."""
    length = timedelta(hours=2) if span.length <= timedelta(days=1) else timedelta(days=1)
    many = length // span.step
    rows = []
    for start in range(0, len(series.points), many):
        part = series.points[start : start + many]
        values = [point.value for point in part if point.value is not None]
        value = sum(values) if series.metric.is_count else max(values, default=0.0)
        rows.append(Row(part[0].at, part[-1].at + span.step, in_words(value, series.metric.unit) if values else "–"))
    return rows


def _round_up(value: float) -> float:
    """A round number that is not below the value: 1, 2 or 5 with zeros."""
    if value <= 1:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value)
