"""A rule of the pack: tried on what happened, switched on, and at work on the next message."""

from __future__ import annotations

from playwright.sync_api import expect


def test_a_rule_is_tried_switched_on_and_acts(clinic, sign_in):
    clinic.receive("What is the price of a crown?", name="Maya Okafor")
    page = sign_in(clinic.alice.user)
    page.goto(clinic.url("settings/"))
    page.get_by_role("link", name="Rules").first.click()
    page.get_by_role("link", name="Ask who went quiet").wait_for()
    page.get_by_role("link", name="Mark who asks for the price").click()
    page.get_by_role("link", name="Try on the last 30 days").click()
    expect(page.get_by_text("It would have acted on 1 of 1 event.")).to_be_visible()
    page.get_by_role("link", name="Mark who asks for the price").click()
    expect(page.get_by_text("It has not acted yet.")).to_be_visible()
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_role("button", name="Switch off")).to_be_visible()

    phone = page.context.new_page()
    phone.goto(clinic.url("simulator/?person=maya"))
    phone.get_by_label("WhatsApp message from Maya Okafor").fill("And the PRICE of whitening?")
    phone.keyboard.press("Enter")
    expect(phone.get_by_text("And the PRICE of whitening?")).to_be_visible()
    for _try in range(20):
        page.reload()
        if page.get_by_role("table").count():
            break
        page.wait_for_timeout(500)
    row = page.get_by_role("row").filter(has_text="Maya Okafor")
    expect(row).to_contain_text("price")
    row.get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="What the rule did")).to_be_visible()
    expect(page.get_by_text("it was “And the PRICE of whitening?”")).to_be_visible()
