from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from activity.models import Heartbeat

pytestmark = pytest.mark.django_db


def call(*options: str) -> tuple[int, str]:
    output = StringIO()
    try:
        call_command("doctor", "--stored", *options, stdout=output, no_color=True)
    except SystemExit as end:
        return int(str(end.code)), output.getvalue()
    return 0, output.getvalue()


def test_it_ends_with_0_where_nothing_has_failed(heartbeats: Any):
    code, text = call()
    assert code == 0
    assert "  Good     Worker · Works: last heard of 0 s ago.\n" in text
    assert "  Unknown  Public address · Not checked yet.\n" in text
    assert ", 0 warning, 0 failed," in text


def test_it_ends_with_1_and_says_what_to_do_where_something_has(heartbeats: Any):
    Heartbeat.objects.filter(name="beat").update(beat_at=timezone.now() - timedelta(minutes=3))
    code, text = call()
    assert code == 1
    assert "  Failed   Beat · Silent for 180 s." in text
    assert "           Start the beat, or look into its log" in text


def test_programs_read_it_as_json(heartbeats: Any):
    code, text = call("--json")
    report = json.loads(text)
    assert (code, report["status"]) == (0, "unknown")
    (worker,) = [check for check in report["checks"] if check["name"] == "worker"]
    (line,) = worker["lines"]
    assert (line["status"], line["advice"]) == ("good", "")
    assert line["since"]
