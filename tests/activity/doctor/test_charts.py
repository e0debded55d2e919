from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from activity.doctor import charts, samples
from activity.doctor.samples import Point, Series

SPAN = samples.RANGES["24h"]
BEGIN = datetime(2026, 11, 30, tzinfo=UTC)


def drawn(values: list[float | None], metric: str = "messages_in") -> charts.Chart:
    padded = [*values, *[0.0] * (96 - len(values))]
    points = tuple(Point(BEGIN + SPAN.step * number, value) for number, value in enumerate(padded))
    return charts.chart(Series(samples.METRICS[metric], points), SPAN)


def test_the_highest_bar_fits_and_a_gap_is_seen():
    chart = drawn([30, 0, None, 15])
    assert chart.top == "50"
    high, gap, half = chart.bars
    assert (high.x, high.y + high.height) == (0, charts.HEIGHT)
    assert high.height == pytest.approx(2 * half.height)
    assert (gap.gap, half.gap) == (True, False)
    assert gap.height == charts.HEIGHT - charts.TOP
    assert max(bar.x + bar.width for bar in chart.bars) <= charts.WIDTH


def test_the_table_has_the_same_numbers():
    chart = drawn([1, 2, None, 0, 0, 0, 0, 5])
    assert [row.value for row in chart.rows] == ["8", *["0"] * 11]
    assert (chart.rows[0].begin, chart.rows[-1].end) == (BEGIN, BEGIN + SPAN.length)
    assert chart.headline == "8"
    assert chart.description == "Messages in over 24 hours: 8 in all."


def test_what_stands_is_its_largest():
    chart = drawn([60, 300, 20], "oldest_due")
    assert (chart.headline, chart.rows[0].value) == ("at most 5 min", "5 min")


def test_nothing_is_no_drawing():
    chart = drawn([None] * 96)
    assert not chart.has_values
    assert chart.rows[0].value == "–"


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [(1234.4, "messages", "1,234"), (119, "seconds", "119 s"), (120, "seconds", "2 min"), (9000, "seconds", "2.5 h")],
)
def test_values_in_words(value: Any, unit: str, words: str):
    assert charts.in_words(value, unit) == words
