"""Alice acts as Bob in a browser: the bar, an answer with both names, what stays closed, and the way out."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from core.tenancy import organization_scope
from customers.models import Customer
from tests.browser.test_accounts import enter
from tests.conftest import PASSWORD

BOTH = "Bob Reyes (by Alice Hart)"


@pytest.fixture
def alices(clinic, settings) -> User:
    """Alice, with a password that the processes can check: they do not know the quick hasher of the tests."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    user = User.objects.get(pk=clinic.alice.user.pk)
    user.set_password(PASSWORD)
    user.save()
    return user


def test_alice_answers_as_bob_and_stops(browser, stack, clinic, alices):
    message = clinic.receive("Is Thursday still possible?")
    with organization_scope(clinic.organization):
        Customer.objects.filter(pk=message.customer_id).update(assigned_to=clinic.bob.user)
    context = browser.new_context(base_url=stack.address)
    context.set_default_timeout(12_000)
    page: Page = context.new_page()
    page.goto(clinic.url(f"settings/people/{clinic.bob.member.pk}/"))
    enter(page, alices.email, PASSWORD)
    page.get_by_role("link", name="Act as").click()
    page.get_by_label("Why?").fill("He is ill, and she waits")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Act as Bob Reyes").click()
    bar = page.locator(".view-bar")
    expect(bar).to_contain_text("You act as Bob Reyes")
    expect(bar).to_contain_text("Alice Hart")
    page.goto(clinic.url(f"inbox/{message.conversation_id}/"))
    expect(bar).to_be_visible()
    page.locator("#composer-body").fill("Yes, at ten.")
    page.locator("#composer-body").press("Enter")
    expect(page.locator(".bubble").filter(has_text="Yes, at ten.")).to_contain_text(BOTH)
    page.goto(clinic.url(f"customers/{message.customer_id}/"))
    expect(page.get_by_text(BOTH).first).to_be_visible()
    page.goto(clinic.url("account/security/"))
    expect(page.get_by_role("heading", name="This stays closed")).to_be_visible()
    expect(page.get_by_text("You are acting as Bob Reyes.")).to_be_visible()
    page.locator(".view-bar").get_by_role("button", name="Stop").click()
    expect(page.get_by_text("You are yourself again.")).to_be_visible()
    expect(page.locator(".view-bar")).to_have_count(0)
    context.close()
