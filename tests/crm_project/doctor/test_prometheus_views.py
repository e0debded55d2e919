"""`/metrics`: closed without a token, and one figure a line as Prometheus reads it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from activity.doctor import processes, services
from activity.models import ProcessFigures
from core import metrics
from core.metrics import FIGURES

pytestmark = pytest.mark.django_db

TOKEN = "an-unguessable-token"
LINE = re.compile(
    r'(# (HELP|TYPE) [a-z_]+ .+)|([a-z_]+(\{[a-z_]+="([^"\\\n]|\\.)*"(,[a-z_]+="([^"\\\n]|\\.)*")*\})? [0-9.e+-]+)'
)


def test_without_a_token_there_is_no_such_page(client: Client, settings: Any):
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN} "])
def test_a_wrong_token_reads_nothing(client: Client, settings: Any, given: str):
    settings.METRICS_TOKEN = TOKEN
    answer = client.get("/metrics", headers={"Authorization": given})
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="metrics"')
    assert b"parley_" not in answer.content


@pytest.fixture
def read(client: Client, settings: Any) -> Any:
    settings.METRICS_TOKEN = TOKEN
    # What other tests of this process asked for would be counted too, up to the limit.
    for figure in FIGURES:
        figure.series.clear()

    def lines() -> list[str]:
        answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        return answer.content.decode().splitlines()

    return lines


def test_every_line_is_one_that_prometheus_reads(read: Any, heartbeats: Any, alice: Any, client: Client):
    client.get("/health")
    services.run_due()
    lines = read()
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    kinds = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(kinds) == len(set(kinds))
    for name in (
        'parley_request_seconds_bucket{part="web",method="GET",route="/health",status="200",le="+Inf"}',
        'parley_queue_due{queue="outbound"}', 'parley_queue_oldest_seconds{queue="events"}',
        'parley_heartbeat_age_seconds{name="canary"}', 'parley_check_status{check="worker",line="",status="good"}',
    ):  # fmt: skip
        assert any(line.startswith(f"{name} ") for line in lines), name


def test_a_bucket_holds_what_was_quicker(monkeypatch: Any, read: Any):
    registry = metrics.FIGURES.copy()
    monkeypatch.setattr(metrics, "FIGURES", registry)
    monkeypatch.setattr("activity.doctor.exposition.FIGURES", registry)
    taken = metrics.duration("parley_test_seconds", 'Odd "ones".', "what")
    for seconds in (0.01, 0.2, 99.0):
        taken.add('a"\\b', seconds=seconds)
    mine = [line for line in read() if line.startswith("parley_test_seconds")]
    counts = {re.search(r'le="([^"]+)"', line)[1]: line.split()[-1] for line in mine if "le=" in line}
    assert (counts["0.05"], counts["0.1"], counts["0.25"], counts["10.0"], counts["+Inf"]) == ("1", "1", "2", "2", "3")
    assert mine[0].startswith(r'parley_test_seconds_bucket{part="web",what="a\"\\b",le="0.05"} ')
    assert any(line.startswith("parley_test_seconds_sum") and line.endswith(" 99.21") for line in mine)


def test_the_worker_s_figures_are_read_at_the_web_s_address(read: Any):
    figures = {"parley_sends_total": [[["smtp", "sent"], [7.0]]]}
    for part in ("worker", "worker", "beat"):
        ProcessFigures.objects.create(
            pk=f"{part}{ProcessFigures.objects.count()}", part=part, figures=figures, updated_at="2026-11-30T00:00Z"
        )
    lines = read()
    assert 'parley_sends_total{part="worker",provider="smtp",result="sent"} 14' in lines
    assert 'parley_sends_total{part="beat",provider="smtp",result="sent"} 7' in lines


def test_a_path_with_a_secret_is_no_label(read: Any, client: Client):
    client.get("/invitation/very-secret-token/")
    client.generic("BREW", "/health")
    text = "\n".join(read())
    assert "very-secret-token" not in text
    assert 'route="/invitation/<str:token>/"' in text
    assert "BREW" not in text


def test_callers_do_not_make_memory_grow(monkeypatch: Any):
    monkeypatch.setattr(metrics, "MAX_SERIES", 3)
    registry = metrics.FIGURES.copy()
    monkeypatch.setattr(metrics, "FIGURES", registry)
    counter = metrics.counter("parley_test_total", "Odd ones.", "what")
    for number in range(10):
        counter.add(str(number))
    assert counter.series[("other",)] == [7.0]
    assert len(counter.series) == 4


def test_without_a_token_nothing_is_written(settings: Any):
    settings.METRICS_TOKEN = ""
    processes.write("web")
    assert not ProcessFigures.objects.exists()
