"""A second factor in a browser: an app, a recovery code, passkeys on a device that is not there."""

from __future__ import annotations

import re

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from accounts.models import AuthenticatorApp, Passkey, User
from core import clock
from tests.browser.test_accounts import enter
from tests.conftest import PASSWORD

HOME = re.compile("/o/[^/]+/$")


@pytest.fixture
def page_at(browser: Browser, stack):
    """A page of a browser of its own, by this host name."""
    contexts = []

    def come(host: str) -> Page:
        context = browser.new_context(base_url=stack.address.replace("127.0.0.1", host))
        context.set_default_timeout(12_000)
        contexts.append(context)
        return context.new_page()

    yield come
    for context in contexts:
        context.close()


@pytest.fixture
def user(clinic, settings) -> User:
    """Bob, with a password that the processes can check: they do not know the quick hasher of the tests."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    user = User.objects.get(pk=clinic.bob.user.pk)
    user.set_password(PASSWORD)
    user.save()
    return user


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Your menu").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_an_app_is_set_up_and_asked_for_and_a_recovery_code_takes_its_place(page_at, user):
    page = page_at("127.0.0.1")
    page.goto("/")
    enter(page, user.email, PASSWORD)
    expect(page).to_have_url(HOME)
    page.get_by_role("button", name="Your menu").click()
    page.get_by_role("link", name="Your account").click()
    page.get_by_role("link", name="Security").click()
    page.get_by_role("link", name="Set up").click()
    page.get_by_text("Type a key instead").click()
    secret = page.locator(".set-up__code").inner_text().replace(" ", "")
    page.get_by_role("textbox", name="Code").fill(pyotp.TOTP(secret).at(clock.now()))
    page.get_by_role("button", name="Turn on").click()
    expect(page.get_by_role("heading", name="Keep these codes")).to_be_visible()
    codes = page.locator(".recovery-codes code").all_inner_texts()
    assert len(codes) == 10
    page.get_by_role("button", name="I have kept them").click()
    expect(page.get_by_text("10 unused codes are left")).to_be_visible()
    sign_out(page)

    enter(page, user.email, PASSWORD)
    page.get_by_role("textbox", name="Code").fill("000000")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("This code is not right")).to_be_visible()
    AuthenticatorApp.objects.filter(user=user).update(last_step=-1)  # the one of the set-up would have to pass first
    page.get_by_role("textbox", name="Code").fill(pyotp.TOTP(secret).at(clock.now()))
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(HOME)
    sign_out(page)

    enter(page, user.email, PASSWORD)
    page.get_by_role("textbox", name="Code").fill(codes[0])
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(HOME)


def test_a_passkey_is_added_used_beside_the_password_and_alone(page_at, clinic, user):
    page = page_at("localhost")
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    page.goto("/")
    enter(page, user.email, PASSWORD)
    expect(page).to_have_url(HOME)
    page.goto(clinic.url("account/security/"))
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Name").fill("Test laptop")
    page.get_by_role("button", name="Add passkey").click()
    page.get_by_role("button", name="I have kept them").click()
    expect(page.get_by_text("Test laptop", exact=True)).to_be_visible()
    assert User.objects.get(pk=user.pk).has_second_factor
    sign_out(page)

    enter(page, user.email, PASSWORD)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url(HOME)
    sign_out(page)

    page.get_by_role("link", name="Sign in with a passkey").click()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url(HOME)
    assert Passkey.objects.get(user=user).sign_count >= 2

    page.goto(clinic.url("account/security/"))
    page.get_by_role("link", name="Remove (Test laptop)").click()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("The passkey was removed.")).to_be_visible()
    sign_out(page)
    page.get_by_role("link", name="Sign in with a passkey").click()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_text("This passkey could not be used")).to_be_visible()
