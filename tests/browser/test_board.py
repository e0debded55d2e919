"""The boards as people use them: with a mouse, a finger, the keyboard and the menu, and two people at once."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from core.tenancy import organization_scope
from customers.models import Customer, Deal, Stage, StageChange
from customers.people import keys
from customers.people.customers import stage_moves
from customers.pipeline.deals import services as deals
from tests.browser.test_accessibility import SCREENS, findings

WIDE = {"viewport": {"width": 1800, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture
def people(clinic) -> dict[str, Customer]:
    made = {
        "Ada": clinic.customer("Ada Byron", owner=clinic.bob, tags=["vip", "implants", "third"], company="Engines Ltd"),
        "Ben": clinic.customer("Ben Costa"),
        "Cleo": clinic.customer("Cleo Diaz", stage="contacted"),
    }
    with organization_scope(clinic.organization):
        deals.create(customer=made["Ada"], actor=clinic.alice.actor, title="Crown", amount=1200)
        late = timezone.now() - timedelta(hours=30)
        Customer.objects.filter(pk=made["Ben"].pk).update(last_activity_at=late, stage_since=late)
    return made


def column(page: Page, key: str) -> Locator:
    return page.locator(f"#column-{key}")


def card(page: Page, name: str) -> Locator:
    return page.locator("#board [data-card]", has_text=name)


def count(page: Page, key: str) -> Locator:
    return column(page, key).locator("[data-count]")


def open_board(page: Page, clinic: Any, path: str = "pipeline/") -> None:
    page.goto(clinic.url(path))
    page.wait_for_load_state("load")
    # The stream has told the page to look at everything once.
    page.wait_for_timeout(700)


def drag(page: Page, what: Locator, to: Locator) -> None:
    # Waits until it stands still: a card that was taken back glides to its place.
    what.scroll_into_view_if_needed()
    start, end = what.bounding_box(), to.bounding_box()
    assert start
    assert end
    page.mouse.move(start["x"] + 60, start["y"] + start["height"] - 8)
    page.mouse.down()
    page.mouse.move(start["x"] + 75, start["y"] + 30, steps=3)
    page.mouse.move(end["x"] + end["width"] / 2, end["y"] + min(end["height"] / 2, 300), steps=6)
    expect(page.locator(".board-card--ghost")).to_be_visible()
    page.mouse.up()


def stage_of(customer: Customer) -> str:
    with organization_scope(customer.organization):
        return str(Customer.objects.select_related("stage").get(pk=customer.pk).stage.key)


def test_a_card_is_dragged_and_the_move_taken_back(clinic, people, sign_in):
    page = sign_in(clinic.alice.user, **WIDE)
    open_board(page, clinic)
    expect(count(page, "new")).to_have_text("2")
    expect(column(page, "new").locator(".column__facts")).to_contain_text("1,200 GBP")
    drag(page, card(page, "Ada Byron"), column(page, "engaged"))
    expect(column(page, "engaged").locator("[data-card]")).to_contain_text("Ada Byron")
    expect(count(page, "engaged")).to_have_text("1")
    expect(count(page, "new")).to_have_text("1")
    expect(page.locator("#toasts")).to_contain_text("Ada Byron moved to Engaged.")
    expect(page.locator("#side-panel")).to_be_hidden()
    assert stage_of(people["Ada"]) == "engaged"
    page.get_by_role("button", name="Undo").click()
    expect(column(page, "new").locator("[data-card]", has_text="Ada Byron")).to_be_visible()
    expect(count(page, "new")).to_have_text("2")
    assert stage_of(people["Ada"]) == "new"
    page.reload()
    expect(column(page, "new").locator("[data-card]", has_text="Ada Byron")).to_be_visible()


def test_escape_and_a_drop_beside_the_board_change_nothing(clinic, people, sign_in):
    page = sign_in(clinic.alice.user, **WIDE)
    open_board(page, clinic)
    box, to = card(page, "Ada Byron").bounding_box(), column(page, "engaged").bounding_box()
    for end in ("Escape", "outside"):
        page.mouse.move(box["x"] + 60, box["y"] + 50)
        page.mouse.down()
        page.mouse.move(to["x"] + 80, to["y"] + 200, steps=5)
        expect(column(page, "engaged")).to_have_class(re.compile("is-target"))
        if end == "Escape":
            page.keyboard.press("Escape")
        else:
            page.mouse.move(to["x"], 20, steps=3)
        page.mouse.up()
        expect(page.locator(".board-card--ghost")).to_have_count(0)
        expect(column(page, "new").locator("[data-card]", has_text="Ada Byron")).to_be_visible()
    assert stage_of(people["Ada"]) == "new"
    with organization_scope(clinic.organization):
        assert not StageChange.objects.filter(customer=people["Ada"]).exists()


def test_a_card_is_moved_by_key_and_undone_by_key(clinic, people, sign_in):
    page = sign_in(clinic.alice.user, **WIDE)
    open_board(page, clinic)
    link = page.get_by_role("link", name="Ada Byron", exact=True)
    link.focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("link", name="Ben Costa", exact=True)).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("link", name="Cleo Diaz", exact=True)).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(link).to_be_focused()
    page.keyboard.press("Space")
    expect(page.locator("#announcer")).to_contain_text("Ada Byron lifted from New")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#announcer")).to_have_text("Engaged, 2 of 7.")
    page.keyboard.press("Escape")
    expect(page.locator("#announcer")).to_have_text("Ada Byron is back in New.")
    assert stage_of(people["Ada"]) == "new"
    page.keyboard.press("Space")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(page.locator("#announcer")).to_have_text("Consult booked, 4 of 7.")
    page.keyboard.press("Space")
    expect(page.locator("#toasts")).to_contain_text("Ada Byron moved to Consult booked.")
    expect(count(page, "consult_booked")).to_have_text("1")
    expect(link).to_be_focused()
    assert stage_of(people["Ada"]) == "consult_booked"
    page.keyboard.press("Control+z")
    expect(column(page, "new").locator("[data-card]", has_text="Ada Byron")).to_be_visible()
    assert stage_of(people["Ada"]) == "new"


def test_lost_asks_why_and_takes_no_silence_for_an_answer(clinic, people, sign_in):
    page = sign_in(clinic.alice.user, **WIDE)
    open_board(page, clinic)
    dialog = page.get_by_role("dialog", name=re.compile("^Why"))
    drag(page, card(page, "Ben Costa"), column(page, "lost"))
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Cancel").click()
    expect(column(page, "new").locator("[data-card]", has_text="Ben Costa")).to_be_visible()
    page.get_by_role("link", name="Move Ben Costa to…").click()
    page.get_by_role("dialog", name="Move to").get_by_role("button", name="Lost").click()
    dialog.get_by_role("button", name="Move to lost").click()
    expect(dialog.get_by_role("alert")).to_be_visible()
    dialog.get_by_role("radio", name="Went elsewhere").check()
    dialog.get_by_label(re.compile("In your own words")).fill("To the one round the corner.")
    dialog.get_by_role("button", name="Move to lost").click()
    expect(count(page, "lost")).to_have_text("1")
    assert stage_of(people["Ben"]) == "lost"
    with organization_scope(clinic.organization):
        assert StageChange.objects.get(customer=people["Ben"]).reason == "Went elsewhere: To the one round the corner."
    column(page, "lost").get_by_role("button", name="Show the cards of Lost").click()
    expect(column(page, "lost").locator("[data-card]")).to_contain_text("Ben Costa")


def test_a_refused_move_puts_the_card_back_and_says_why(clinic, people, sign_in):
    page = sign_in(clinic.alice.user, **WIDE)
    open_board(page, clinic)
    page.route("**/move/", lambda route: route.fulfill(status=409, json={"detail": "They were merged meanwhile."}))
    drag(page, card(page, "Ada Byron"), column(page, "contacted"))
    expect(page.locator(".toast--error")).to_contain_text("They were merged meanwhile.")
    expect(column(page, "new").locator("[data-card]", has_text="Ada Byron")).to_be_visible()
    assert stage_of(people["Ada"]) == "new"


def test_somebody_elses_move_is_seen_at_once(clinic, people, sign_in):
    mine, theirs = sign_in(clinic.alice.user, **WIDE), sign_in(clinic.bob.user, **WIDE)
    open_board(mine, clinic)
    open_board(theirs, clinic)
    expect(card(theirs, "Ben Costa")).to_have_count(0)
    drag(mine, card(mine, "Ada Byron"), column(mine, "contacted"))
    expect(column(theirs, "contacted").locator("[data-card]")).to_contain_text("Ada Byron")
    expect(count(theirs, "contacted")).to_have_text("1")
    with organization_scope(clinic.organization):
        stage = Stage.objects.get(key="deposit_paid")
        ada = Customer.objects.select_related("organization", "stage").get(pk=people["Ada"].pk)
        stage_moves.move(customer=ada, stage=stage, actor=clinic.alice.actor)
    for page in (mine, theirs):
        expect(column(page, "deposit_paid").locator("[data-card]")).to_contain_text("Ada Byron")
        expect(count(page, "deposit_paid")).to_have_text("1")


def test_columns_load_more_filters_are_in_the_address_and_back_works(clinic, people, sign_in):
    now = timezone.now()
    with organization_scope(clinic.organization):
        stage = Stage.objects.get(key="engaged")
        crowd = [
            Customer(
                organization=clinic.organization, name=f"Zed {n:02}", code=f"C{100 + n}", stage=stage,
                last_activity_at=now - timedelta(minutes=n),
            )
            for n in range(60)
        ]  # fmt: skip
        for customer in crowd:
            keys.set_keys(customer)
        Customer.objects.bulk_create(crowd)
    page = sign_in(clinic.alice.user, **WIDE)
    open_board(page, clinic)
    cards = column(page, "engaged").locator("[data-card]")
    expect(cards).to_have_count(25)
    for _ in range(4):
        column(page, "engaged").locator("[data-cards]").evaluate("(one) => one.scrollTo(0, one.scrollHeight)")
        page.wait_for_timeout(300)
    expect(cards).to_have_count(60)
    assert [name[:6] for name in cards.locator("[data-name]").all_text_contents()] == [f"Zed {n:02}" for n in range(60)]
    page.get_by_role("button", name="Add filter").click()
    page.get_by_role("dialog", name="Filters").get_by_label("Overdue").select_option("Yes")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page).to_have_url(re.compile(r"\?overdue=true$"))
    expect(page.locator("#board [data-card]")).to_have_count(1)
    expect(card(page, "Ben Costa")).to_contain_text("Overdue")
    page.get_by_role("link", name="Longest quiet").click()
    expect(page).to_have_url(re.compile(r"ordering=last_activity_at"))
    page.go_back()
    page.go_back()
    expect(cards).to_have_count(25)
    page.get_by_role("searchbox").fill("ada")
    expect(page.locator("#board [data-card]")).to_have_count(1)
    expect(page.get_by_role("searchbox")).to_be_focused()
    card(page, "Ada Byron").locator("[data-name]").click()
    expect(page.locator("#side-panel")).to_contain_text("Open page")
    expect(page).to_have_url(re.compile("open="))
    page.reload()
    expect(page.locator("#side-panel")).to_contain_text("Open page")
    page.keyboard.press("Escape")
    expect(page.locator("#side-panel")).to_be_hidden()


def test_on_a_phone_a_finger_swipes_columns_and_lifts_a_card_after_a_moment(clinic, people, sign_in):
    page = sign_in(clinic.alice.user, **PHONE)
    open_board(page, clinic)
    box = card(page, "Ada Byron").bounding_box()
    touch = page.context.new_cdp_session(page)

    def finger(kind: str, x: float, y: float) -> None:
        points = [] if kind == "touchEnd" else [{"x": x, "y": y}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    x, y = box["x"] + 80, box["y"] + box["height"] - 12
    finger("touchStart", x, y)
    page.wait_for_timeout(500)
    expect(page.locator(".board-card--ghost")).to_be_visible()
    # At the edge the board goes on by itself.
    for step in range(12):
        finger("touchMove", min(x + step * 30, 380), y + step)
        page.wait_for_timeout(40)
    for _ in range(50):
        if page.evaluate("document.getElementById('board').scrollLeft") > 250:
            break
        page.wait_for_timeout(100)
    assert page.evaluate("document.getElementById('board').scrollLeft") > 250
    finger("touchMove", 200, y)
    page.wait_for_timeout(100)
    finger("touchEnd", 200, y)
    expect(page.locator("#toasts")).to_contain_text("Ada Byron moved to")
    assert stage_of(people["Ada"]) != "new"


def test_deals_are_won_and_lost_by_dropping_them(clinic, people, sign_in):
    page = sign_in(clinic.alice.user, **WIDE)
    open_board(page, clinic, "deals/board/")
    drag(page, card(page, "Crown"), column(page, "treatment_done"))
    expect(page.locator("#toasts")).to_contain_text("“Crown” is won.")
    expect(count(page, "treatment_done")).to_have_text("1")
    with organization_scope(clinic.organization):
        deal = Deal.objects.get()
        assert deal.status == "won"
    page.get_by_role("button", name="Undo").click()
    expect(column(page, "new").locator("[data-card]")).to_contain_text("Crown")
    drag(page, card(page, "Crown"), column(page, "lost"))
    dialog = page.get_by_role("dialog", name=re.compile("^Why"))
    dialog.get_by_role("radio", name="Too expensive").check()
    dialog.get_by_role("button", name="Move to lost").click()
    expect(page.locator("#toasts")).to_contain_text("“Crown” is lost.")
    deal.refresh_from_db()
    assert (deal.status, deal.lost_reason) == ("lost", "Too expensive")
    page.get_by_role("link", name="List").click()
    page.wait_for_url(f"**{clinic.url('deals/')}", wait_until="load")
    page.get_by_label("Status").select_option("Won")
    expect(page).to_have_url(re.compile("status=won"))
    expect(page.get_by_text("No deal found")).to_be_visible()


def test_stages_are_put_in_order_by_grip_and_button(clinic, sign_in):
    page = sign_in(clinic.alice.user)
    page.goto(clinic.url("settings/pipeline/"))
    names = page.locator(".stage-list__name bdi")
    expect(names.first).to_have_text("New")
    grips = page.locator("[data-grip]")
    start, end = grips.nth(0).bounding_box(), grips.nth(2).bounding_box()
    page.mouse.move(start["x"] + 10, start["y"] + 15)
    page.mouse.down()
    page.mouse.move(start["x"] + 10, end["y"] + end["height"], steps=8)
    page.mouse.up()
    expect(names.nth(2)).to_have_text("New")
    expect(page.locator("#stage-list.htmx-request")).to_have_count(0)
    for place in (1, 0):
        page.get_by_role("button", name="Move New up").click()
        expect(names.nth(place)).to_have_text("New")
    expect(page.get_by_role("button", name="Move New down")).to_be_focused()
    with organization_scope(clinic.organization):
        assert [stage.key for stage in Stage.objects.all()][:3] == ["new", "engaged", "contacted"]


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("path", ["pipeline/", "deals/", "deals/board/", "deals/new/", "settings/pipeline/"])
def test_axe_finds_nothing(clinic, people, sign_in, screen, path):
    page = sign_in(clinic.alice.user, **SCREENS[screen])
    open_board(page, clinic, path)
    assert findings(page) == []
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0


def test_axe_finds_nothing_in_dialog_menu_and_forms(clinic, people, sign_in):
    page = sign_in(clinic.alice.user, **WIDE)
    open_board(page, clinic)
    page.get_by_role("link", name="Move Ada Byron to…").click()
    assert findings(page) == []
    page.get_by_role("dialog", name="Move to").get_by_role("button", name="Lost").click()
    expect(page.get_by_role("dialog", name=re.compile("^Why"))).to_be_visible()
    assert findings(page) == []
    with organization_scope(clinic.organization):
        deal, stage = Deal.objects.get(), Stage.objects.get(key="new")
    for path in (
        f"customers/{people['Ada'].pk}/move/", f"deals/{deal.pk}/", f"deals/{deal.pk}/move/",
        f"settings/pipeline/{stage.pk}/", f"settings/pipeline/{stage.pk}/remove/",
    ):  # fmt: skip
        page.goto(clinic.url(path))
        assert findings(page) == [], path


def test_list_and_panel_ask_why_somebody_is_lost(clinic, people, sign_in):
    page = sign_in(clinic.alice.user, **WIDE)
    page.goto(clinic.url(f"customers/?open={people['Cleo'].pk}"))
    dialog = page.get_by_role("dialog", name=re.compile("^Why"))
    stage = page.locator("#side-panel").get_by_label("Stage")
    stage.select_option("Lost")
    expect(dialog).to_be_visible()
    assert findings(page) == []
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(stage.locator("option:checked")).to_have_text("Contacted")
    stage.select_option("Lost")
    dialog.get_by_role("radio", name="Not a fit").check()
    dialog.get_by_role("button", name="Move to lost").click()
    cleo = page.locator(f"#customer-{people['Cleo'].pk}")
    expect(cleo).to_contain_text("Lost")
    assert stage_of(people["Cleo"]) == "lost"
    ben = page.locator(f"#customer-{people['Ben'].pk}")
    ben.get_by_role("link", name=re.compile("Stage:")).click()
    page.locator("#cell-editor").get_by_role("button", name="Lost").click()
    dialog.get_by_role("button", name="Move to lost").click()
    expect(dialog.get_by_role("alert")).to_be_visible()
    dialog.get_by_label(re.compile("In your own words")).fill("Moved away.")
    dialog.get_by_role("button", name="Move to lost").click()
    expect(ben).to_contain_text("Lost")
    expect(dialog).to_have_count(0)
    with organization_scope(clinic.organization):
        assert StageChange.objects.get(customer=people["Ben"]).reason == "Moved away."
