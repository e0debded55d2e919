"""The pages of channels and of an approved template: nothing for axe, no wider than the screen, quick and calm."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from core.tenancy import organization_scope
from messaging.models import Arrival, Channel, Mailbox, Reconciliation, Template
from messaging.settings import services as channels
from messaging.texts.templates import services as templates
from tests.browser.test_accessibility import SCREENS, findings

WORD = "Donaudampfschifffahrtsgesellschaft" * 2


@pytest.fixture
def phone(clinic: Any) -> Channel:
    """A Twilio number with everything that its pages can show."""
    received = clinic.receive("Hello")
    now = timezone.now()
    with organization_scope(clinic.organization):
        channel = channels.create(
            organization=clinic.organization, actor=clinic.alice.actor, kind="whatsapp", provider="twilio",
            name=WORD, address="+15005550006", credentials={"account_sid": "AC" + "0" * 32, "auth_token": "t" * 32},
        )  # fmt: skip
        Channel.objects.filter(pk=channel.pk).update(last_error=f"credentials: {WORD}", last_error_at=now)
        entries = [
            {"kind": kind, "id": f"SM{kind}", "other": "+15005550199", "at": now.isoformat(), "status": "delivered"}
            for kind in ("inbound", "status", "elsewhere")
        ]
        about = {"organization": clinic.organization, "channel": channel}
        span = {"since": now - timedelta(days=1), "until": now}
        Reconciliation.objects.create(**about, **span, state="done", found=entries, inbound_found=3, finished_at=now)
        Reconciliation.objects.create(**about, **span, state="failed", error=WORD)
        Arrival.objects.create(
            key=f"a{channel.pk}", provider="twilio", kind="whatsapp", type="message", body=b"",
            state="set_aside", last_error=WORD, **about,
        )  # fmt: skip
    assert received.pk
    return channel


@pytest.fixture
def approved(clinic: Any) -> Template:
    with organization_scope(clinic.organization):
        made = templates.create(
            organization=clinic.organization, actor=clinic.alice.actor, name=WORD, channel="whatsapp",
            body="Dear {{1}}", provider_template_id="HX" + "a" * 32, content_variables={"1": "{{ customer.name }}"},
        )  # fmt: skip
        held = {"body": made.body, "variables": {"1": "Ann"}, "actions": [{"kind": "reply", "text": "Yes"}]}
        Template.objects.filter(pk=made.pk).update(content=held, content_status="rejected", content_reason=WORD)
    return made


@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_nothing_and_nothing_is_too_wide(screen, clinic, phone, approved, sign_in):
    with organization_scope(clinic.organization):
        mail = channels.create(
            organization=clinic.organization, actor=clinic.alice.actor, kind="email", provider="smtp", name="Mail",
            address=f"{WORD[:60]}@clinic.example", credentials={"host": "m.example", "imap_host": "m.example"},
        )  # fmt: skip
        Mailbox.objects.filter(channel=mail).update(last_error=WORD, failures=3, checked_at=timezone.now())
    page = sign_in(clinic.alice.user, reduced_motion="reduce", **SCREENS[screen])
    for path in (
        "channels/", "channels/new/", "channels/new/?kind=email&provider=smtp", f"channels/{mail.pk}/",
        f"channels/{mail.pk}/edit/", f"channels/{phone.pk}/", f"channels/{phone.pk}/catch-up/", "templates/",
        f"templates/{approved.pk}/",
    ):  # fmt: skip
        page.goto(clinic.url(path))
        main = page.locator(".app__main")
        assert main.evaluate("main => main.scrollWidth - main.clientWidth") <= 0, path
        assert findings(page) == [], path


def test_a_simulator_is_checked_without_leaving_the_page(clinic, sign_in):
    with organization_scope(clinic.organization):
        channel = Channel.objects.filter(provider="simulator").first()
    page = sign_in(clinic.alice.user)
    page.goto(clinic.url(f"channels/{channel.pk}/"))
    page.evaluate("window.stays = true")
    page.get_by_role("button", name="Check now").click()
    expect(page.locator("#channel-check")).to_contain_text("All is well")
    assert page.evaluate("window.stays")


def test_the_templates_shown_stand_in_the_address(clinic, approved, sign_in):
    page = sign_in(clinic.alice.user)
    page.goto(clinic.url("templates/"))
    page.get_by_label("Find a template").fill("donau")
    expect(page.locator(".template-list__row")).to_have_count(1)
    page.wait_for_url("**/templates/?q=donau")
    page.reload()
    expect(page.locator(".template-list__row")).to_have_count(1)


def test_the_preview_follows_what_is_typed_and_who_is_chosen(clinic, sign_in):
    clinic.receive("Hello", name="Ann Lee", phone="+447700900150")
    clinic.receive("Hello", name="Otto Weiss", phone="+447700900151")
    page = sign_in(clinic.alice.user)
    page.goto(clinic.url("templates/new/"))
    page.get_by_label("Text").fill("Dear ")
    page.get_by_role("button", name="customer.name", exact=True).click()
    preview = page.locator("#template-preview")
    expect(preview).to_contain_text("Dear Otto Weiss")
    page.get_by_label("For whom: find a customer").fill("ann")
    expect(preview.locator(".template-preview")).to_have_text("Dear Ann Lee")
