"""Who sees what: on the screen, in addresses written by hand, and in the stream."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from accounts.models import Role
from core.tenancy import organization_scope
from customers.models import Customer
from messaging.models import Conversation


def asked_for(page: Page) -> list[str]:
    """The look-ups that a page makes from now on because somebody signalled a change."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/inbox/changes/" in request.url else None)
    return asked


def test_another_organization_sees_nothing_and_hears_nothing(clinic, sign_in):
    received = clinic.receive("A private matter")
    stranger = sign_in(clinic.charlie.user)
    for path in ("inbox/", f"inbox/{received.conversation_id}/", "customers/", "simulator/"):
        assert stranger.goto(clinic.url(path)).status == 404
    assert stranger.goto(clinic.charlie.url(f"inbox/{received.conversation_id}/")).status == 404

    stranger.goto(clinic.charlie.url("inbox/"))
    alice = sign_in(clinic.alice.user)
    alice.goto(clinic.url())
    stranger.wait_for_timeout(1500)  # the first look of a page that has just opened
    asked = asked_for(stranger)
    clinic.deliver("Another private matter")
    expect(alice.locator("[data-row]")).to_contain_text("Another private matter")
    stranger.wait_for_timeout(800)
    assert asked == []
    expect(stranger.locator("[data-row]")).to_have_count(0)


def test_a_counselor_sees_what_is_assigned_as_long_as_it_is(clinic, sign_in):
    received = clinic.receive("May I come tomorrow?")
    bob = sign_in(clinic.bob.user)
    assert bob.goto(clinic.thread_url(received)).status == 404
    bob.goto(clinic.url())
    expect(bob.get_by_role("link", name="Simulator")).to_have_count(0)
    expect(bob.locator("[data-row]")).to_have_count(0)
    clinic.assign(received, clinic.bob.user)
    expect(bob.locator("[data-row]")).to_contain_text("May I come tomorrow?")
    clinic.assign(received, clinic.alice.user)
    expect(bob.locator("[data-row]")).to_have_count(0)
    assert bob.goto(clinic.url("simulator/")).status == 403


def test_who_views_as_a_role_sees_what_comes_and_the_page_stays(clinic, sign_in):
    """There is no stream for who only looks: the page asks every few seconds, and is answered."""
    message = clinic.receive("Is Thursday still possible?")
    with organization_scope(clinic.organization):
        Customer.objects.filter(pk=message.customer_id).update(assigned_to=clinic.alice.user)
        role = Role.objects.get(key="counselor")
    page = sign_in(clinic.alice.user)
    page.goto(clinic.url(f"settings/roles/{role.pk}/"))
    page.get_by_role("button", name="View as this role").click()
    page.goto(clinic.url(f"inbox/{message.conversation_id}/"))
    expect(page.locator(".composer__closed")).to_be_visible()
    page.evaluate("window.isTheSame = true")
    clinic.receive("Or on Friday?")
    expect(page.locator(".bubble").filter(has_text="Or on Friday?")).to_be_visible(timeout=20_000)
    assert page.evaluate("window.isTheSame"), "the page was loaded anew"
    expect(page.locator(".toast--error")).to_have_count(0)
    with organization_scope(clinic.organization):
        assert Conversation.objects.get(pk=message.conversation_id).unread_count == 2, "nobody has read it"
