"""The lists of tasks, the line that adds one, a task's page, and done in one click."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Organization
from core.tenancy import organization_scope
from customers.models import Task
from customers.work.tasks import queries as task_queries
from customers.work.tasks import services as tasks
from tests.pages import submit

MAX_COUNT = 12


@pytest.fixture
def make_task(alice):
    def make(title: str = "Call", to: Any = None, **fields: Any) -> Task:
        with organization_scope(alice.organization):
            fields.setdefault("assigned_to", to.user if to else None)
            actor = fields.pop("by", alice).actor
            return tasks.create(organization=alice.organization, actor=actor, title=title, **fields)

    return make


def page(who, query: str = "") -> str:
    answer = who.client.get(who.url(f"tasks/{query}"))
    assert answer.status_code == 200
    return answer.content.decode()


def current(task: Task) -> Task:
    with organization_scope(task.organization):
        return Task.objects.select_related("customer").get(pk=task.pk)


def events_of(answer: Any) -> dict[str, Any]:
    return json.loads(answer.headers.get("HX-Trigger", "{}"))


def in_days(days: float) -> datetime:
    return timezone.now() + timedelta(days=days)


def test_each_view_shows_its_own(alice, make_task):
    make_task("Late one", alice, due_at=in_days(-2))
    make_task("Far one", alice, due_at=in_days(5))
    make_task("Open end", alice)
    done = make_task("Finished", alice)
    make_task("Somebody’s", None)
    with organization_scope(alice.organization):
        tasks.update(task=done, actor=alice.actor, changes={"status": "done"})
    shown = {view: page(alice, f"?view={view}") for view in task_queries.VIEWS}
    words = {
        "today": {"Late one"}, "overdue": {"Late one"}, "upcoming": {"Far one"}, "someday": {"Open end"},
        "by_me": {"Late one", "Far one", "Open end", "Somebody’s"}, "done": {"Finished"},
    }  # fmt: skip
    every = {"Late one", "Far one", "Open end", "Finished", "Somebody’s"}
    for view, expected in words.items():
        assert {
            title for title in every if f"Done: {title}" in shown[view] or f"Open again: {title}" in shown[view]
        } == (expected), view


def test_today_ends_with_the_day_of_the_organization(alice, make_task, monkeypatch):
    """At 13:00 UTC it is two in the morning in Auckland: what is due at 12:30 UTC the next day is due today there."""
    Organization.objects.filter(pk=alice.organization.pk).update(timezone="Pacific/Auckland")
    now = datetime(2026, 1, 5, 13, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: now)
    alice.member.organization.timezone = "Pacific/Auckland"
    make_task("Tonight there", alice, due_at=datetime(2026, 1, 6, 10, 30, tzinfo=UTC))
    make_task("Tomorrow there", alice, due_at=datetime(2026, 1, 6, 11, 30, tzinfo=UTC))
    with organization_scope(alice.organization):
        due = [task.title for task in task_queries.waiting_for(alice.member)]
    assert due == ["Tonight there"]


def test_whose(alice, bob, mona, make_task):
    make_task("Of Alice", alice, due_at=in_days(-1))
    make_task("Of Bob", bob, due_at=in_days(-1))
    make_task("Of nobody", None, due_at=in_days(-1))
    assert "Of Bob" not in page(alice)
    assert "Of Bob" in page(alice, f"?who={bob.user.pk}")
    everybody = page(alice, "?who=all")
    assert all(title in everybody for title in ("Of Alice", "Of Bob", "Of nobody"))
    assert "Of nobody" in page(alice, "?who=none")
    # Mona manages Bob, and who is to do it is nobody's business of hers otherwise.
    of_mona = page(mona, "?who=all")
    assert "Of Bob" in of_mona
    assert "Of Alice" not in of_mona
    assert "Of Alice" not in page(bob, "?who=all")
    assert "Of Alice" not in page(bob, f"?who={alice.user.pk}")


def test_nonsense_in_the_address_is_no_error(alice):
    for query in ("?view=x", "?who=x", "?day=x", "?view=done&who=all"):
        assert alice.client.get(alice.url(f"tasks/{query}")).status_code == 200
    assert alice.client.get(alice.url("tasks/?after=x")).status_code == 404


def test_a_task_of_mine_with_a_customer_that_is_not(alice, bob, make_task, make_customer):
    hidden = make_customer(alice, name="Zebulon Quist")
    task = make_task("Ring them", bob, customer=hidden, due_at=in_days(-1))
    for text in (page(bob), bob.client.get(bob.url(f"tasks/{task.pk}/")).content.decode()):
        assert "Ring them" in text
        assert "Zebulon" not in text
        assert str(hidden.pk) not in text
    assert "Zebulon Quist" in page(alice, f"?who={bob.user.pk}")
    body = {"title": "Ring them soon", "priority": "normal", "status": "open", "assigned_to": str(bob.user.pk)}
    assert submit(bob.client, bob.url(f"tasks/{task.pk}/"), body).status_code == 302
    after = current(task)
    assert (after.title, after.customer_id) == ("Ring them soon", hidden.pk)


def test_others_have_no_page_of_it(alice, bob, charlie, make_task):
    task = make_task("Secret", alice)
    for who in (bob, charlie):
        for path in (f"tasks/{task.pk}/", f"tasks/{task.pk}/done/", f"tasks/{task.pk}/delete/"):
            assert who.client.post(who.url(path)).status_code in (403, 404)
            assert who.client.post(alice.url(path)).status_code in (403, 404)
    assert current(task).status == "open"


def test_done_in_one_click_and_taken_back(alice, make_task):
    task = make_task("Call", alice)
    browser = alice.htmx
    answer = browser.post(alice.url(f"tasks/{task.pk}/done/?to=done&list=1"))
    assert current(task).status == "done"
    said = events_of(answer)
    assert said["task-changed"] == {"id": str(task.pk)}
    undo = said["parley:toast"]["undo"]
    # The same click twice is one.
    assert "undo" not in events_of(browser.post(alice.url(f"tasks/{task.pk}/done/?to=done&list=1"))).get(
        "parley:toast", {}
    )
    assert current(task).status == "done"
    assert b"is-done" not in browser.post(undo).content
    assert current(task).status == "open"


def test_done_without_a_script_leads_back(alice, make_task):
    task = make_task("Call", alice)
    answer = alice.client.post(alice.url(f"tasks/{task.pk}/done/?to=done"), {"next": alice.url("tasks/?view=upcoming")})
    assert answer.url == alice.url("tasks/?view=upcoming")
    elsewhere = alice.client.post(alice.url(f"tasks/{task.pk}/done/"), {"next": "https://evil.example/"})
    assert elsewhere.url == alice.url("tasks/")


def test_of_a_recurring_one_the_notice_says_when_it_comes_again(alice, make_task):
    task = make_task("Daily", alice, due_at=in_days(-0.1), repeat_unit="day")
    said = events_of(alice.htmx.post(alice.url(f"tasks/{task.pk}/done/?to=done")))["parley:toast"]["text"]
    assert said.startswith("Task done. The next is due")
    with organization_scope(alice.organization):
        assert Task.objects.filter(title="Daily", status="open").count() == 1


def test_the_quick_line_adds_one(alice, make_customer):
    customer = make_customer(alice, name="Ada Hale")
    body = {
        "title": "Call Mrs Hale", "day": "2031-05-06", "time": "14:30", "priority": "high",
        "assigned_to": str(alice.user.pk), "customer": f"Ada Hale ({customer.code})",
    }  # fmt: skip
    answer = alice.htmx.post(alice.url("tasks/quick/?view=upcoming"), body)
    assert answer.status_code == 200
    assert b"Call Mrs Hale" in answer.content
    with organization_scope(alice.organization):
        task = Task.objects.get(title="Call Mrs Hale")
    assert (task.customer_id, task.priority, task.assigned_to_id) == (customer.pk, "high", alice.user.pk)
    assert task.due_at == datetime(2031, 5, 6, 13, 30, tzinfo=UTC)  # British Summer Time
    assert alice.client.post(alice.url("tasks/quick/"), {"title": "Plain"}).status_code == 302


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"title": ""}, "This field is required"),
        ({"title": "x", "day": "2031-13-40"}, "Enter a valid date"),
        ({"title": "x", "assigned_to": "nobody"}, "Select a valid choice"),
        ({"title": "x", "customer": "Nobody at all"}, "No customer fits this"),
        ({"title": "x", "customer": "Twin"}, "Several customers fit"),
    ],
)
def test_what_is_wrong_with_the_quick_line(alice, make_customer, body, said):
    make_customer(alice, name="Twin One")
    make_customer(alice, name="Twin Two")
    answer = alice.htmx.post(alice.url("tasks/quick/"), body)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    with organization_scope(alice.organization):
        assert not Task.objects.exists()


def test_a_customer_out_of_reach_cannot_be_named(alice, bob, make_customer):
    hidden = make_customer(alice, name="Zebulon Quist")
    for text in (hidden.code, f"x ({hidden.code})", "Zebulon"):
        answer = bob.htmx.post(bob.url("tasks/quick/"), {"title": "x", "customer": text})
        assert answer.status_code == 422
        assert "No customer fits this" in answer.content.decode()
    assert b"Zebulon" not in bob.htmx.get(bob.url("tasks/customers/?customer=Zeb")).content
    assert b"Zebulon Quist" in alice.htmx.get(alice.url("tasks/customers/?customer=Zeb")).content


def form_of(alice, **more: Any) -> dict[str, Any]:
    return {
        "title": "Check in", "description": "", "due_at": "2031-05-06T09:00", "priority": "normal",
        "assigned_to": str(alice.user.pk), "customer": "", **more,
    }  # fmt: skip


def test_a_new_task_with_everything(alice, make_customer):
    customer = make_customer(alice, name="Ada Hale")
    body = form_of(
        alice, reminder="1440", repeat_unit="week", repeat_every="2", repeat_until="2031-12-31", customer="Ada Hale"
    )
    answer = alice.client.post(alice.url("tasks/new/"), body)
    assert answer.status_code == 302, answer.context["form"].errors
    with organization_scope(alice.organization):
        task = Task.objects.get(title="Check in")
    assert task.customer_id == customer.pk
    assert task.remind_at == task.due_at - timedelta(days=1)
    assert (task.repeat_unit, task.repeat_every, str(task.repeat_until)) == ("week", 2, "2031-12-31")
    shown = alice.client.get(alice.url(f"tasks/{task.pk}/")).context["form"]
    assert shown["reminder"].value() == "1440"
    assert shown["customer"].value() == f"Ada Hale ({customer.code})"


def test_saving_unchanged_changes_nothing(alice, make_task):
    due = in_days(3)
    task = make_task("Call", alice, due_at=due, remind_at=due - timedelta(minutes=7))
    form = alice.client.get(alice.url(f"tasks/{task.pk}/")).context["form"]
    body = {name: form[name].value() or "" for name in form.fields}
    body["due_at"] = timezone.localtime(due, alice.organization.zone).strftime("%Y-%m-%dT%H:%M")
    assert submit(alice.client, alice.url(f"tasks/{task.pk}/"), body).status_code == 302
    after = current(task)
    assert (after.due_at, after.remind_at) == (task.due_at, task.remind_at)
    with organization_scope(alice.organization):
        from activity.models import Event

        assert not Event.objects.filter(type="task.updated").exists()


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"due_at": "", "reminder": "10"}, "due_at"),
        ({"due_at": "", "repeat_unit": "day"}, "due_at"),
        ({"due_at": "never"}, "due_at"),
        ({"due_at": "9999-12-31T23:59"}, "due_at"),
        ({"repeat_unit": "day", "repeat_until": "2031-01-01"}, "repeat_until"),
        ({"repeat_unit": "day", "repeat_every": "0"}, "repeat_every"),
        ({"due_at": "2020-01-01T09:00", "reminder": "10"}, "reminder"),
        ({"customer": "Nobody"}, "customer"),
    ],
)
def test_what_is_wrong_is_reported_at_its_field(alice, more, field):
    answer = alice.client.post(alice.url("tasks/new/"), form_of(alice, **more))
    assert answer.status_code == 422
    assert field in answer.context["form"].errors


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ("2031-03-30T01:30", "2031-03-30T01:30"),  # skipped: an hour later, 02:30 in summer time
        ("2031-10-26T01:30", "2031-10-26T00:30"),  # twice: the first, still summer time
        ("2031-07-01T09:00", "2031-07-01T08:00"),
    ],
)
def test_a_due_time_at_the_changed_hour(alice, written, utc):
    answer = alice.client.post(alice.url("tasks/new/"), form_of(alice, due_at=written))
    assert answer.status_code == 302
    with organization_scope(alice.organization):
        assert Task.objects.get().due_at == datetime.fromisoformat(utc).replace(tzinfo=UTC)


def test_with_a_customer_from_their_page(alice, bob, make_customer):
    customer = make_customer(bob)
    url = bob.url(f"customers/{customer.pk}/tasks/new/")
    assert bob.client.get(url).status_code == 200
    answer = bob.client.post(url, form_of(bob))
    assert answer.url == bob.url(f"customers/{customer.pk}/")
    with organization_scope(alice.organization):
        assert Task.objects.get().customer_id == customer.pk
    assert bob.client.get(bob.url(f"customers/{make_customer(alice).pk}/tasks/new/")).status_code == 404


def test_deleting_asks_first_and_needs_the_permission(alice, bob, make_task):
    task = make_task("Call", bob)
    url = alice.url(f"tasks/{task.pk}/delete/")
    assert bob.client.post(url).status_code == 403
    assert "Call" in alice.client.get(url).content.decode()
    assert alice.client.post(url).status_code == 302
    with organization_scope(alice.organization):
        assert not Task.objects.exists()


@pytest.mark.parametrize("query", ["", "?who=all&view=today", "?view=done&who=all", "?view=by_me", "?view=someday"])
def test_the_same_queries_for_one_and_many(alice, make_task, make_customer, query):
    counts = []
    for size in (1, 14):
        for number in range(size):
            task = make_task(f"Task {number}", alice, customer=make_customer(alice), due_at=in_days(-1))
            if "done" in query:
                with organization_scope(alice.organization):
                    tasks.update(task=task, actor=alice.actor, changes={"status": "done"})
            make_task(f"No date {number}", alice)
        browser = alice.client
        browser.get(alice.url(f"tasks/{query}"))
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(alice.url(f"tasks/{query}")).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= MAX_COUNT


def test_more_come_with_the_scroll(alice, make_task):
    for number in range(60):
        make_task(f"Task {number:02}", alice, due_at=in_days(-1) + timedelta(seconds=number))
    first = alice.client.get(alice.url("tasks/"))
    assert "Task 49" in first.content.decode()
    assert "Task 50" not in first.content.decode()
    more = alice.client.get(
        alice.url(f"tasks/{first.context['more']}"), headers={"HX-Request": "true", "HX-Target": "more-tasks"}
    )
    text = more.content.decode()
    assert "Task 50" in text
    assert "Task 59" in text
    assert "<html" not in text


def test_the_menu_counts_what_is_mine_and_due(alice, bob, make_task):
    for number in range(3):
        make_task(f"Late {number}", alice, due_at=in_days(-1))
    make_task("Of Bob", bob, due_at=in_days(-1))
    make_task("Later", alice, due_at=in_days(3))
    text = alice.client.get(alice.url("customers/")).content.decode()
    badge = text.split('data-badge="square-check"')[1].split("</span>")[0]
    assert badge.endswith(">3")
