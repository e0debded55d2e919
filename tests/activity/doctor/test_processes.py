"""Figures of ended processes are added up, so that no counter goes back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from activity.doctor import processes
from activity.models import ProcessFigures
from core import metrics

pytestmark = pytest.mark.django_db


def written(pk: str, part: str, value: float, ago: timedelta) -> None:
    figures = {"parley_claims_total": [[["events"], [value]]]}
    ProcessFigures.objects.create(pk=pk, part=part, figures=figures, updated_at=timezone.now() - ago)


def total(part: str) -> float:
    return processes.totals()["parley_claims_total"][part, ("events",)][0]


def test_the_sum_stays_when_processes_end():
    day = timedelta(days=2)
    written("a", "worker", 3, day)
    written("b", "worker", 4, day)
    written("c", "web", 5, day)
    written("d", "worker", 6, timedelta(minutes=1))
    assert processes.fold_ended() == 3
    assert set(ProcessFigures.objects.values_list("pk", flat=True)) == {"d", "ended-worker", "ended-web"}
    assert (total("worker"), total("web")) == (13, 5)
    written("e", "worker", 10, day)
    ProcessFigures.objects.filter(pk="ended-worker").update(updated_at=timezone.now() - day)
    assert processes.fold_ended() == 1
    assert processes.fold_ended() == 0
    assert total("worker") == 23


def test_a_process_writes_what_it_has_counted(settings: Any):
    settings.METRICS_TOKEN = "token"
    before = metrics.CLAIMS.series.get(("a test",), [0.0])[0]
    metrics.CLAIMS.add("a test", amount=2)
    processes.write("worker")
    processes.write("worker")
    row = ProcessFigures.objects.get()
    assert [["a test"], [before + 2]] in row.figures["parley_claims_total"]
    assert row.part == "worker"
