"""The bell: its number in every tab, notices of the browser once for all of them, and how one is told."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect

from core.tenancy import organization_scope
from customers.models import Customer
from customers.people.customers import services as customers
from workflows.models import Notification

# In place of the system's notices and of the loudspeaker: what the page asks them for.
RECORDER = """
window.told = []; window.tones = 0;
window.Notification = class extends EventTarget {
  static permission = localStorage.getItem("allowed") ?? "default";
  static async requestPermission() {
    localStorage.setItem("allowed", "granted");
    return (this.permission = "granted");
  }
  constructor(title, options) { super(); window.told.push({ title, ...options }); }
  close() {}
};
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...at) { window.tones += 1; return start.apply(this, at); };
"""


def bell(page: Page) -> Any:
    return page.locator(".rail__list > li:not(.rail__more) [data-badge=bell]")


def hers(clinic: Any) -> Customer:
    """A customer of Alice's who has written; what she was told of before she has read."""
    received = clinic.receive("Hello", name="Maya Okafor")
    with organization_scope(clinic.organization):
        customer = Customer.objects.get(pk=received.customer_id)
        customers.assign(customer=customer, owner=clinic.alice.user, actor=clinic.alice.actor)
    return customer


def read_everything(clinic: Any, page: Page) -> None:
    """What the worker makes of the beginning is there, and is read."""
    with organization_scope(clinic.organization):
        for _try in range(40):
            if Notification.objects.filter(kind="message", member=clinic.alice.member).exists():
                break
            page.wait_for_timeout(250)
    page.goto(clinic.url("notifications/"))
    page.get_by_role("button", name="Mark all as read").click()
    expect(page.get_by_text("All read")).to_be_visible()


def test_the_number_is_right_in_every_tab_and_what_is_read_in_one_is_read_in_the_other(clinic, sign_in):
    hers(clinic)
    page = sign_in(clinic.alice.user)
    read_everything(clinic, page)
    other = page.context.new_page()
    other.goto(clinic.url("tasks/"))
    apart = sign_in(clinic.alice.user)  # another browser
    apart.goto(clinic.url("customers/"))
    for tab in (page, other, apart):
        expect(bell(tab)).to_be_hidden()
    clinic.deliver("Is anybody there?")
    for tab in (page, other, apart):
        expect(bell(tab)).to_have_text("1 unread")
    clinic.deliver("Hello?")
    # The open list follows, with one line for both.
    expect(page.locator("[data-line]")).to_have_count(1)
    expect(page.locator("[data-line]")).to_contain_text("Maya Okafor wrote 2 messages")
    page.get_by_role("link", name="Maya Okafor wrote").click()
    expect(page.locator("#thread-header")).to_contain_text("Maya Okafor")
    for tab in (page, other, apart):
        expect(bell(tab)).to_be_hidden()


def test_by_keyboard_one_is_read_and_the_list_is_empty(clinic, sign_in):
    hers(clinic)
    page = sign_in(clinic.alice.user)
    read_everything(clinic, page)
    clinic.deliver("Is anybody there?")
    button = page.get_by_role("button", name="Mark as read: Maya Okafor wrote")
    expect(button).to_be_visible()
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("All read")).to_be_visible()
    expect(bell(page)).to_be_hidden()


def test_a_notice_is_shown_once_for_all_tabs_after_a_button_asked_for_it(clinic, sign_in):
    hers(clinic)
    page = sign_in(clinic.alice.user)
    page.context.add_init_script(RECORDER)
    read_everything(clinic, page)
    page.goto(clinic.url("account/notifications/"))
    page.get_by_role("button", name="Allow notices").click()
    expect(page.get_by_text("This browser shows notices of the types")).to_be_visible()
    page.get_by_role("button", name="Try").click()
    page.wait_for_function("window.tones === 2 && window.told.length === 1")
    tabs = [page, page.context.new_page()]
    tabs[1].goto(clinic.url("tasks/"))
    tabs[1].locator("h1").first.click()
    clinic.deliver("Is anybody there?")
    for tab in tabs:
        expect(bell(tab)).to_have_text("1 unread")
    page.wait_for_timeout(500)
    told = [notice for tab in tabs for notice in tab.evaluate("window.told") if notice["tag"] != "parley:try"]
    assert [notice["title"] for notice in told] == ["Maya Okafor wrote"]
    assert sum(tab.evaluate("window.tones") for tab in tabs) == 4


def test_who_chose_no_notices_is_shown_none(clinic, sign_in):
    hers(clinic)
    page = sign_in(clinic.alice.user)
    page.context.add_init_script(RECORDER)
    read_everything(clinic, page)
    page.goto(clinic.url("account/notifications/"))
    page.get_by_role("button", name="Allow notices").click()
    row = page.get_by_role("group", name="A new message from one of your customers")
    row.get_by_label("As the organization says").uncheck()
    row.get_by_label("In the list", exact=True).check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    clinic.deliver("Is anybody there?")
    expect(bell(page)).to_have_text("1 unread")
    page.wait_for_timeout(500)
    assert page.evaluate("[window.told.length, window.tones]") == [0, 0]


def test_a_phone_has_the_number_at_the_menu_that_holds_the_bell(clinic, sign_in):
    hers(clinic)
    page = sign_in(clinic.alice.user, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    read_everything(clinic, page)
    clinic.deliver("Is anybody there?")
    more = page.locator(".rail__more [data-badge=bell]")
    expect(more).to_have_text("1 unread")
    page.get_by_role("button", name="More pages").click()
    page.get_by_role("link", name="Notifications").click()
    expect(page.locator("[data-line]")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
