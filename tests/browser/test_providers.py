"""The whole way by a sign-in provider, in a browser: set up, connect, sign in, close passwords."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from core.tenancy import organization_scope
from tests.browser.test_accounts import enter
from tests.browser.test_sign_in import page_at, sign_out
from tests.conftest import PASSWORD
from tests.fakes.openid import CLIENT_ID, CLIENT_SECRET, Provider, serving

__all__ = ["page_at"]


@pytest.fixture
def fake():
    with serving(Provider(has_page=True)) as provider:
        yield provider


@pytest.fixture
def people(clinic, settings) -> tuple[User, User]:
    """Alice and Bob, with a password that the processes can check."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    users = []
    for person in (clinic.alice, clinic.bob):
        user = User.objects.get(pk=person.user.pk)
        user.set_password(PASSWORD)
        user.save()
        users.append(user)
    return users[0], users[1]


def connect(page: Page, home: str, name: str) -> None:
    page.goto(f"{home}account/security/")
    page.get_by_role("link", name="Connect Work").click()
    page.get_by_role("button", name="Connect").click()
    # By itself, without a script: our page leads on to the provider.
    page.get_by_role("link", name=f"I am {name}").click()
    expect(page.get_by_text("is connected")).to_be_visible()


def test_a_provider_is_set_up_connected_and_signs_people_in(page_at, clinic, people, fake):
    alice, bob = people
    page, home = page_at("127.0.0.1"), clinic.alice.url("")
    page.goto(home)
    enter(page, alice.email, PASSWORD)
    page.goto(f"{home}settings/sign-in/")
    page.get_by_role("link", name="Set up a provider").click()
    page.get_by_label("Name on the button").fill("Work")
    page.get_by_label("Issuer").fill(fake.address)
    page.get_by_label("Client ID").fill(CLIENT_ID)
    page.get_by_label("Client secret").fill(CLIENT_SECRET)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Work")).to_be_visible()
    fake.person = {"sub": "alice", "name": "Alice", "email": "alice@work.example"}
    connect(page, home, "Alice")
    page.goto(f"{home}settings/sign-in/provider/")
    page.get_by_label("Passwords and passkeys are good as well").uncheck()
    page.get_by_label("Who keeps the password in any case").select_option(index=1)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text(re.compile("are good for .* only"))).to_be_visible()

    fake.person = {"sub": "1001", "name": "Bob", "email": "bob@work.example"}
    theirs = page_at("127.0.0.1")
    theirs.goto(f"{home}account/")
    enter(theirs, bob.email, PASSWORD)
    theirs.get_by_role("link", name="Connect Work").click()
    theirs.get_by_role("button", name="Connect").click()
    theirs.get_by_role("link", name="I am Bob").click()
    expect(theirs.get_by_role("heading", name="Your account")).to_be_visible()
    sign_out(theirs)
    theirs.goto(f"{home}account/")
    theirs.get_by_role("link", name="Continue with Work").click()
    theirs.get_by_role("link", name="I am Bob").click()
    expect(theirs.get_by_role("heading", name="Your account")).to_be_visible()
    with organization_scope(clinic.alice.organization):
        assert clinic.bob.member.provider_link.subject == "1001"
