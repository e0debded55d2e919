"""Who is deleted takes their tasks along: out of every list, count, calendar, reminder and call, and back with them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from core.tenancy import organization_scope
from customers.data.deletion import services as deletion
from customers.models import Customer, Task, TaskReminder
from customers.work.calendar import feeds as calendar_feeds
from customers.work.tasks import reminders
from customers.work.tasks import services as tasks
from tests.conftest import Person

TITLE = "Ring about the whitening"
pytestmark = pytest.mark.django_db


def ways(who: Person) -> Iterator[tuple[str, str]]:
    """Every place where somebody would meet a task of theirs, with what stands there."""
    browser, caller = who.client, who.api
    for view, person in itertools.product(("today", "overdue", "upcoming", "no_date", "mine", "all"), ("", "all")):
        yield f"tasks {view} {person}", browser.get(who.url(f"tasks/?view={view}&who={person}")).content.decode()
    for page in ("", "tasks/", "tasks/calendar/", "followups/", "pipeline/", "palette/?q=whitening"):
        yield page or "home", browser.get(who.url(page)).content.decode()
    for call in ("tasks", "tasks?overdue=true", "tasks?status=open", "tasks?assigned_to=me"):
        yield call, caller.get(f"/api/v1/{call}").content.decode()
    with organization_scope(who.organization):
        token = calendar_feeds.issue(member=who.member, actor=who.actor)
    yield "feed", browser.get(f"/calendar/{token}.ics").content.decode()


def badge(who: Person) -> str:
    """What the menu counts of tasks, as the page shows it."""
    page = who.client.get(who.url("customers/")).content.decode()
    return "".join(re.findall(r'data-badge="tasks".*?</', page, re.DOTALL))


def shown_to(who: Person) -> set[str]:
    return {place for place, text in ways(who) if TITLE in text}


@pytest.fixture
def late(alice: Person, bob: Person, mona: Person, make_customer: Any) -> tuple[Customer, Task]:
    customer = make_customer(bob, name="Kim Lane")
    with organization_scope(alice.organization):
        task = tasks.create(
            organization=alice.organization, actor=alice.actor, customer=customer, title=TITLE, assigned_to=bob.user,
            due_at=timezone.now() - timedelta(hours=2), remind_at=timezone.now() + timedelta(minutes=5),
        )  # fmt: skip
    return customer, task


def test_nobody_meets_a_task_of_somebody_deleted(alice: Person, bob: Person, mona: Person, late: Any):
    customer, task = late
    before = {who.user.email: shown_to(who) for who in (alice, bob, mona)}
    assert {"tasks", "feed", "home", "tasks overdue all"} <= before[bob.user.email]
    counted = badge(bob)
    with organization_scope(alice.organization):
        deletion.delete(customer=customer, actor=alice.actor)
    for who in (alice, bob, mona):
        assert shown_to(who) == set(), who.user.email
        assert who.api.get(f"/api/v1/tasks/{task.pk}").status_code == 404
        assert who.client.get(who.url(f"tasks/{task.pk}/")).status_code == 404
        assert who.client.post(who.url(f"tasks/{task.pk}/done/")).status_code == 404
    assert badge(bob) != counted or "1" not in counted
    with organization_scope(alice.organization):
        deletion.restore(customer=customer, actor=alice.actor)
    for who in (alice, bob, mona):
        assert shown_to(who) == before[who.user.email], who.user.email


def test_nobody_is_reminded_of_it(alice: Person, late: Any):
    customer, _ = late
    with organization_scope(alice.organization):
        deletion.delete(customer=customer, actor=alice.actor)
        TaskReminder.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    reminders.remind_due()
    assert mail.outbox == []
