"""The main job: somebody writes, the lead appears by itself, the answer leaves, and its ticks tell how far it came."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from accounts.models import Organization
from core.tenancy import organization_scope
from messaging.models import Message


def write(page: Page, text: str) -> None:
    """Type into the composer and send with Enter, as people do."""
    page.locator("#composer-body").fill(text)
    page.keyboard.press("Enter")


def bubble(page: Page, text: str):
    return page.locator("[data-message]", has_text=text)


def test_from_the_phone_to_the_read_tick(clinic, sign_in):
    inbox = sign_in(clinic.alice.user)
    inbox.goto(clinic.url())
    expect(inbox.get_by_text("All quiet")).to_be_visible()
    phone = inbox.context.new_page()
    phone.goto(clinic.url("simulator/?person=maya"))
    phone.get_by_label("WhatsApp message from Maya Okafor").fill("Hello, what does an implant cost?")
    phone.keyboard.press("Enter")

    row = inbox.locator("[data-row]", has_text="Maya Okafor")
    expect(row).to_contain_text("what does an implant cost?")
    expect(row).to_have_class(re.compile("row--unread"))
    expect(inbox).to_have_title(re.compile(r"^\(1\) Inbox"))
    row.click()
    expect(bubble(inbox, "Hello, what does an implant cost?")).to_be_visible()
    expect(row).not_to_have_class(re.compile("row--unread"))
    expect(inbox).to_have_title(re.compile("^Maya Okafor"))

    write(inbox, "From £1,950, with the crown.")
    expect(inbox.locator("#composer-body")).to_have_value("")
    expect(inbox.locator("#composer-body")).to_be_focused()
    expect(phone.get_by_text("From £1,950, with the crown.")).to_be_visible()
    expect(bubble(inbox, "From £1,950")).to_have_attribute("data-status", "read")
    expect(row.get_by_text("You, read:")).to_be_attached()
    tick = bubble(inbox, "From £1,950").get_by_role("button", name="Read")
    tick.hover()
    expect(inbox.get_by_role("tooltip")).to_contain_text(re.compile("Read .* Delivered .* Sent"))


def test_a_failed_message_says_why_and_can_be_sent_again(clinic, sign_in):
    clinic.behave("refused")
    received = clinic.receive("Are you there?")
    page = sign_in(clinic.alice.user)
    page.goto(clinic.thread_url(received))
    write(page, "Yes, we are.")
    failed = bubble(page, "Yes, we are.")
    expect(failed).to_have_attribute("data-status", "failed")
    expect(failed).to_contain_text("Not delivered. The simulator refused the message.")
    expect(page.locator("[data-row]").get_by_text("Not delivered:")).to_be_attached()
    clinic.behave("read")
    failed.get_by_role("button", name="Send again").click()
    expect(failed).to_have_attribute("data-status", "read")
    expect(failed.get_by_role("button", name="Send again")).to_have_count(0)


def test_an_unconfirmed_message_can_be_marked_as_sent(clinic, sign_in):
    clinic.behave("timeout_lost")
    received = clinic.receive("Did you get my form?")
    page = sign_in(clinic.alice.user)
    page.goto(clinic.thread_url(received))
    write(page, "We did.")
    message = bubble(page, "We did.")
    expect(message).to_have_attribute("data-status", "unconfirmed")
    expect(message.get_by_role("button", name="Send again")).to_be_visible()
    message.get_by_role("button", name="Mark as sent").click()
    expect(message).to_have_attribute("data-status", "sent")


def test_a_reply_can_be_taken_back_before_it_leaves(clinic, sign_in):
    Organization.objects.filter(pk=clinic.organization.pk).update(undo_seconds=30)
    received = clinic.receive("How much is whitening?")
    page = sign_in(clinic.alice.user)
    page.goto(clinic.thread_url(received))
    write(page, "It is £30.")
    reply = bubble(page, "It is £30.")
    expect(reply).to_contain_text(re.compile(r"Leaves in \d+ s"))
    reply.get_by_role("button", name="Undo").click()
    expect(reply).to_have_attribute("data-status", "cancelled")
    expect(page.locator("#composer-body")).to_have_value("It is £30.")
    with organization_scope(clinic.organization):
        assert Message.objects.get(conversation=received.conversation_id, direction="outbound").status == "cancelled"


def test_a_note_stays_in_the_house(clinic, sign_in):
    received = clinic.receive("Hello")
    page = sign_in(clinic.alice.user)
    page.goto(clinic.thread_url(received))
    page.get_by_text("Note", exact=True).click()
    page.locator("#composer-note-body").fill("She was here in spring.")
    page.keyboard.press("Enter")
    note = bubble(page, "She was here in spring.")
    expect(note).to_contain_text("Private note")
    expect(note.get_by_role("button")).to_have_count(0)


def test_what_may_not_be_sent_says_why_in_the_composer(clinic, sign_in):
    received = clinic.receive("STOP")
    page = sign_in(clinic.alice.user)
    page.goto(clinic.thread_url(received))
    expect(page.locator("#composer-refusal")).to_contain_text("opted out of WhatsApp")
    expect(page.locator("#composer-body")).to_be_hidden()
    clinic.receive("START")
    expect(page.locator("#composer-body")).to_be_visible()


def test_a_mail_shows_its_subject_and_the_answer_takes_it_up(clinic, sign_in):
    mail = {"kind": "email", "phone": "edward@example.com", "name": "Edward Hale"}
    received = clinic.receive("When is Dr Hart in?", subject="Thursday appointments", **mail)
    page = sign_in(clinic.alice.user)
    page.goto(clinic.thread_url(received))
    expect(bubble(page, "When is Dr Hart in?")).to_contain_text("Thursday appointments")
    expect(page.get_by_label("Subject")).to_have_value("Re: Thursday appointments")
    write(page, "On Thursday from nine.")
    expect(bubble(page, "On Thursday from nine.")).to_contain_text("Re: Thursday appointments")


def test_stage_owner_and_tags_are_changed_in_place(clinic, sign_in):
    received = clinic.receive("Hello")
    page = sign_in(clinic.alice.user)
    page.goto(clinic.thread_url(received))
    panel = page.locator("#customer-panel")
    panel.get_by_label("Stage").select_option("Contacted")
    expect(panel.locator("#customer-stage")).to_contain_text("Saved")
    panel.get_by_label("Owner").select_option(str(clinic.bob.user.pk))
    expect(page.locator("[data-row]").get_by_text("Owner: Bob Reyes")).to_be_attached()
    panel.get_by_label("Add a tag").focus()
    expect(page.locator("#tag-names option[value=new_lead]")).to_be_attached()
    panel.get_by_label("Add a tag").fill("implants")
    page.keyboard.press("Enter")
    expect(panel.locator(".chip", has_text="implants")).to_be_visible()
    panel.get_by_role("button", name="Remove implants").click()
    expect(panel.locator(".chip", has_text="implants")).to_have_count(0)
    customer = clinic.conversation(received).customer
    assert customer.assigned_to_id == clinic.bob.user.pk


def test_a_template_is_put_into_the_reply_with_a_slash(clinic, sign_in):
    received = clinic.receive("Hello", name="Nadia Novak")
    page = sign_in(clinic.alice.user)
    page.goto(clinic.thread_url(received))
    page.locator("#composer-body").press("/")
    offers = page.locator("#composer-offers")
    expect(offers.get_by_role("button").first).to_be_visible()
    page.get_by_label("Find a template").fill("reminder")
    expect(offers.get_by_role("button")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("#composer-body")).to_have_value(
        "Hello Nadia Novak, a short reminder of your consultation with us. Is the time still good for you?"
    )
    expect(page.locator("#composer-body")).to_be_focused()
    page.keyboard.press("Enter")
    expect(bubble(page, "a short reminder of your consultation")).to_be_visible()
