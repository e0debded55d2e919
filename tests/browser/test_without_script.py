"""Reading and answering work where no script runs; what then can't be done is not offered."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect


@pytest.fixture
def page_of(clinic, sign_in):
    def page_of() -> Page:
        return sign_in(clinic.alice.user, java_script_enabled=False)

    return page_of


def test_list_thread_reply_and_note(clinic, page_of):
    clinic.receive("Do you take children?")
    page = page_of()
    page.goto(clinic.url())
    page.get_by_role("link", name="Maya Okafor").click()
    expect(page.get_by_text("Do you take children?").last).to_be_visible()
    page.locator("#composer-body").fill("From the age of six.")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("[data-message]", has_text="From the age of six.")).to_be_visible()
    page.locator(".segment--note").click()
    page.locator("#composer-note-body").fill("Ask for the age.")
    page.get_by_role("button", name="Save note").click()
    expect(page.locator(".message--note", has_text="Ask for the age.")).to_be_visible()
    page.get_by_role("button", name="Resolve").click()
    page.get_by_role("button", name="Reopen").click()
    expect(page.get_by_role("button", name="Resolve")).to_be_visible()


def test_an_empty_reply_comes_back_with_the_reason(clinic, page_of):
    received = clinic.receive("Hello")
    page = page_of()
    page.goto(clinic.thread_url(received))
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("#composer-error")).to_contain_text("Write something first.")


def test_search_views_and_earlier_messages(clinic, page_of):
    received = clinic.receive("The first of many")
    clinic.fill_thread(received, 60)
    clinic.receive("Another one", name="Tom Albright", phone="+447700900102")
    page = page_of()
    page.goto(clinic.url())
    page.get_by_role("searchbox").fill("albright")
    page.keyboard.press("Enter")
    expect(page.locator("[data-row]")).to_have_count(1)
    page.get_by_role("link", name="Resolved").click()
    expect(page.locator("[data-row]")).to_have_count(0)
    page.goto(clinic.thread_url(received))
    page.get_by_role("link", name="Earlier messages").click()
    expect(page.locator("[data-message]", has_text="The first of many")).to_be_visible()


def test_what_needs_a_script_is_not_offered(clinic, page_of):
    page = page_of()
    page.goto(clinic.url("simulator/"))
    expect(page.get_by_role("button", name="STOP")).to_be_hidden()
    page.get_by_label("WhatsApp message from Maya Okafor").fill("Hello from a page without script")
    page.get_by_role("button", name="Send as Maya Okafor").first.click()
    expect(page).to_have_url(re.compile("person=maya"))
    page.wait_for_timeout(1500)
    page.reload()
    expect(page.get_by_text("Hello from a page without script")).to_be_visible()


def test_a_conversation_asks_on_a_page_why_somebody_is_lost(clinic, page_of):
    received = clinic.receive("No, thank you.")
    page = page_of()
    page.goto(clinic.thread_url(received))
    form = page.locator("#customer-stage")
    form.get_by_label("Stage").select_option("Lost")
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Move Maya Okafor")).to_be_visible()
    page.get_by_role("button", name="Move", exact=True).click()
    expect(page.get_by_text("Say in a few words why they are lost.")).to_be_visible()
    page.get_by_role("radio", name="Not the right time").check(force=True)
    page.get_by_role("button", name="Move", exact=True).click()
    expect(page).to_have_url(re.compile(f"/customers/{received.customer_id}/$"))
    expect(page.locator("#stage-bar [aria-current=step]")).to_have_text("Lost")
