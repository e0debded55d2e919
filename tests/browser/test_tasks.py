"""The day's work in the browser: tasks, follow-ups, the calendar and home; and without a finding of axe's."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from core.tenancy import organization_scope
from customers.models import Customer, Task
from customers.people.customers import services as customers
from customers.work.tasks import services as tasks
from tests.browser.test_accessibility import SCREENS, findings

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def add_task(clinic, title: str, **fields) -> Task:
    with organization_scope(clinic.organization):
        return tasks.create(
            organization=clinic.organization, actor=clinic.alice.actor, title=title, assigned_to=clinic.alice.user,
            **fields,
        )  # fmt: skip


def plan(clinic, customer: Customer, at) -> None:
    with organization_scope(clinic.organization):
        customers.set_follow_up(customer=customer, at=at, actor=clinic.alice.actor)


def status_of(clinic, title: str) -> str:
    with organization_scope(clinic.organization):
        return str(Task.objects.get(title=title).status)


def due_of(clinic, customer: Customer):
    with organization_scope(clinic.organization):
        return Customer.objects.get(pk=customer.pk).next_follow_up_at


@pytest.fixture
def alice(clinic, sign_in) -> Page:
    return sign_in(clinic.alice.user)


def test_added_done_and_taken_back(clinic, alice):
    clinic.customer("Ada Hale", owner=clinic.alice)
    alice.goto(clinic.url("tasks/"))
    alice.get_by_label("New task", exact=True).fill("Call Mrs Hale")
    alice.get_by_label("Customer", exact=True).press_sequentially("Hale", delay=30)
    expect(alice.locator("#quick-customers option")).to_have_attribute("value", re.compile(r"Ada Hale \(C"))
    alice.get_by_label("New task", exact=True).press("Enter")
    row = alice.locator(".task", has_text="Call Mrs Hale")
    expect(row).to_contain_text("Ada Hale")
    expect(alice.locator("#task-tabs")).to_contain_text("Today1")
    row.get_by_role("button", name="Done: Call Mrs Hale").click()
    expect(row).to_have_class(re.compile("is-done"))
    expect(alice.locator("#task-tabs")).not_to_contain_text("Today1")
    assert status_of(clinic, "Call Mrs Hale") == "done"
    alice.get_by_role("button", name="Undo").click()
    expect(row).not_to_have_class(re.compile("is-done"))
    expect(alice.locator("#task-tabs")).to_contain_text("Today1")
    assert status_of(clinic, "Call Mrs Hale") == "open"


def test_what_a_colleague_adds_comes_by_itself(clinic, alice):
    alice.goto(clinic.url("tasks/"))
    expect(alice.get_by_text("All done")).to_be_visible()
    customer = clinic.customer("Ada Hale", owner=clinic.alice)
    add_task(clinic, "Send the plan", customer=customer, due_at=timezone.now())
    expect(alice.locator(".task", has_text="Send the plan")).to_be_visible()


def test_put_off_by_the_keyboard_and_a_call_logged(clinic, alice):
    customer = clinic.customer("Ada Hale", owner=clinic.alice)
    plan(clinic, customer, timezone.now() - timedelta(days=2))
    alice.goto(clinic.url("followups/"))
    row = alice.locator(".callback", has_text="Ada Hale")
    row.get_by_role("button", name="Log a call with Ada Hale").click()
    dialog = alice.get_by_role("dialog", name="Log something")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_label(re.compile("What was said"))).to_be_focused()
    dialog.get_by_label(re.compile("What was said")).fill("Wants an appointment in May")
    dialog.get_by_label("Next follow-up").select_option("three_days")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    expect(alice.locator(".task-day", has_text="Ada Hale")).not_to_contain_text("Overdue")
    assert due_of(clinic, customer) > timezone.now() + timedelta(days=2)
    before = due_of(clinic, customer)
    later = alice.locator(".callback", has_text="Ada Hale").get_by_role("button", name="Later")
    later.focus()
    alice.keyboard.press("Enter")
    alice.get_by_role("button", name="Tomorrow").focus()
    alice.keyboard.press("Enter")
    expect(alice.get_by_text("Follow-up tomorrow.")).to_be_visible()
    assert due_of(clinic, customer) < before
    alice.get_by_role("button", name="Undo").click()
    expect(alice.get_by_text("Taken back.")).to_be_visible()
    assert due_of(clinic, customer) == before


def test_home_says_what_is_next_and_stays_true(clinic, alice):
    alice.goto(clinic.url(""))
    expect(alice.get_by_text("Nothing waits")).to_be_visible()
    clinic.receive("Is there parking?", name="Maya Okafor")
    first = alice.locator(".home__next .todo__row").first
    expect(first).to_contain_text("Maya Okafor")
    first.click()
    expect(alice).to_have_url(re.compile("/inbox/[0-9a-f-]+/$"))


def test_beside_a_conversation(clinic, alice):
    received = clinic.receive("Hello")
    customer = clinic.conversation(received).customer
    add_task(clinic, "Send the plan", customer=customer)
    plan(clinic, customer, timezone.now())
    alice.goto(clinic.thread_url(received))
    panel = alice.locator("#customer-panel")
    panel.get_by_role("button", name="Done: Send the plan").click()
    expect(alice.get_by_text("Task done.")).to_be_visible()
    assert status_of(clinic, "Send the plan") == "done"
    panel.locator(".followup").get_by_role("button", name="Done").click()
    expect(panel.get_by_text("No follow-up planned.")).to_be_visible()
    panel.get_by_role("button", name="Task", exact=True).click()
    dialog = alice.get_by_role("dialog", name="Log something")
    dialog.get_by_label(re.compile("What was said")).fill("Book the room")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    expect(alice.get_by_text("Task added")).to_be_visible()
    assert status_of(clinic, "Book the room") == "open"


def test_months_turn(clinic, alice):
    add_task(clinic, "Open up", due_at=timezone.now() + timedelta(minutes=5))
    alice.goto(clinic.url("tasks/calendar/"))
    expect(alice.locator(".calendar__item", has_text="Open up")).to_be_visible()
    now = alice.locator("#cal-month").inner_text()
    alice.get_by_role("link", name="Month after").click()
    expect(alice.locator("#cal-month")).not_to_have_text(now)
    alice.go_back()
    expect(alice.locator("#cal-month")).to_have_text(now)


def test_on_a_phone_the_rest_of_the_menu_is_behind_more(clinic, sign_in):
    page = sign_in(clinic.alice.user, **PHONE)
    page.goto(clinic.url(""))
    main = page.get_by_role("navigation", name="Main")
    expect(main.get_by_role("link", name="Follow-ups")).to_be_hidden()
    main.get_by_role("button", name="More").tap()
    page.locator("#more-menu").get_by_role("link", name="Follow-ups").tap()
    expect(page).to_have_url(re.compile("/followups/$"))


def test_without_a_script(clinic, sign_in):
    customer = clinic.customer("Ada Hale", owner=clinic.alice)
    plan(clinic, customer, timezone.now())
    page = sign_in(clinic.alice.user, java_script_enabled=False)
    page.goto(clinic.url("tasks/"))
    page.get_by_label("New task", exact=True).fill("Call Mrs Hale")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("button", name="Done: Call Mrs Hale").click()
    expect(page).to_have_url(re.compile("/tasks/"))
    assert status_of(clinic, "Call Mrs Hale") == "done"
    page.goto(clinic.url("followups/"))
    page.get_by_role("button", name="Done: Ada Hale").click()
    expect(page).to_have_url(re.compile("/followups/$"))
    assert due_of(clinic, customer) is None


@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_nothing(screen, clinic, sign_in):
    received = clinic.receive("Is there parking?")
    customer = clinic.conversation(received).customer
    now = timezone.now()
    task = add_task(
        clinic, "Send the plan", customer=customer, due_at=now - timedelta(days=1), priority="urgent",
        repeat_unit="week",
    )  # fmt: skip
    add_task(clinic, "Later", due_at=now + timedelta(hours=1), priority="high", remind_at=now + timedelta(minutes=30))
    plan(clinic, customer, now - timedelta(hours=1))
    page = sign_in(clinic.alice.user, **SCREENS[screen])
    found = {}
    for path in ("", "tasks/", "tasks/?who=all", f"tasks/{task.pk}/", "tasks/new/", "tasks/calendar/?who=all",
                 "tasks/feed/", "followups/?who=all"):  # fmt: skip
        page.goto(clinic.url(path))
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        found[path] = findings(page) + ([f"{wide} px too wide"] if wide > 0 else [])
    page.goto(clinic.url("followups/?who=all"))
    page.get_by_role("button", name=re.compile("Log a call")).click()
    expect(page.get_by_role("dialog", name="Log something")).to_be_visible()
    found["the dialog"] = findings(page)
    assert {path: said for path, said in found.items() if said} == {}
