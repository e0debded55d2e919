"""Prometheus's text format, version 0.0.4."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from activity.doctor.processes import Totals
from core.metrics import BUCKETS, FIGURES

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


def gauge(name: str, description: str, values: Iterable[tuple[Mapping[str, str], float]]) -> list[str]:
    """The lines of a gauge."""
    rows = [f"{name}{_labels(labels)} {_number(value)}" for labels, value in values]
    return [f"# HELP {name} {_help(description)}", f"# TYPE {name} gauge", *rows]


def figures(totals: Totals) -> list[str]:
    """The lines of what the processes counted and measured."""
    lines = []
    for figure in FIGURES:
        lines += [f"# HELP {figure.name} {_help(figure.description)}", f"# TYPE {figure.name} {figure.kind}"]
        for (part, values), row in sorted(totals.get(figure.name, {}).items()):
            labels = {"part": part, **dict(zip(figure.labels, values, strict=True))}
            if figure.kind == "counter":
                lines.append(f"{figure.name}{_labels(labels)} {_number(row[0])}")
            else:
                lines += _histogram(figure.name, labels, row)
    return lines


def _histogram(name: str, labels: Mapping[str, str], row: list[float]) -> list[str]:
    lines, count = [], 0.0
    for bound, number in zip((*map(str, BUCKETS), "+Inf"), row, strict=False):
        count += number
        lines.append(f"{name}_bucket{_labels({**labels, 'le': bound})} {_number(count)}")
    return [
        *lines,
        f"{name}_count{_labels(labels)} {_number(row[-2])}",
        f"{name}_sum{_labels(labels)} {_number(row[-1])}",
    ]


def _labels(labels: Mapping[str, str]) -> str:
    inside = ",".join(f'{name}="{_value(value)}"' for name, value in labels.items())
    return f"{{{inside}}}" if inside else ""


def _value(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _help(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
