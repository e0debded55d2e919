"""The way in: sign up, sign out, sign in, forgotten password, another organization."""

from __future__ import annotations

import re
import time
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page, expect

from accounts.invitations import services as invitations
from accounts.members import services as members
from accounts.models import User
from core.tenancy import organization_scope
from customers.people.customers import services as customers
from messaging.models import Message
from tests.browser.cast import Clinic
from tests.browser.test_accessibility import SCREENS, findings
from tests.conftest import Person, sign_up

SENTENCE = "seven quiet herons wade"


@pytest.fixture
def stranger(browser: Browser, stack):
    context = browser.new_context(base_url=stack.address)
    context.set_default_timeout(12_000)
    yield context.new_page()
    context.close()


def enter(page: Page, email: str, password: str) -> None:
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_sign_up_leads_into_an_inbox_and_the_way_back_in_is_open(stranger):
    email = "rosa@northgate.example"
    page = stranger
    page.goto("/")
    page.get_by_role("link", name="Create an organization").click()
    page.get_by_label("Your name").fill("Rosa Bell")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill("12345678")
    page.get_by_label("Organization").fill("Northgate School")
    page.get_by_role("radio", name="School").check()
    page.get_by_role("button", name="Create organization").click()
    expect(page.locator(".field__error")).to_be_visible()
    page.get_by_label("Password", exact=True).fill(SENTENCE)
    page.get_by_role("button", name="Create organization").click()
    expect(page).to_have_url(re.compile("/o/northgate-school/$"))
    expect(page.get_by_text("Nothing waits")).to_be_visible()

    page.get_by_role("button", name="Your menu").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    enter(page, email, "something else entirely")
    expect(page.get_by_role("alert")).to_be_visible()
    enter(page, email, SENTENCE)
    expect(page).to_have_url(re.compile("/o/[^/]+/$"))


def test_a_forgotten_password_is_replaced_by_the_mailed_link(stranger, clinic):
    page, user = stranger, clinic.bob.user
    page.goto("/forgotten-password/")
    page.get_by_label("E-mail").fill(user.email)
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("heading", name="Look in your mailbox")).to_be_visible()
    page.goto(wait_for_mail(user.email))
    page.get_by_label("New password", exact=True).fill(SENTENCE)
    page.get_by_label(re.compile("confirm", re.IGNORECASE)).fill(SENTENCE)
    page.get_by_role("button", name="Save password").click()
    page.get_by_role("link", name="Sign in").click()
    enter(page, user.email, SENTENCE)
    expect(page).to_have_url(re.compile("/o/[^/]+/$"))


def wait_for_mail(email: str) -> str:
    """The link of the newest mail to this address, which the worker is about to write."""
    until = time.monotonic() + 20
    while not (link := mailed_link(email)):
        assert time.monotonic() < until, f"No mail to {email}."
        time.sleep(0.2)
    return link


def mailed_link(email: str) -> str:
    for path in sorted(Path(settings.DATA_DIR, "mail").glob("*.log"), reverse=True):
        mail = message_from_bytes(path.read_bytes(), policy=policy.default)
        if email in str(mail["To"]):
            return re.search(r"https?://\S+", mail.get_content())[0]
    return ""


def test_an_invited_person_joins_by_the_mailed_link(clinic, sign_in, stranger):
    page, email = sign_in(clinic.alice.user), f"nora.{clinic.organization.slug}@new.example"
    page.goto(clinic.url("settings/people/"))
    page.get_by_role("link", name="Invite").click()
    page.get_by_label("E-mail addresses").fill(email)
    page.get_by_label("Role").select_option("Counselor")
    page.get_by_role("button", name="Send invitations").click()
    expect(page.get_by_text(f"Invited: {email}.")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text=email)).to_be_visible()

    link = wait_for_mail(email)
    stranger.goto(link)
    expect(stranger.get_by_role("heading", name=f"Join {clinic.organization.name}")).to_be_visible()
    stranger.get_by_label("Your name").fill("Nora Berg")
    stranger.get_by_label("Password", exact=True).fill(SENTENCE)
    stranger.get_by_role("button", name="Join").click()
    expect(stranger).to_have_url(re.compile(f"/o/{clinic.organization.slug}/$"))
    answers_first(clinic, stranger, email)
    stranger.goto(link)
    expect(stranger.get_by_text("was used already")).to_be_visible()

    page.goto(clinic.url("settings/people/?search=nora"))
    page.get_by_role("link", name="Nora Berg").click()
    page.get_by_role("link", name="Deactivate").click()
    page.get_by_role("button", name="Deactivate").click()
    expect(page.get_by_text("Nora Berg is out.")).to_be_visible()
    stranger.goto(clinic.url())
    expect(stranger.get_by_role("heading", name="Sign in")).to_be_visible()


def answers_first(clinic: Clinic, newcomer: Page, email: str) -> None:
    """The newcomer is given a customer who wrote, finds them in the inbox, and answers."""
    received = clinic.receive("Is Thursday free?", name="Maya Okafor")
    with organization_scope(clinic.organization):
        owner = User.objects.get(email=email)
        customers.assign(customer=received.customer, owner=owner, actor=clinic.alice.actor)
    newcomer.goto(clinic.url())
    newcomer.locator("[data-row]", has_text="Maya Okafor").click()
    expect(newcomer.locator("[data-message]", has_text="Is Thursday free?")).to_be_visible()
    newcomer.locator("#composer-body").fill("It is, at ten.")
    newcomer.keyboard.press("Enter")
    answer = newcomer.locator("[data-message]", has_text="It is, at ten.")
    expect(answer).to_have_attribute("data-status", re.compile("sent|delivered|read"))
    with organization_scope(clinic.organization):
        assert Message.objects.get(body="It is, at ten.").author == owner


def test_who_belongs_to_two_organizations_moves_between_them(clinic, sign_in):
    from accounts.organizations import services as organizations

    other: Person = sign_up("owner@second.example", "Olga Ott", "Second Practice", "general")
    with organization_scope(other.organization):
        organizations.add_member(
            organization=other.organization, user=clinic.alice.user, role_key="manager", actor=other.actor
        )
    page = sign_in(clinic.alice.user)
    page.goto(clinic.url())
    page.get_by_role("button", name="Organization: Harbour Clinic").click()
    page.get_by_role("button", name="Second Practice").click()
    expect(page).to_have_url(re.compile("/o/second-practice/$"))
    page.goto("/")
    expect(page).to_have_url(re.compile("/o/second-practice/$"))


def test_a_member_of_nothing_gets_a_page_of_its_own(clinic, sign_in):
    page = sign_in(User.objects.create_user("nobody@nowhere.example", SENTENCE, name="Nils"))
    assert page.goto("/").status == 403
    expect(page.get_by_role("heading", name="You belong to no organization")).to_be_visible()


@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_nothing_with_the_people(screen, clinic, sign_in):
    with organization_scope(clinic.organization):
        made = {"organization": clinic.organization, "actor": clinic.alice.actor}
        invitations.invite(**made, emails=["nora@new.example"], role=clinic.bob.member.role)
        members.deactivate(member=clinic.bob.member, actor=clinic.alice.actor)
    page = sign_in(clinic.alice.user, reduced_motion="reduce", **SCREENS[screen])
    bob = clinic.bob.member.pk
    paths = ["", "?search=nobody", "invitations/", "invite/", f"{bob}/", f"{clinic.alice.member.pk}/", f"{bob}/remove/"]
    found = {path: findings(page) for path in paths if page.goto(clinic.url(f"settings/people/{path}"))}
    page.goto("/invitation/none/")
    found["a wrong link"] = findings(page)
    assert "\n".join(f"{where}: {line}" for where, lines in found.items() for line in lines) == ""


@pytest.mark.parametrize("width", [320, 1440])
def test_no_page_of_the_people_is_wider_than_the_screen(width, clinic, sign_in):
    word = "Donaudampfschifffahrtsgesellschaft" * 3
    with organization_scope(clinic.organization):
        made = {"organization": clinic.organization, "actor": clinic.alice.actor}
        invitations.invite(**made, emails=[f"{word[:60]}@{word[:60]}.example"], role=clinic.bob.member.role)
        User.objects.filter(pk=clinic.bob.user.pk).update(name=word)
    page, bob = sign_in(clinic.alice.user, viewport={"width": width, "height": 800}), clinic.bob.member.pk
    for path in ("", "invitations/", "invite/", f"{bob}/", f"{bob}/deactivate/"):
        page.goto(clinic.url(f"settings/people/{path}"))
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
