"""Who sees what: on the screen, in addresses written by hand, and in the stream."""

from __future__ import annotations

from playwright.sync_api import Page, expect


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
