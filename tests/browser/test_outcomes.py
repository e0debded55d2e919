"""Outcomes and packs as people use them: two clicks on the page, beside a conversation, by keyboard."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from core.tenancy import organization_scope
from customers.models import Customer, Outcome, OutcomeType
from customers.pipeline.outcomes import services as outcomes
from tests.browser.test_accessibility import SCREENS, findings

WIDE = {"viewport": {"width": 1440, "height": 900}}


def panel(page: Page, customer: Customer):
    return page.locator(f"#outcomes-{customer.pk}")


def recorded(clinic) -> list[tuple[str, str]]:
    with organization_scope(clinic.organization):
        return [(row.type.key, str(row.amount)) for row in Outcome.objects.select_related("type").order_by("pk")]


def test_an_outcome_is_two_clicks_away_and_moves_the_customer(clinic, sign_in):
    customer = clinic.customer("Ada Byron")
    page = sign_in(clinic.alice.user, **WIDE)
    page.goto(clinic.url(f"customers/{customer.pk}/"))
    here = panel(page, customer)
    expect(here.get_by_role("button", name="Record")).to_be_hidden()
    here.get_by_role("radio", name="Consult booked").check()
    expect(here.get_by_label("Amount in GBP")).to_be_hidden()
    here.get_by_role("button", name="Record").click()
    expect(page.locator(".toast")).to_contain_text("moved to Consult booked")
    expect(here.get_by_role("link", name="Consult booked")).to_be_visible()
    # The rest of the page hears of it.
    expect(page.locator("#timeline")).to_contain_text("Consult booked")
    expect(page.locator(".stage-bar .is-current")).to_contain_text("Consult booked")
    assert recorded(clinic) == [("consult_booked", "None")]


def test_it_is_recorded_by_keyboard_beside_a_conversation(clinic, sign_in):
    message = clinic.receive("I paid just now", name="Ada Byron", phone="+447700900555")
    page = sign_in(clinic.alice.user, **WIDE)
    page.goto(clinic.thread_url(message))
    page.get_by_role("link", name="Record an outcome").press("Enter")
    slot = page.get_by_role("region", name="Outcome")
    expect(slot.get_by_role("radio", name="Consult booked")).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    expect(slot.get_by_role("radio", name="Deposit paid")).to_be_checked()
    page.keyboard.press("Tab")
    expect(slot.get_by_label("Amount in GBP")).to_be_focused()
    page.keyboard.type("250")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Record an outcome")).to_be_visible()
    assert recorded(clinic) == [("deposit_paid", "250.00")]


def test_what_is_wrong_stays_to_be_mended(clinic, sign_in):
    customer = clinic.customer("Ada Byron")
    page = sign_in(clinic.alice.user, **WIDE)
    page.goto(clinic.url(f"customers/{customer.pk}/"))
    here = panel(page, customer)
    here.get_by_role("radio", name="Deposit paid").check()
    here.get_by_label("Amount in GBP").fill("much")
    here.get_by_role("button", name="Record").click()
    expect(here).to_contain_text("Enter a number")
    expect(here.get_by_label("Amount in GBP")).to_have_value("much")
    here.get_by_label("Amount in GBP").fill("80")
    here.get_by_role("button", name="Record").click()
    expect(here.get_by_role("link", name="Deposit paid")).to_be_visible()
    assert recorded(clinic) == [("deposit_paid", "80.00")]


def test_the_list_is_narrowed_and_its_address_leads_back(clinic, sign_in):
    customer = clinic.customer("Ada Byron")
    with organization_scope(clinic.organization):
        for key in ("consult_booked", "deposit_paid"):
            kind = OutcomeType.objects.get(key=key)
            outcomes.record_outcome(customer=customer, actor=clinic.alice.actor, type=kind)
    page = sign_in(clinic.alice.user, **WIDE)
    page.goto(clinic.url("outcomes/"))
    rows = page.locator("#outcomes tbody tr")
    expect(rows).to_have_count(2)
    page.get_by_label("Outcome", exact=True).select_option("deposit_paid")
    page.get_by_role("button", name="Show").click()
    expect(rows).to_have_count(1)
    expect(page).to_have_url(re.compile("type=deposit_paid"))
    page.reload()
    expect(rows).to_have_count(1)


@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_nothing(screen, clinic, sign_in):
    customer = clinic.customer("Ada Byron")
    with organization_scope(clinic.organization):
        kind = OutcomeType.objects.get(key="deposit_paid")
        made = outcomes.record_outcome(
            customer=customer, actor=clinic.alice.actor, type=kind, amount=Decimal(80), note="by card"
        )
    page = sign_in(clinic.alice.user, reduced_motion="reduce", **SCREENS[screen])
    addresses = [
        clinic.url("outcomes/"),
        clinic.url("outcomes/?type=lost"),
        clinic.url(f"outcomes/{made.pk}/"),
        clinic.url(f"customers/{customer.pk}/outcomes/new/"),
        clinic.url("settings/outcomes/"),
        clinic.url(f"settings/outcomes/{kind.pk}/"),
        clinic.url("settings/pack/"),
        clinic.url("settings/pack/?pack=school"),
    ]
    found = {address: findings(page) for address in addresses if page.goto(address)}
    page.goto(clinic.url(f"customers/{customer.pk}/"))
    panel(page, customer).get_by_role("radio", name="Treatment done").check()
    found["the open form"] = findings(page)
    assert "\n".join(f"{where}: {line}" for where, lines in found.items() for line in lines) == ""


@pytest.mark.parametrize("width", [320, 390, 1440])
def test_nothing_is_wider_than_the_screen(width, clinic, sign_in):
    page = sign_in(clinic.alice.user, viewport={"width": width, "height": 800})
    for path in ("outcomes/", "settings/outcomes/", "settings/pack/?pack=school"):
        page.goto(clinic.url(path))
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
