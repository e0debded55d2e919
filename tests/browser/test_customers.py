"""The list of customers and the palette, as a person uses them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from core.tenancy import organization_scope
from customers.models import Customer, Stage
from customers.people import keys
from customers.people.custom_fields import services as custom_fields
from customers.people.customers import stage_moves
from customers.pipeline.deals import services as deals
from customers.work.tasks import services as tasks
from tests.browser.test_accessibility import SCREENS, findings

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
LONG = "Maximiliane Alexandra von und zu Hohenstein-Wittelsbach-Donaudampfschifffahrtsgesellschaft"


@pytest.fixture
def people(clinic) -> dict[str, Customer]:
    """Three with names, and sixty more, so that there is a second page."""
    made = {
        "Ada": clinic.customer(
            "Ada Byron", stage="contacted", email="ada@mail.example", tags=["vip"], owner=clinic.bob
        ),
        "Ben": clinic.customer("Ben Costa", stage="contacted"),
        "Cleo": clinic.customer("Cleo Diaz", status="active"),
    }
    with organization_scope(clinic.organization):
        stage = Stage.objects.order_by("position").first()
        more = [
            Customer(organization=clinic.organization, name=f"Zed {n:02}", code=f"C{100 + n}", stage=stage)
            for n in range(60)
        ]
        for customer in more:
            keys.set_keys(customer)
        Customer.objects.bulk_create(more)
    return made


def row(page: Page, name: str) -> Any:
    return page.locator("#customer-rows [data-customer]", has_text=name)


def names(page: Page) -> list[str]:
    return page.locator("#customer-rows .person b").all_text_contents()


def open_list(page: Page, clinic: Any, query: str = "?ordering=name") -> None:
    page.goto(clinic.url(f"customers/{query}"))
    page.wait_for_load_state("load")


def test_filters_order_columns_and_search_are_in_the_address(clinic, people, sign_in):
    page = sign_in(clinic.alice.user)
    open_list(page, clinic, "")
    page.get_by_role("button", name="Add filter").click()
    page.get_by_role("dialog", name="Filters").get_by_label("Stage").select_option("Contacted")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator(".chip--filter")).to_have_text(re.compile("Stage: Contacted"))
    expect(page).to_have_url(re.compile(r"\?stage=contacted$"))
    page.get_by_role("link", name="Customer", exact=True).click()
    expect(page.get_by_role("columnheader", name="Customer", exact=True)).to_have_attribute("aria-sort", "ascending")
    expect(page.get_by_role("link", name="Customer", exact=True)).to_be_focused()
    assert names(page) == ["Ada Byron", "Ben Costa"]
    page.get_by_role("button", name="Columns").click()
    page.get_by_role("dialog", name="Columns").get_by_label("Status", exact=True).check()
    page.get_by_role("button", name="Move Status to the front").click()
    page.get_by_role("button", name="Show these columns").click()
    expect(page.get_by_role("columnheader", name="Status")).to_be_visible()
    page.reload()
    expect(page.get_by_role("columnheader", name="Status")).to_be_visible()
    assert names(page) == ["Ada Byron", "Ben Costa"]
    page.get_by_role("searchbox").fill("byr")
    expect(row(page, "Ben Costa")).to_have_count(0)
    expect(page).to_have_url(re.compile("q=byr"))
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.get_by_role("link", name="Remove the filter Stage: Contacted").click()
    expect(page.locator(".chip--filter")).to_have_count(0)
    page.go_back()
    expect(page.locator(".chip--filter")).to_have_count(1)
    expect(page.get_by_role("searchbox")).to_have_value("byr")


def test_a_view_is_saved_and_kept(clinic, people, sign_in):
    page = sign_in(clinic.alice.user)
    open_list(page, clinic, "?stage=contacted&ordering=name&columns=name,stage")
    page.get_by_role("button", name="Save view").click()
    page.get_by_label("Name of the segment").fill("Called, not booked")
    page.get_by_label("Share with everybody here").check()
    page.get_by_role("button", name="Save segment").click()
    tab = page.get_by_role("link", name=re.compile("Called, not booked"))
    expect(tab).to_have_attribute("aria-current", "page")
    expect(page).to_have_url(re.compile(r"\?segment=[0-9a-f-]+$"))
    page.get_by_role("link", name="Everybody").click()
    expect(page.locator("#customer-rows [data-customer]")).to_have_count(50)
    tab.click()
    expect(page.locator("#customer-rows [data-customer]")).to_have_count(2)
    page.reload()
    expect(page.locator("#customer-rows [data-customer]")).to_have_count(2)
    page.get_by_role("link", name="Remove the filter Stage: Contacted").click()
    expect(page.get_by_role("button", name="Update segment")).to_be_visible()
    expect(page.locator(".chip--filter")).to_have_count(0)


def test_a_selection_is_changed_and_put_back(clinic, people, sign_in):
    page = sign_in(clinic.alice.user)
    open_list(page, clinic)
    bar = page.locator("#bulk")
    expect(bar).to_be_hidden()
    row(page, "Ada Byron").get_by_role("checkbox").check()
    row(page, "Cleo Diaz").get_by_role("checkbox").click(modifiers=["Shift"])
    expect(bar.get_by_role("status")).to_have_text("3 selected")
    bar.get_by_role("button", name="Stage").click()
    page.get_by_role("button", name="Consult booked").click()
    expect(page.locator(".job-bar")).to_contain_text("3 customers changed.")
    expect(row(page, "Ada Byron")).to_contain_text("Consult booked")
    expect(bar).to_be_hidden()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".job-bar")).to_contain_text("3 put back.")
    expect(row(page, "Ada Byron")).to_contain_text("Contacted")
    page.locator(".job-bar").get_by_role("button", name="Dismiss").click()
    expect(page.locator(".job-bar")).to_have_count(0)


def test_all_that_match_are_deleted_after_a_question(clinic, people, sign_in):
    page = sign_in(clinic.alice.user)
    open_list(page, clinic, "?q=zed")
    page.get_by_role("checkbox", name="Select every customer on this page").check()
    page.get_by_role("button", name="Select all 60 that match").click()
    expect(page.locator("#bulk").get_by_role("status")).to_have_text("All 60 selected")
    page.locator("#bulk").get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog", name="Delete 60 customers?")
    expect(dialog).to_contain_text("30 days")
    dialog.get_by_role("link", name="Cancel").click()
    expect(dialog).to_be_hidden()
    page.locator("#bulk").get_by_role("button", name="Delete").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(page.locator(".job-bar")).to_contain_text("60 customers changed.")
    expect(page.get_by_text("Nobody found")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".job-bar")).to_contain_text("60 put back.")
    expect(page.get_by_text("60 customers", exact=True)).to_be_visible()


def test_stage_owner_and_tags_are_changed_in_the_row_by_keyboard(clinic, people, sign_in):
    page = sign_in(clinic.alice.user)
    open_list(page, clinic)
    ben = row(page, "Ben Costa")
    stage = ben.get_by_role("link", name=re.compile("Stage:"))
    stage.focus()
    page.keyboard.press("Enter")
    editor = page.locator("#cell-editor")
    expect(editor.get_by_role("button", name="Contacted")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(ben).to_contain_text("Consult booked")
    expect(stage).to_be_focused()
    expect(editor).to_be_hidden()
    ben.get_by_role("link", name=re.compile("Owner:")).click()
    editor.get_by_role("button", name="Bob Reyes").click()
    expect(ben).to_contain_text("Bob Reyes")
    ben.get_by_role("link", name=re.compile("Tags:")).click()
    editor.get_by_label("Add a tag").fill("late payer")
    page.keyboard.press("Enter")
    expect(ben).to_contain_text("late payer")
    expect(editor.get_by_label("Add a tag")).to_be_focused()
    page.keyboard.press("Escape")
    expect(editor).to_be_hidden()
    expect(ben.get_by_role("link", name=re.compile("Tags:"))).to_be_focused()
    assert "customers/?ordering=name" in page.url


def test_a_panel_opens_beside_the_list_and_closes_by_back(clinic, people, sign_in):
    page = sign_in(clinic.alice.user)
    open_list(page, clinic)
    panel = page.locator("#side-panel")
    page.get_by_role("link", name=re.compile("Ben Costa")).click()
    expect(panel.locator("#customer-name-input")).to_have_value("Ben Costa")
    expect(panel).to_be_focused()
    expect(page).to_have_url(re.compile(f"open={people['Ben'].pk}"))
    expect(row(page, "Ben Costa")).to_be_visible()
    page.keyboard.press("j")
    expect(panel.locator("#customer-name-input")).to_have_value("Cleo Diaz")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("k")
    expect(panel.locator("#customer-name-input")).to_have_value("Ada Byron")
    panel.get_by_label("Stage").select_option("Contacted")
    expect(row(page, "Ada Byron")).to_contain_text("Contacted")
    page.go_back()
    expect(panel).to_be_hidden()
    assert "open=" not in page.url
    page.go_forward()
    expect(panel.locator("#customer-name-input")).to_have_value("Ada Byron")
    page.reload()
    expect(panel.locator("#customer-name-input")).to_have_value("Ada Byron")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(page.locator(f"#open-{people['Ada'].pk}")).to_be_focused()


def test_on_a_phone_the_panel_is_the_whole_screen(clinic, people, sign_in):
    page = sign_in(clinic.alice.user, **PHONE)
    open_list(page, clinic)
    page.get_by_role("link", name=re.compile("Ben Costa")).tap()
    panel = page.locator("#side-panel")
    expect(panel.locator("#customer-name-input")).to_have_value("Ben Costa")
    # Once it has slid in.
    page.wait_for_function(
        """() => { const box = document.getElementById("side-panel").getBoundingClientRect();
                   return [box.x, box.y, box.width].map(Math.round).join() === "0,0,390"; }"""
    )
    assert page.evaluate("document.getElementById('records').inert")  # what lies beneath is out of reach
    panel.get_by_role("button", name="Close").tap()
    expect(panel).to_be_hidden()
    assert not page.evaluate("document.getElementById('records').inert")


def test_a_row_changes_when_somebody_else_changes_the_customer(clinic, people, sign_in):
    page = sign_in(clinic.alice.user)
    open_list(page, clinic)
    page.wait_for_timeout(1000)
    with organization_scope(clinic.organization):
        lost = Stage.objects.get(key="lost")
        stage_moves.move(customer=people["Ben"], stage=lost, actor=clinic.bob.actor)
    expect(row(page, "Ben Costa")).to_contain_text("Lost")


def test_more_rows_come_by_scrolling_each_once(clinic, people, sign_in):
    page = sign_in(clinic.alice.user)
    open_list(page, clinic)
    expect(page.locator("#customer-rows [data-customer]")).to_have_count(50)
    page.locator("#more-customers").scroll_into_view_if_needed()
    expect(page.locator("#customer-rows [data-customer]")).to_have_count(63)
    found = names(page)
    assert found == sorted(found)
    assert len(set(found)) == 63


def test_the_palette_finds_and_does_by_keyboard(clinic, people, sign_in):
    clinic.receive("Is there parking?", name="Ada Receives", phone="+447700900177")
    with organization_scope(clinic.organization):
        deals.create(customer=people["Ben"], actor=clinic.alice.actor, title="Ada’s braces")
        tasks.create(
            organization=clinic.organization, actor=clinic.alice.actor, customer=people["Ben"], title="Ada call"
        )
    page = sign_in(clinic.alice.user)
    page.goto(clinic.url("inbox/"))
    page.wait_for_load_state("load")
    page.keyboard.press("Control+k")
    palette = page.get_by_role("dialog", name="Find and do anything")
    ask = palette.get_by_role("combobox")
    expect(ask).to_be_focused()
    expect(palette.get_by_role("option", name="New customer")).to_be_visible()
    page.keyboard.type("ada")
    expect(palette.get_by_role("group", name="Conversations")).to_be_visible()
    for group in ("Customers", "Deals", "Tasks"):
        expect(palette.get_by_role("group", name=group)).to_be_visible()
    first, second = palette.get_by_role("option").nth(0), palette.get_by_role("option").nth(1)
    expect(first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    expect(second).to_have_attribute("aria-selected", "true")
    expect(ask).to_have_attribute("aria-activedescendant", second.get_attribute("id"))
    page.keyboard.press("Control+a")
    page.keyboard.type("byron")
    page.keyboard.press("Enter")  # at once: it waits for the answer to what was typed
    expect(page).to_have_url(re.compile(f"customers/{people['Ada'].pk}/"))
    page.wait_for_load_state("load")
    page.keyboard.press("Control+k")
    expect(ask).to_be_focused()
    page.keyboard.type("dark th")
    expect(palette.get_by_role("option").first).to_contain_text("Dark theme")
    expect(palette.get_by_role("option").first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(palette).to_be_hidden()
    page.get_by_role("link", name="Find").click()
    expect(palette).to_be_visible()
    page.keyboard.type("nobody has this name")
    expect(palette.get_by_text("Nothing found", exact=True).first).to_be_visible()
    page.keyboard.press("Escape")
    expect(palette).to_be_hidden()
    expect(page.get_by_role("link", name="Find")).to_be_focused()


def test_without_a_script_one_filters_sorts_pages_and_changes_many(clinic, people, sign_in):
    page = sign_in(clinic.alice.user, java_script_enabled=False)
    page.goto(clinic.url("customers/"))
    page.get_by_role("searchbox").fill("zed")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Customer", exact=True).click()
    assert names(page)[0] == "Zed 00"
    page.get_by_role("link", name="More customers").click()
    assert names(page)[0] == "Zed 50"
    row(page, "Zed 51").get_by_role("checkbox").check()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Delete 1 customer?")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    expect(page).to_have_url(re.compile("/jobs/"))
    page.goto(clinic.url("customers/"))
    page.get_by_role("link", name=re.compile("Find")).click()
    page.get_by_role("searchbox").fill("byron")
    page.keyboard.press("Enter")
    page.get_by_role("option", name=re.compile("Ada Byron")).click()
    expect(page).to_have_url(re.compile(f"customers/{people['Ada'].pk}/"))


@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_nothing_in_the_list_and_what_opens_from_it(screen, clinic, people, sign_in):
    with organization_scope(clinic.organization):
        for kind in ("number", "date", "boolean", "url"):
            custom_fields.create(
                organization=clinic.organization, actor=clinic.alice.actor, key=kind, label=f"Our {kind}", type=kind
            )
    clinic.customer(
        LONG, company=LONG, tags=["one", "two", "a rather long tag of many words"], own_fields={"number": 7}
    )
    page = sign_in(clinic.alice.user, reduced_motion="reduce", **SCREENS[screen])
    found = {}
    page.goto(clinic.url("customers/?ordering=-created_at&q=zzz&status=nonsense"))
    found["nobody found"] = findings(page)
    every = "name,code,reach,company,stage,assigned_to,tags,status,custom.number,custom.date,custom.boolean,custom.url"
    page.goto(clinic.url(f"customers/?columns={every}&created_from=2020-01-01&ordering=name"))
    found["the list"] = findings(page)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    for button in ("Filter", "Columns", "Save view"):
        page.get_by_role("button", name=button, exact=True).click()
        found[button] = findings(page)
        page.keyboard.press("Escape")
    page.locator("[data-choose]").first.check()
    found["a selection"] = findings(page)
    page.locator("#bulk").get_by_role("button", name="Delete").click()
    expect(page.locator("#bulk-confirm")).to_be_visible()
    found["the question"] = findings(page)
    page.keyboard.press("Escape")
    page.locator("[data-edit*='field=tags']").first.click()
    expect(page.locator("#cell-editor")).to_be_visible()
    found["a cell"] = findings(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Clear the selection").click()
    page.locator("a.person").first.click()
    expect(page.locator("#side-panel #customer-name-input")).to_be_visible()
    expect(page.locator("#side-panel .event").first).to_be_visible()
    found["the panel"] = findings(page)
    page.keyboard.press("Control+k")
    expect(page.locator("#palette .palette__option").first).to_be_visible()
    found["the palette"] = findings(page)
    page.goto(clinic.url("palette/?q=byron"))
    found["the palette as a page"] = findings(page)
    assert "\n".join(f"{where}: {line}" for where, lines in found.items() for line in lines) == ""
