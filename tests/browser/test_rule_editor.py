"""A rule written by keyboard alone, switched on, and at work on the next signed webhook."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from core.tenancy import organization_scope
from customers.models import Customer
from tests.fakes.twilio.webhooks import post_signed
from tests.messaging.conftest import AUTH_TOKEN, inbound_params, make_channel

MAX_TABS = 150


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until it has the focus: everything has to be within reach of a keyboard."""
    target.wait_for()
    for _press in range(MAX_TABS):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"{target} can’t be reached by Tab.")


def choose(page: Page, target: Locator, words: str, *, then: str) -> None:
    """Choose in the list that has the focus by typing its words; what hangs on it (`then`) follows."""
    expect(target).to_be_focused()
    page.keyboard.type(words)
    page.locator(then).wait_for()
    # The part of the page was exchanged, and the focus is where it was.
    expect(target).to_be_focused()


def test_a_rule_is_written_by_keyboard_alone_and_acts_on_a_signed_webhook(clinic, sign_in, stack):
    make_channel(clinic.organization, "whatsapp")
    clinic.receive("Good morning")
    page = sign_in(clinic.alice.user)
    page.goto(clinic.url("settings/rules/"))
    tab_to(page, page.get_by_role("link", name="New rule"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_label("Name"))
    page.keyboard.type("Who asks for a bridge")

    tab_to(page, page.get_by_role("button", name="Add a condition"))
    page.keyboard.press("Enter")
    choose(page, page.locator("#rule-conditions-rows-0-field"), "Text of the m", then="#rule-conditions-rows-0-op")
    page.keyboard.press("Tab")
    choose(page, page.locator("#rule-conditions-rows-0-op"), "contains", then="#rule-conditions-rows-0-value")
    page.keyboard.press("Tab")
    page.keyboard.type("bridge")
    live = page.locator("#rule-live")
    expect(live).to_contain_text("Text of the message contains “bridge”. It is “Good morning”.")

    tab_to(page, page.get_by_role("button", name="Add an action"))
    page.keyboard.press("Enter")
    choose(page, page.locator("#rule-actions-0-action"), "Add a tag", then="#rule-actions-0-params-tag")
    tab_to(page, page.get_by_label("Tag", exact=True))
    page.keyboard.type("bridge")
    expect(live).to_contain_text("Add a tag: “bridge”")
    # Enter in a field saves.
    page.keyboard.press("Enter")
    expect(page.get_by_text("It has not acted yet.")).to_be_visible()
    tab_to(page, page.get_by_role("button", name="Switch on"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Switch off")).to_be_visible()

    params = inbound_params(Body="How much is a bridge?")
    assert post_signed(f"{stack.address}/webhooks/twilio/whatsapp", params, AUTH_TOKEN) == 200
    for _try in range(40):
        with organization_scope(clinic.organization):
            if Customer.objects.filter(tags__name="bridge").exists():
                break
        page.wait_for_timeout(250)
    page.reload()
    row = page.get_by_role("row").filter(has_text="Ada")
    expect(row).to_contain_text("Added the tag “bridge”.")
    row.get_by_role("link", name="Ada").click()
    expect(page.get_by_role("link", name="Why, and why not?")).to_be_visible()
    page.get_by_role("link", name="Why, and why not?").click()
    expect(page.get_by_text("Acted")).to_be_visible()


def test_rows_keep_the_focus_while_they_move(clinic, sign_in):
    page = sign_in(clinic.alice.user)
    page.goto(clinic.url("settings/rules/new/?from=no_answer"))
    second = page.locator("#rule-actions-1-action")
    expect(second).to_have_value("add_tag")
    page.get_by_role("button", name="Move 2 up").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#rule-actions-0-action")).to_have_value("add_tag")
    expect(page.get_by_role("button", name="Move 1 down")).to_be_focused()
    page.keyboard.press("Enter")
    expect(second).to_have_value("add_tag")
    expect(page.get_by_role("button", name="Move 2 up")).to_be_focused()
    page.get_by_role("button", name="Take 2 away").focus()
    page.keyboard.press("Enter")
    expect(second).to_have_count(0)
    expect(page.locator("#rule-actions-0-action")).to_be_focused()
    page.get_by_role("button", name="Add a group").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#rule-conditions-rows-0-rows-0-field")).to_be_focused()


def test_a_placeholder_is_put_where_one_writes(clinic, sign_in):
    page = sign_in(clinic.alice.user)
    page.goto(clinic.url("settings/rules/new/?from=away"))
    text = page.locator("#rule-actions-0-params-body")
    text.fill("Hello ")
    page.get_by_role("button", name="customer.first_name").click()
    expect(text).to_have_value("Hello {{ customer.first_name }}")
    expect(text).to_be_focused()
    expect(page.locator("#rule-live")).to_contain_text("Hello {{ customer.first_name }}")
