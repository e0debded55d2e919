"""The calls and the pages of rehearsals."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.workflows.rehearsals.conftest import at, run_jobs
from workflows.models import Rehearsal

pytestmark = pytest.mark.django_db

SEND: Any = {"action": "send_text", "body": "Are you there?"}
NOBODY = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def rule(make_rule, past):
    """A rule that sends after three hours, and a past in which Ada had been answered by then."""
    ada = past(name="Ada Lovelace")
    ada.writes(at(0))
    ada.answers(at(1))
    past(name="Bob").writes(at(2))
    return make_rule("message.received", {}, [{"action": "wait", "minutes": 180}, SEND])


def text(answer: Any) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode())))


def test_the_calls(alice, rule):
    url = f"/api/v1/workflows/{rule.pk}/rehearsals"
    answer = alice.api.post(url, {"since": at(-48).isoformat()}, format="json")
    assert answer.status_code == 202, answer.json()
    started = answer.json()
    assert alice.api.post(url, {}, format="json").status_code == 409
    one = f"/api/v1/workflow-rehearsals/{started['rehearsal_id']}"
    assert alice.api.get(one).json()["status"] == "queued"
    run_jobs()
    assert alice.api.get(f"/api/v1/jobs/{started['job_id']}").json()["status"] == "done"
    data = alice.api.get(one).json()
    assert (data["status"], data["version"], data["is_complete"]) == ("done", 1, True)
    totals = data["totals"]
    assert (totals["events"], totals["matched"], totals["sends"], totals["sends_answered"]) == (2, 2, 2, 1)
    (listed,) = alice.api.get(url).json()["results"]
    assert listed["id"] == started["rehearsal_id"]
    rows = alice.api.get(f"{one}/events").json()["results"]
    assert [row["occurred_at"] for row in rows] == sorted((row["occurred_at"] for row in rows), reverse=True)
    (row,) = alice.api.get(f"{one}/events?show=answered").json()["results"]
    assert [step["action"] for step in row["steps"]] == ["wait", "send_text"]
    assert alice.api.get(f"{one}/events?show=once").json()["results"] == []
    assert alice.api.get(f"{one}/events?show=nonsense").status_code == 400


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"since": "yesterday"}, "since"),
        ({"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "since"),
        ({"since": "2020-01-01T00:00:00Z"}, "since"),
        ({"content": {}}, "content"),
    ],
)
def test_a_wrong_span_is_refused_at_its_field(alice, rule, body, field):
    answer = alice.api.post(f"/api/v1/workflows/{rule.pk}/rehearsals", body, format="json")
    assert answer.status_code == 400
    assert field in str(answer.json())
    assert not Rehearsal.objects.exists()


def test_what_is_not_there_or_not_theirs(alice, mona, charlie, rule, rehearse):
    rehearsal = rehearse(rule)
    url, one = f"/api/v1/workflows/{rule.pk}/rehearsals", f"/api/v1/workflow-rehearsals/{rehearsal.pk}"
    for call in (f"/api/v1/workflows/{NOBODY}/rehearsals", f"/api/v1/workflow-rehearsals/{NOBODY}"):
        assert alice.api.get(call).status_code == 404
    assert alice.api.post(f"/api/v1/workflows/{NOBODY}/rehearsals", {"x": 1}, format="json").status_code == 404
    for call in (url, one, f"{one}/events"):
        assert charlie.api.get(call).status_code == 404
    assert charlie.api.post(url, {}, format="json").status_code == 404
    assert mona.api.get(one).status_code in (403, 404)
    assert mona.api.post(url, {}, format="json").status_code == 403


def test_the_pages(alice, rule):
    rule.is_enabled = False
    rule.save()
    page = alice.url(f"settings/rules/{rule.pk}/")
    assert "Rehearse first" in text(alice.client.get(page))
    start = alice.url(f"settings/rules/{rule.pk}/rehearse/")
    assert alice.client.get(start).status_code == 200
    today = timezone.localdate()
    days = {"since": (today - timedelta(days=20)).isoformat(), "until": today.isoformat()}
    answer = alice.client.post(start, days)
    assert answer.status_code == 302
    detail = answer.headers["Location"]
    assert "It begins in a moment" in text(alice.client.get(detail))
    running = alice.client.get(f"{detail}progress/")
    assert "HX-Redirect" not in running.headers
    run_jobs()
    assert alice.client.get(f"{detail}progress/").headers["HX-Redirect"] == detail
    done = text(alice.client.get(detail))
    assert "It would have acted on 2 of 2 events. That is 2 customers." in done
    assert "1 of 2 messages would have gone to somebody who had written, or been answered, meanwhile." in done
    assert "Ada Lovelace" in done
    answered = text(alice.client.get(f"{detail}?show=answered"))
    assert "Ada Lovelace" in answered
    assert "Bob" not in answered
    shown = text(alice.client.get(page))
    assert "Rehearse first" not in shown
    assert "would have acted on 2 events" in shown


@pytest.mark.parametrize(
    "days",
    [
        {},
        {"since": "x", "until": "y"},
        {"since": "2026-01-02", "until": "2026-01-01"},
        {"since": "2020-01-01", "until": "2026-01-01"},
        {"since": "9999-12-31", "until": "9999-12-31"},
        {"since": "0001-01-01", "until": "0001-01-01"},
    ],
)
def test_wrong_days_are_refused_at_the_form(alice, rule, days):
    answer = alice.client.post(alice.url(f"settings/rules/{rule.pk}/rehearse/"), days)
    assert answer.status_code == 422
    assert not Rehearsal.objects.exists()


def test_the_same_number_of_queries_for_any_number(alice, rule, past, rehearse, django_assert_max_num_queries):
    for number in range(12):
        past(name=f"C {number}").writes(at(number))
    rehearsal = rehearse(rule)
    client, page = alice.client, alice.url(f"settings/rehearsals/{rehearsal.pk}/")
    client.get(page)
    with django_assert_max_num_queries(16):
        client.get(page)
    with django_assert_max_num_queries(8):
        assert len(alice.api.get(f"/api/v1/workflow-rehearsals/{rehearsal.pk}/events").json()["results"]) == 14
