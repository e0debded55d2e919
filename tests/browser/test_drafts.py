"""A private note never leaves, whatever is pressed in whatever order; what is being written is kept."""

from __future__ import annotations

import itertools
import threading

import pytest
from playwright.sync_api import Page, Route, expect

from core.tenancy import organization_scope
from messaging.models import Draft, Message

SECRET = "PRIVATE she still owes us"
REPLY = "Your appointment is at nine"


@pytest.fixture
def thread(clinic):
    return clinic.receive("Hello")


@pytest.fixture
def page(clinic, sign_in, thread):
    page = sign_in(clinic.alice.user)
    page.goto(clinic.thread_url(thread))
    return page


def reply(page: Page):
    return page.locator("#composer-body")


def note(page: Page):
    return page.locator("#composer-note-body")


def leave_field(page: Page) -> None:
    page.keyboard.press("Escape")
    page.locator("h1").first.evaluate("() => document.activeElement?.blur()")


def by_key(page: Page, mode: str) -> None:
    leave_field(page)
    page.keyboard.press("n" if mode == "note" else "r")


def by_click(page: Page, mode: str) -> None:
    page.locator(".composer__modes .segment").nth(1 if mode == "note" else 0).click()


def by_arrow(page: Page, mode: str) -> None:
    choice = page.locator(f"#composer input[type=radio][value={'reply' if mode == 'note' else 'note'}]")
    choice.focus()
    page.keyboard.press("ArrowRight" if mode == "note" else "ArrowLeft")


def sent(clinic) -> list[str]:
    with organization_scope(clinic.organization):
        rows = Message.objects.filter(direction="outbound", is_private=False).order_by("created_at")
        return list(rows.values_list("body", flat=True))


def drafts(clinic) -> dict[str, str]:
    with organization_scope(clinic.organization):
        return dict(Draft.objects.values_list("mode", "body"))


WAYS = {"key": by_key, "click": by_click, "arrow": by_arrow}
ENDS = {
    "enter": lambda page: page.keyboard.press("Enter"),
    "enter in what shows": lambda page: (
        page.locator("#composer textarea:visible").focus(),
        page.keyboard.press("Enter"),
    ),
    "button": lambda page: page.locator("#composer button[data-submit]:visible").click(),
}


@pytest.mark.parametrize(("there", "back"), list(itertools.product(WAYS, WAYS)))
@pytest.mark.parametrize("end", ENDS)
def test_a_note_does_not_leave_as_a_reply(clinic, page, there, back, end):
    WAYS[there](page, "note")
    note(page).focus()
    page.keyboard.type(SECRET)
    WAYS[back](page, "reply")
    expect(reply(page)).to_have_value("")
    ENDS[end](page)
    expect(note(page)).to_have_value(SECRET)
    WAYS[there](page, "note")
    expect(note(page)).to_be_visible()
    note(page).focus()
    page.keyboard.press("Enter")
    expect(page.locator(".message--note", has_text=SECRET)).to_be_visible()
    assert sent(clinic) == []


def test_a_reply_begun_is_not_what_a_note_says(clinic, page):
    by_key(page, "reply")
    page.keyboard.type(REPLY)
    by_key(page, "note")
    expect(note(page)).to_have_value("")
    page.keyboard.type(SECRET)
    page.keyboard.press("Enter")
    expect(page.locator(".message--note", has_text=SECRET)).to_be_visible()
    expect(page.locator(".message--note", has_text=REPLY)).to_have_count(0)
    expect(reply(page)).to_have_value(REPLY)
    by_key(page, "reply")
    page.keyboard.press("Enter")
    expect(page.locator("[data-message]", has_text=REPLY)).to_be_visible()
    assert sent(clinic) == [REPLY]


def test_a_slash_in_a_note_is_a_slash(clinic, page):
    by_key(page, "note")
    page.keyboard.type("/etc/hosts")
    expect(note(page)).to_have_value("/etc/hosts")
    expect(page.locator("#composer-templates")).to_be_hidden()
    by_key(page, "reply")
    expect(reply(page)).to_have_value("")


def test_what_was_taken_back_returns_to_the_reply_beside_a_note(clinic, page):
    type(clinic.organization).objects.filter(pk=clinic.organization.pk).update(undo_seconds=30)
    reply(page).fill(REPLY)
    page.keyboard.press("Enter")
    bubble = page.locator("[data-message]", has_text=REPLY)
    by_click(page, "note")
    note(page).fill(SECRET)
    bubble.get_by_role("button", name="Undo").click()
    expect(reply(page)).to_have_value(REPLY)
    expect(note(page)).to_have_value(SECRET)


def test_drafts_are_there_after_a_reload_and_in_another_browser(clinic, page, sign_in, thread):
    by_key(page, "note")
    page.keyboard.type(SECRET)
    by_click(page, "reply")
    reply(page).fill(REPLY)
    leave_field(page)
    expect(page.locator("#composer")).to_be_visible()
    page.reload()
    expect(reply(page)).to_have_value(REPLY)
    expect(note(page)).to_have_value(SECRET)
    second = sign_in(clinic.alice.user)
    second.goto(clinic.thread_url(thread))
    expect(reply(second)).to_have_value(REPLY)
    expect(note(second)).to_have_value(SECRET)
    colleague = sign_in(clinic.bob.user)
    colleague.goto(clinic.thread_url(thread))
    expect(colleague.get_by_text(SECRET)).to_have_count(0)


def test_the_text_stays_with_its_conversation(clinic, page, thread):
    other = clinic.receive("Another one", name="Tom Albright", phone="+447700900102")
    expect(page.locator(f"#row-{other.conversation_id}")).to_be_visible()
    reply(page).fill(REPLY)
    page.locator(f"#row-{other.conversation_id} .row__link").click()
    expect(page.locator("#conversation")).to_have_attribute("data-conversation", str(other.conversation_id))
    expect(reply(page)).to_have_value("")
    page.locator(f"#row-{thread.conversation_id} .row__link").click()
    expect(reply(page)).to_have_value(REPLY)


def test_a_slow_save_brings_nothing_back_and_loses_nothing(clinic, page, thread):
    """Saves are held on their way while the person sends, writes on and goes to and fro."""
    go = threading.Event()
    held: list[Route] = []
    page.route("**/draft/**", lambda route: route.continue_() if go.is_set() else held.append(route))
    other = clinic.receive("Another one", name="Tom Albright", phone="+447700900102")
    reply(page).press_sequentially(REPLY)
    page.wait_for_timeout(900)
    assert held, "a save is on its way"
    page.locator(f"#row-{other.conversation_id} .row__link").click()
    expect(reply(page)).to_have_value("")
    page.locator(f"#row-{thread.conversation_id} .row__link").click()
    expect(reply(page)).to_have_value(REPLY)
    reply(page).focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-message]", has_text=REPLY)).to_be_visible()
    expect(reply(page)).to_have_value("")
    go.set()
    for route in held:
        route.continue_()
    page.wait_for_timeout(500)
    expect(reply(page)).to_have_value("")
    page.reload()
    expect(reply(page)).to_have_value("")
    assert sent(clinic) == [REPLY]
    assert drafts(clinic).get("reply", "") == ""


def test_two_tabs_show_one_draft_and_ask_where_both_wrote(clinic, page, thread):
    second = page.context.new_page()
    second.goto(clinic.thread_url(thread))
    reply(page).fill("From the first")
    leave_field(page)
    expect(page.locator("#composer")).to_be_visible()
    page.wait_for_timeout(900)
    second.evaluate("() => dispatchEvent(new Event('focus'))")
    expect(reply(second)).to_have_value("From the first")
    reply(second).fill("From the second")
    second.wait_for_timeout(900)
    reply(page).fill("From the first again")
    elsewhere = page.locator("#composer-reply [data-elsewhere]")
    expect(elsewhere).to_be_visible()
    expect(reply(page)).to_have_value("From the first again")
    assert drafts(clinic)["reply"] == "From the second"
    page.get_by_role("button", name="Show that text").click()
    expect(reply(page)).to_have_value("From the second")
    expect(elsewhere).to_be_hidden()
    reply(page).focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-message]", has_text="From the second")).to_be_visible()
    second.evaluate("() => dispatchEvent(new Event('focus'))")
    expect(reply(second)).to_have_value("")
