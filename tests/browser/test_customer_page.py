"""The customer's page and its relatives, as a person uses them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from core.tenancy import organization_scope
from customers.data.deletion import services as deletion
from customers.models import Contact, Customer, CustomField, Deal, DuplicatePair, Tag, Task
from customers.people.contacts import services as contacts
from customers.people.custom_fields import services as custom_fields
from customers.people.tags import services as tags
from customers.pipeline.deals import services as deals
from customers.work.interactions import services as interactions
from customers.work.tasks import services as tasks
from tests.browser.test_accessibility import SCREENS, findings

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
LONG = "Maximiliane Alexandra von und zu Hohenstein-Wittelsbach-Donaudampfschifffahrtsgesellschaftskapitaen"
OWN: dict[str, tuple[str, list[str]]] = {
    "remark": ("text", []),
    "budget": ("number", []),
    "seen_on": ("date", []),
    "insured": ("boolean", []),
    "treatment": ("choice", ["Implants", "Whitening"]),
    "days": ("multi_choice", ["Monday", "Tuesday", "Friday"]),
    "site": ("url", []),
}


@pytest.fixture
def maya(clinic) -> Customer:
    return clinic.customer(
        "Maya Okafor", stage="contacted", email="maya@okafor.example", tags=["vip"], owner=clinic.bob
    )


@pytest.fixture
def own_fields(clinic) -> None:
    """One of each type."""
    with organization_scope(clinic.organization):
        for key, (kind, choices) in OWN.items():
            label = key.replace("_", " ").capitalize()
            custom_fields.create(
                organization=clinic.organization,
                actor=clinic.alice.actor,
                key=key,
                label=label,
                type=kind,
                choices=choices,
            )


@pytest.fixture
def task(clinic, maya) -> Task:
    with organization_scope(clinic.organization):
        return tasks.create(
            organization=clinic.organization, customer=maya, actor=clinic.alice.actor, title="Send the estimate",
            assigned_to=clinic.alice.user, due_at=timezone.now() - timedelta(hours=1),
        )  # fmt: skip


def log(clinic: Any, customer: Customer, *lines: str) -> None:
    with organization_scope(clinic.organization):
        for line in lines:
            interactions.log(customer=customer, actor=clinic.alice.actor, content=line, channel="note")


def open_page(page: Page, clinic: Any, customer: Customer, rest: str = "") -> None:
    page.goto(clinic.url(f"customers/{customer.pk}/{rest}"))
    page.wait_for_load_state("load")


def events(page: Page) -> Any:
    return page.locator("#timeline .event")


def save(page: Page) -> None:
    page.locator("#entry-save").click()


def mark(page: Page) -> None:
    """A reload would lose this."""
    page.evaluate("window.isTheSame = true")


def is_the_same(page: Page) -> bool:
    return bool(page.evaluate("window.isTheSame === true"))


def test_quick_entry_changes_the_page_without_a_reload(clinic, maya, sign_in):
    page = sign_in(clinic.alice.user, timezone_id="Europe/London")
    open_page(page, clinic, maya)
    mark(page)
    page.locator("#entry-content").fill("Prefers mornings")
    save(page)
    expect(events(page).first).to_contain_text("Prefers mornings")
    expect(page.locator("#entry-content")).to_have_value("")
    page.get_by_role("radio", name="Call").check()
    page.locator("#entry-content").fill("Asked about sedation")
    page.locator("#entry-minutes").fill("7")
    page.locator("#entry-direction").select_option("inbound")
    save(page)
    expect(events(page).first).to_contain_text("Asked about sedation")
    expect(events(page).first).to_contain_text("7 min")
    page.get_by_role("radio", name="Task").check()
    page.locator("#entry-content").fill("Send a price list")
    save(page)
    expect(page.locator(".task")).to_contain_text("Send a price list")
    day = timezone.now() + timedelta(days=3)
    page.get_by_role("radio", name="Follow-up").check()
    save(page)
    expect(page.locator("#entry")).to_contain_text("Say when you want to be reminded.")
    page.locator("#entry-at").fill(f"{day:%Y-%m-%dT10:30}")
    save(page)
    follow_up = page.get_by_role("region", name="Next follow-up")
    expect(follow_up).to_contain_text(f"{day.day} {day:%b}")
    assert is_the_same(page)
    follow_up.get_by_role("button", name="Done").click()
    expect(follow_up).to_have_count(0)


def test_quick_entry_and_stages_by_keyboard_alone(clinic, maya, sign_in):
    page = sign_in(clinic.alice.user)
    open_page(page, clinic, maya)
    page.locator(".stage-bar [aria-current]").focus()
    page.keyboard.press("Tab")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.locator(".stage-bar [aria-current]")).to_have_text("Consult booked")
    page.locator("#entry-kind-note").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#entry-kind-call")).to_be_checked()
    page.keyboard.press("Tab")
    page.keyboard.type("Called back")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "entry-save":
            break
    page.keyboard.press("Enter")
    expect(events(page).first).to_contain_text("Called back")
    expect(page.locator("#entry-save")).to_be_focused()
    page.locator("#show-deal").focus()
    page.keyboard.press("Space")
    expect(page).to_have_url(re.compile("types=deal"))
    expect(page.locator("#show-deal")).to_be_focused()


def test_a_task_is_checked_off_and_opened_again(clinic, maya, task, sign_in):
    page = sign_in(clinic.alice.user)
    open_page(page, clinic, maya)
    page.get_by_role("button", name="Done: Send the estimate").click()
    again = page.get_by_role("button", name="Open again: Send the estimate")
    expect(again).to_be_visible()
    expect(events(page).filter(has_text="Send the estimate")).to_contain_text("Done")
    expect(again).to_be_visible()
    again.click()
    expect(page.get_by_role("button", name="Done: Send the estimate")).to_be_visible()


def test_chips_narrow_the_timeline_in_the_address(clinic, maya, task, sign_in):
    log(clinic, maya, "Likes tea")
    page = sign_in(clinic.alice.user)
    open_page(page, clinic, maya)
    mark(page)
    page.get_by_role("checkbox", name="Notes and calls").click()
    expect(page).to_have_url(re.compile(r"\?types=interaction$"))
    expect(events(page)).to_have_count(1)
    page.get_by_role("checkbox", name="Tasks").click()
    expect(page).to_have_url(re.compile(r"types=interaction&types=task"))
    expect(events(page)).to_have_count(2)
    page.go_back()
    expect(events(page)).to_have_count(1)
    expect(page.locator("#show-task")).not_to_be_checked()
    assert is_the_same(page)
    page.reload()
    expect(events(page)).to_have_count(1)
    page.get_by_role("checkbox", name="Notes and calls").click()
    expect(page.locator("#timeline .event--change").first).to_be_visible()


def test_what_others_do_comes_by_itself_and_takes_nothing_away(clinic, maya, sign_in):
    log(clinic, maya, *(f"Line {n}" for n in range(40)))
    page = sign_in(clinic.alice.user)
    open_page(page, clinic, maya)
    page.locator("#more-timeline").scroll_into_view_if_needed()
    expect(events(page).filter(has_text="Line 0")).to_have_count(1)
    page.locator("#entry-content").fill("Half a sen")
    page.locator("#another-address").evaluate("field => field.closest('details').open = true")
    page.locator("#another-address").fill("+4420")
    log(clinic, maya, "Written by a colleague")
    expect(events(page).first).to_contain_text("Written by a colleague")
    expect(events(page).filter(has_text="Line 0")).to_have_count(1)
    expect(page.locator("#entry-content")).to_have_value("Half a sen")
    expect(page.locator("#another-address")).to_have_value("+4420")
    expect(page.locator("#another-address")).to_be_focused()


def test_the_stage_bar_moves(clinic, maya, sign_in):
    page = sign_in(clinic.alice.user)
    open_page(page, clinic, maya)
    bar = page.get_by_role("form", name="Stage")
    expect(bar.locator("[aria-current]")).to_have_text("Contacted")
    bar.get_by_role("button", name="Deposit paid").click()
    expect(bar.locator("[aria-current]")).to_have_text("Deposit paid")
    expect(events(page).first).to_contain_text("Deposit paid")


def test_details_with_own_fields_of_every_type(clinic, maya, own_fields, sign_in):
    page = sign_in(clinic.alice.user)
    open_page(page, clinic, maya)
    page.get_by_role("button", name="More", exact=True).click()
    page.locator("#customer-menu").get_by_role("link", name="Edit details").click()
    page.get_by_label("City").fill("Bristol")
    page.get_by_label("Remark").fill("Nervous of needles")
    page.get_by_label("Budget").fill("many")
    page.get_by_label("Seen on").fill("2026-03-31")
    page.get_by_label("Insured").select_option("Yes")
    page.get_by_label("Treatment (optional)").select_option("Implants")
    days = page.get_by_role("group", name="Days")
    days.get_by_label("Monday").check()
    days.get_by_label("Friday").check()
    page.get_by_label("Site").fill("https://okafor.example")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Budget")).to_be_focused()
    expect(days.get_by_label("Friday")).to_be_checked()
    page.get_by_label("Budget").fill("1,250")
    page.get_by_role("button", name="Save").click()
    facts = page.locator(".facts")
    for text in ("Bristol", "Nervous of needles", "1250", "2026", "Implants", "Monday; Friday"):
        expect(facts).to_contain_text(text)
    expect(facts.get_by_role("link", name="https://okafor.example")).to_be_visible()
    page.get_by_role("button", name="More", exact=True).click()
    page.locator("#customer-menu").get_by_role("link", name="History of changes").click()
    expect(page.locator(".changes")).to_contain_text("Nervous of needles")


@pytest.fixture
def pair(clinic, maya) -> DuplicatePair:
    other = clinic.customer("Maya Okaphor", email="m.okafor@mail.example", company="Okafor Ltd")
    log(clinic, other, "Wrote by post")
    with organization_scope(clinic.organization):
        first, second = sorted((maya, other), key=lambda one: one.pk)
        return DuplicatePair.objects.create(
            organization=clinic.organization, first=first, second=second, score=85, reasons=["name_and_address"]
        )


def test_two_are_merged_by_choice_and_two_again(clinic, maya, pair, sign_in):
    page = sign_in(clinic.alice.user)
    page.goto(clinic.url("customers/duplicates/"))
    page.get_by_role("link", name="Compare and merge").click()
    expect(page.get_by_role("radio", name="Company: Okafor Ltd is taken")).to_be_checked()
    page.get_by_role("radio", name="E-mail: m.okafor@mail.example is taken").check()
    page.get_by_role("button", name="Merge").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Maya Okafor")
    expect(page.locator("#customer-email-input")).to_have_value("m.okafor@mail.example")
    expect(page.locator("#timeline")).to_contain_text("Wrote by post")
    expect(page.locator("#about")).to_contain_text("maya@okafor.example")
    page.goto(clinic.url("customers/duplicates/"))
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#main")).to_contain_text("put back")
    page.goto(clinic.url("customers/?q=oka"))
    expect(page.locator("#customer-rows [data-customer]")).to_have_count(2)
    page.goto(clinic.url("customers/duplicates/"))
    expect(page.locator(".plain-list")).to_contain_text("Undone")
    open_page(page, clinic, maya)
    expect(page.locator("#customer-email-input")).to_have_value("maya@okafor.example")
    expect(page.locator("#timeline")).not_to_contain_text("Wrote by post")


def test_without_script_the_page_reads_and_its_forms_work(clinic, maya, task, sign_in, tmp_path):
    file = tmp_path / "scan.txt"
    file.write_text("scan")
    page = sign_in(clinic.alice.user, java_script_enabled=False)
    open_page(page, clinic, maya)
    page.locator("#entry-content").fill("By hand")
    save(page)
    expect(events(page).first).to_contain_text("By hand")
    page.get_by_role("button", name="Deposit paid").click()
    expect(page.locator(".stage-bar [aria-current]")).to_have_text("Deposit paid")
    page.get_by_role("button", name="Done: Send the estimate").click()
    expect(page.locator(".task")).to_have_count(0)
    page.locator("#show-task").check()
    page.get_by_role("button", name="Show", exact=True).click()
    expect(events(page)).to_have_count(1)
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_role("region", name="Files").get_by_role("button", name="Add").click()
    page.get_by_role("link", name="Delete scan.txt").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("link", name="scan.txt")).to_have_count(0)
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("link", name="Edit details").first.click()
    page.get_by_label("Company").fill("Okafor Ltd")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".facts")).to_contain_text("Okafor Ltd")


@pytest.fixture
def every_page(clinic, maya, task, own_fields, pair) -> dict[str, str]:
    """The pages, full of what is long."""
    long = clinic.customer(
        LONG, email=f"{'m' * 50}@donaudampfschifffahrtsgesellschaft.example", company="Donau" * 20, tags=["x" * 50]
    )
    gone = clinic.customer(f"Gone {LONG}")
    actor = clinic.alice.actor
    with organization_scope(clinic.organization):
        contacts.create(customer=long, actor=actor, name=LONG, relationship="guardian of the youngest child of all")
        deals.create(customer=long, actor=actor, title=LONG, owner=clinic.alice.user, amount="99999999.99")
        tasks.create(
            organization=clinic.organization, customer=long, actor=actor, title=LONG, assigned_to=clinic.alice.user
        )
        tags.create(organization=clinic.organization, name="amber one", actor=actor, color="amber")
        deletion.delete(customer=gone, actor=actor)
        contact, deal = Contact.objects.get(), Deal.objects.get()
        field, tag = CustomField.objects.get(key="days"), Tag.objects.get(name="amber one")
    log(clinic, long, LONG, "x" * 300)
    return {
        name: clinic.url(path)
        for name, path in {
            "customer": f"customers/{maya.pk}/", "long": f"customers/{long.pk}/",
            "edit": f"customers/{maya.pk}/edit/", "history": f"customers/{long.pk}/history/",
            "duplicates": "customers/duplicates/", "merge": f"customers/{long.pk}/merge/?into={maya.pk}",
            "find": f"customers/{maya.pk}/merge/?q=ma", "nobody": f"customers/{maya.pk}/merge/?q=zzz",
            "contact": f"contacts/{contact.pk}/", "deal": f"deals/{deal.pk}/", "task": f"tasks/{task.pk}/",
            "confirm": f"contacts/{contact.pk}/delete/", "fields": "settings/fields/",
            "field": f"settings/fields/{field.pk}/", "tags": "settings/tags/",
            "no tag": f"settings/tags/delete/?id={tag.pk}", "data": "settings/data/", "deleted": "customers/deleted/",
        }.items()
    }  # fmt: skip


@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_nothing_and_no_page_scrolls_sideways(screen, clinic, every_page, sign_in):
    page = sign_in(clinic.alice.user, reduced_motion="reduce", **SCREENS[screen])
    found = []
    for name, address in every_page.items():
        response = page.goto(address)
        assert response, name
        assert response.ok, name
        found += [f"{name}: {line}" for line in findings(page)]
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        main = page.evaluate(
            "document.querySelector('.app__main').scrollWidth - document.querySelector('.app__main').clientWidth"
        )
        if wide > 0 or main > 0:
            found.append(f"{name}: scrolls sideways by {max(wide, main)} px")
    page.goto(every_page["customer"])
    page.get_by_role("button", name="More", exact=True).click()
    expect(page.locator("#customer-menu")).to_be_visible()
    found += [f"menu: {line}" for line in findings(page)]
    assert "\n".join(found) == ""


def test_the_menu_opens_at_its_button_and_on_a_phone_the_timeline_comes_last(clinic, maya, sign_in):
    for options in ({}, PHONE):
        page = sign_in(clinic.alice.user, reduced_motion="reduce", **options)
        open_page(page, clinic, maya)
        button = page.get_by_role("button", name="More", exact=True)
        button.click()
        page.wait_for_function("document.querySelector('#customer-menu').classList.contains('is-anchored')")
        at, menu = button.bounding_box(), page.locator("#customer-menu").bounding_box()
        assert at
        assert menu
        assert abs(menu["y"] - at["y"] - at["height"]) < 12
        assert menu["x"] <= at["x"] + at["width"] <= menu["x"] + menu["width"] + 1
        assert menu["x"] >= 0
        page.keyboard.press("Escape")
    timeline, files = page.locator("#timeline").bounding_box(), page.get_by_role("region", name="Files").bounding_box()
    assert timeline
    assert files
    assert timeline["y"] > files["y"]
