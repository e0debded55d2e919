"""Moments at the edge of the calendar: refused by name, since no page could show them in every time zone."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from core.tenancy import organization_scope
from customers.data.imports import values as import_values
from customers.models import Task
from customers.people.form_fields import MomentField
from customers.work.tasks import services as tasks

EDGES = ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]


@pytest.fixture(params=["America/Los_Angeles", "Pacific/Auckland"])
def clinic(alice, request):
    alice.organization.timezone = request.param
    alice.organization.save()
    return alice


@pytest.mark.parametrize("moment", EDGES)
@pytest.mark.parametrize(
    ("path", "field", "body"),
    [
        ("actions", "occurred_at", {"action_type": "call", "details": "Rang"}),
        ("interactions", "occurred_at", {"channel": "call", "content": "Rang"}),
        ("outcomes", "occurred_at", {"type": "consult_booked"}),
        ("tasks", "due_at", {"title": "Call"}),
        ("tasks", "remind_at", {"title": "Call"}),
        ("deals", "closed_at", {"title": "Whitening", "status": "won"}),
        ("processes", "next_followup_datetime", {"name": "Follow-up"}),
    ],
)
def test_refused_by_its_name(clinic, make_customer, moment, path, field, body):
    whom = "lead_id" if path in ("actions", "processes") else "customer"
    answer = clinic.api.post(f"/api/v1/{path}", {whom: str(make_customer().pk), **body, field: moment}, format="json")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"] == field


@pytest.mark.parametrize("moment", EDGES)
def test_no_follow_up_there(clinic, make_customer, moment):
    customer = make_customer()
    for path in (f"customers/{customer.pk}/followups", f"inbox/customers/{customer.pk}/followup"):
        answer = clinic.api.post(f"/api/v1/{path}", {"next_follow_up_at": moment}, format="json")
        assert answer.status_code == 400, path
    assert clinic.api.patch(
        f"/api/v1/customers/{customer.pk}", {"next_follow_up_at": moment}, format="json"
    ).status_code == 400  # fmt: skip
    with pytest.raises(ValueError, match="is not a day"):
        import_values.moment(moment, clinic.organization.zone)
    with pytest.raises(ValidationError):
        MomentField().clean(moment)


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_a_filter_is_read_or_refused(clinic, day):
    for name in ("created_from", "created_to", "follow_up_before"):
        assert clinic.api.get(f"/api/v1/customers?{name}={day}").status_code in (200, 400)
        assert clinic.api.get(f"/api/v1/pipeline/summary?{name}={day}").status_code in (200, 400)
        assert clinic.client.get(clinic.url(f"customers/?{name}={day}")).status_code == 200


@pytest.mark.parametrize("unit", ["day", "weekday", "week", "month", "year"])
def test_what_repeats_beyond_the_calendar_ends(clinic, unit):
    answer = clinic.api.post(
        "/api/v1/tasks",
        {"title": "Check", "due_at": "9990-12-30T10:00:00Z", "repeat_unit": unit, "repeat_every": 365}, format="json",
    )  # fmt: skip
    with organization_scope(clinic.organization):
        task = Task.objects.get(pk=answer.json()["id"])
        for _ in range(15):
            tasks.update(task=task, actor=clinic.actor, changes={"status": "done"})
            following = Task.objects.filter(series=task.series, status="open").first()
            if following is None:
                break
            task = following
        assert not Task.objects.filter(status="open").exists()
