"""Naming a colleague in a note, by the keyboard: the list, the choice, the marked name, and the notification."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from core.tenancy import organization_scope
from messaging.models import Mention


@pytest.fixture
def page(clinic, sign_in):
    page = sign_in(clinic.alice.user)
    page.goto(clinic.thread_url(clinic.receive("Hello")))
    page.locator(".composer__modes .segment").nth(1).click()
    return page


def note(page: Page):
    return page.locator("#composer-note-body")


def test_chosen_by_the_keyboard(clinic, page):
    name = clinic.bob.user.get_full_name()
    offers = page.locator("#mention-offers")
    note(page).press_sequentially(f"Ask @{name[:2].lower()}")
    expect(offers.get_by_role("option", name=name)).to_be_visible()
    expect(note(page)).to_have_attribute("aria-expanded", "true")
    note(page).press("Enter")
    expect(note(page)).to_have_value(f"Ask @{name} ")
    expect(offers).to_be_hidden()
    # Nor does it come back while nothing else is written.
    page.wait_for_timeout(500)
    expect(offers).to_be_hidden()
    note(page).press_sequentially("please")
    note(page).press("Enter")
    expect(page.locator(".bubble__body .mention")).to_have_text(f"@{name}")
    with organization_scope(clinic.organization):
        assert Mention.objects.get().member_id == clinic.bob.member.pk


def test_escape_closes_and_enter_saves_as_it_stands(clinic, page):
    note(page).press_sequentially("Write to @b")
    expect(page.locator("#mention-offers [role=option]").first).to_be_visible()
    note(page).press("Escape")
    expect(page.locator("#mention-offers")).to_be_hidden()
    note(page).press("Enter")
    expect(page.locator(".message--note .bubble__body")).to_contain_text("Write to @b")


def test_an_address_opens_no_list(page):
    note(page).press_sequentially("bob@harbour")
    page.wait_for_timeout(400)
    expect(page.locator("#mention-offers")).to_be_hidden()


def test_chosen_by_the_mouse(clinic, page):
    note(page).press_sequentially("@")
    option = page.locator("#mention-offers [role=option]").first
    expect(option).to_be_visible()
    name = option.get_attribute("data-mention")
    option.click()
    expect(note(page)).to_have_value(f"@{name} ")
