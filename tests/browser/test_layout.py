"""How the pages stand on every screen and on paper, and how far the keyboard alone leads."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from core.tenancy import organization_scope
from customers.people.customers import services as customers
from customers.pipeline.deals import services as deals
from customers.pipeline.stages import services as stages
from customers.work.tasks import services as tasks
from messaging.texts.templates import services as templates

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def overflow(page: Page) -> int:
    return page.evaluate("document.documentElement.scrollWidth - innerWidth")


def test_on_a_phone_one_pane_comes_after_another(clinic, sign_in):
    clinic.receive("Is there parking?")
    page = sign_in(clinic.alice.user, **PHONE)
    page.goto(clinic.url())
    the_list, thread, customer = page.locator(".inbox__list"), page.locator("#thread"), page.locator("#customer-panel")
    expect(the_list).to_be_visible()
    page.get_by_role("link", name="Maya Okafor").tap()
    expect(thread).to_be_visible()
    expect(the_list).to_be_hidden()
    expect(page.get_by_role("navigation", name="Main")).to_be_hidden()
    page.get_by_role("button", name="Customer details").first.tap()
    expect(customer).to_be_in_viewport()
    page.get_by_role("button", name="Close customer details").tap()
    expect(customer).to_be_hidden()
    page.locator("#composer-body").fill("Yes, behind the house.")
    page.get_by_role("button", name="Send", exact=True).tap()
    expect(page.locator("[data-message]", has_text="Yes, behind the house.")).to_be_in_viewport()
    page.get_by_role("link", name="Back to the list").tap()
    expect(the_list).to_be_visible()
    expect(page).to_have_url(re.compile("/inbox/$"))
    page.go_back()
    expect(thread).to_be_visible()
    page.reload()
    expect(thread).to_be_visible()
    expect(the_list).to_be_hidden()


@pytest.mark.parametrize("width", [320, 768, 1024, 2560])
def test_no_page_is_wider_than_the_screen(width, clinic, sign_in):
    word = "Donaudampfschifffahrtsgesellschaft" * 3
    received = clinic.receive(f"{word} https://example.com/{word}", name="Maximilian von und zu Hohenstein-Wittelsbach")
    customer = clinic.conversation(received).customer
    with organization_scope(clinic.organization):
        common = {"organization": clinic.organization, "actor": clinic.alice.actor}
        tasks.create(**common, title=word, customer=customer, assigned_to=clinic.alice.user, due_at=timezone.now())
        deals.create(customer=customer, actor=clinic.alice.actor, title=word, amount=10**9)
        stages.create(**common, name=word[:60])
        templates.create(**common, name=word[:60], channel="whatsapp", body=word)
        customers.set_follow_up(customer=customer, at=timezone.now(), actor=clinic.alice.actor)
    page = sign_in(clinic.alice.user, viewport={"width": width, "height": 800})
    for path in (
        "inbox/", f"inbox/{received.conversation_id}/", "simulator/", "customers/", "customers/new/",
        f"customers/{customer.pk}/", f"customers/{customer.pk}/move/", "", "pipeline/", "deals/", "deals/board/",
        "tasks/", "tasks/calendar/", "followups/", "outcomes/", "templates/", "settings/pipeline/",
    ):  # fmt: skip
        page.goto(clinic.url(path))
        assert overflow(page) <= 0, path
        for pane in page.locator("#conversations-scroll, #thread-scroll").all():
            assert pane.evaluate("pane => pane.scrollWidth - pane.clientWidth") <= 0, path


def test_right_to_left_text_reads_in_its_own_direction(clinic, sign_in):
    received = clinic.receive("مرحبا، كم سعر التبييض؟", name="ليلى حداد")
    page = sign_in(clinic.alice.user)
    page.goto(clinic.thread_url(received))
    for place in (".bubble__body", ".row__name bdi", ".row__preview bdi", "#thread-header bdi", "#customer-name-input"):
        expect(page.locator(place).first).to_have_css("direction", "rtl")


def test_on_paper_there_is_the_thread_and_nothing_to_press(clinic, sign_in):
    received = clinic.receive("For the file")
    page = sign_in(clinic.alice.user)
    page.goto(clinic.thread_url(received))
    page.emulate_media(media="print")
    expect(page.locator("[data-message]", has_text="For the file")).to_be_visible()
    for gone in (".rail", ".inbox__list", "#composer", "#customer-panel", "#resolve-or-reopen"):
        expect(page.locator(gone)).to_be_hidden()


def test_nothing_moves_for_who_asked_for_less_motion(clinic, sign_in):
    clinic.receive("Hello")
    page = sign_in(clinic.alice.user, reduced_motion="reduce")
    page.goto(clinic.url())
    page.wait_for_timeout(800)
    clinic.deliver("Hello again")
    expect(page.locator("[data-row]")).to_contain_text("Hello again")
    assert page.evaluate("document.getAnimations().length") == 0


def test_the_keyboard_alone_does_the_main_job(clinic, sign_in):
    clinic.receive("From Tom", name="Tom Albright", phone="+447700900102")
    clinic.receive("From Maya")
    page = sign_in(clinic.alice.user, viewport={"width": 1200, "height": 800})
    page.goto(clinic.url())
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    expect(page.get_by_role("link", name="Skip to content")).to_be_in_viewport()
    page.keyboard.press("j")
    expect(page).to_have_title(re.compile("Maya Okafor"))
    page.keyboard.press("j")
    expect(page).to_have_title(re.compile("Tom Albright"))
    page.keyboard.press("k")
    expect(page).to_have_title(re.compile("Maya Okafor"))
    page.keyboard.press("i")
    expect(page.get_by_role("button", name="Close customer details")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Customer details").first).to_be_focused()
    page.keyboard.press("r")
    expect(page.locator("#composer-body")).to_be_focused()
    page.keyboard.type("One line")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("and j, e, ? another")
    page.keyboard.press("Enter")
    expect(page.locator("[data-message]", has_text="One line\nand j, e, ? another")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    expect(page.locator("input[type=radio][name=mode][value=note]")).to_be_checked()
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    expect(page.get_by_role("button", name="Reopen")).to_be_visible()
    expect(page.locator("[data-row]")).to_have_count(1)
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("nobody")
    expect(page.get_by_text("Nothing found")).to_be_visible()
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_hidden()


def test_single_keys_can_be_switched_off(clinic, sign_in):
    clinic.receive("Hello")
    page = sign_in(clinic.alice.user)
    page.goto(clinic.url())
    page.keyboard.press("?")
    page.get_by_label("Single-letter keys are on").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.wait_for_timeout(300)
    expect(page).to_have_title(re.compile("Inbox"))


def test_more_conversations_and_earlier_messages_come_by_scrolling(clinic, sign_in):
    clinic.fill_list(200)
    received = clinic.receive("The first of many")
    clinic.fill_thread(received, 200)
    page = sign_in(clinic.alice.user)
    page.goto(clinic.thread_url(received))
    rows, messages = page.locator("[data-row]"), page.locator("[data-message]")
    while page.locator("#more-conversations").count():
        known = rows.count()
        page.locator("#more-conversations").scroll_into_view_if_needed()
        expect(rows.nth(known)).to_be_attached()
    names = page.locator("[data-row] .row__name bdi").all_text_contents()
    assert sorted(set(names)) == sorted(names)
    assert sum(name.startswith("Person") for name in names) == 200
    while page.locator("#earlier-messages").count():
        known = messages.count()
        first = messages.first.locator(".bubble__body").text_content()
        page.locator("#earlier-messages").scroll_into_view_if_needed()
        expect(messages.nth(known)).to_be_attached()
        expect(page.locator("[data-message]", has_text=first).first).to_be_in_viewport()
    bodies = page.locator("[data-message] .bubble__body").all_text_contents()
    assert bodies == ["The first of many", *(f"Line {number}." for number in range(1, 200))]
    days = page.locator("[data-day-line]").evaluate_all("lines => lines.map(line => line.dataset.dayLine)")
    assert len(set(days)) == len(days)
