"""axe finds nothing on any page: wide and light, on a phone and dark, and at 320 px."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from importlib.resources import files
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import timezone
from playwright.sync_api import Page

from activity import jobs
from core.tenancy import organization_scope
from messaging.channels.base import Location, Media
from messaging.costs import services as costs
from messaging.models import Message
from workflows.rehearsals import services as rehearsals
from workflows.rules import services as workflows
from workflows.sequences import services as sequences

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
# What runs for ever is not waited for, nor what was stopped half-way by a page that changed.
FINISHED = """Promise.race([new Promise((over) => setTimeout(over, 5000)), Promise.all(document.getAnimations()
    .filter((one) => one.effect.getComputedTiming().iterations !== Infinity)
    .map((one) => one.finished.catch(() => {})))])"""
SCREENS: dict[str, dict[str, Any]] = {
    "1440 light": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"},
    "390 dark": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "has_touch": True},
    "320 light": {"viewport": {"width": 320, "height": 640}, "color_scheme": "light", "has_touch": True},
}
ERROR_PAGES = ("400.html", "403.html", "403_csrf.html", "404.html", "500.html")
RULE: Any = {
    "name": "Price", "trigger_event": "message.received", "is_enabled": True,
    "conditions": {"any": [{"field": "message_body", "op": "icontains", "value": "how much"}]},
    "actions": [
        {"action": "wait", "minutes": 60}, {"action": "send_text", "body": "Hello {{ customer.first_name }}"},
        {"action": "branch", "branches": [{"conditions": {"channel": "sms"}, "actions": [
            {"action": "add_tag", "tag": "price"}]}], "otherwise": []},
    ],
}  # fmt: skip
SEQUENCE: Any = {"name": "Chase", "is_enabled": True, "steps": [
    {"delay_minutes": 1440, "action": {"action": "send_text", "body": "Still there?"}},
]}  # fmt: skip
RATE: Any = {
    "channel_kind": "whatsapp", "market": "GB", "category": "utility", "price": Decimal("0.02"), "currency": "GBP",
    "valid_from": date(2026, 1, 1), "free_allowance": 100,
}  # fmt: skip
OUTCOMES: dict[str, dict[str, Any]] = {
    "queued": {"due_at": timedelta(hours=1)},
    "sending": {},
    "sent": {},
    "delivered": {},
    "read": {},
    "cancelled": {"error_message": "taken back"},
    "failed": {"error_message": "The number is not on WhatsApp.", "error_code": "63024"},
    "unconfirmed": {"error_message": "The provider did not answer in time."},
}


def findings(page: Page) -> list[str]:
    """What axe has to say, a line for each element."""
    page.wait_for_load_state("load")
    page.evaluate(FINISHED)
    page.evaluate(AXE)
    # What passed is not gathered: that is most of axe's work on a long page.
    run = "async () => (await axe.run({ resultTypes: ['violations'] })).violations"
    violations: list[dict[str, Any]] = page.evaluate(run)
    return [
        f"{found['id']}: {node['target']} {node['failureSummary']}" for found in violations for node in found["nodes"]
    ]


@pytest.fixture
def full_thread(clinic) -> Message:
    """A thread with every state of a message, a note, a location and a file."""
    received: Message = clinic.receive("Hello, see https://example.com/offer please")
    now = timezone.now()
    with organization_scope(clinic.organization):
        common = {
            "organization": clinic.organization,
            "conversation_id": received.conversation_id,
            "customer_id": received.customer_id,
            "channel_id": received.channel_id,
            "direction": Message.Direction.OUTBOUND,
            "author": clinic.alice.user,
        }
        for status, more in OUTCOMES.items():
            due = {"due_at": now + more["due_at"]} if "due_at" in more else {}
            Message.objects.create(**common, status=status, body=f"This one is {status}.", **{**more, **due})
        Message.objects.create(**common, status="note", is_private=True, body="Only we read this.", reply_to=received)
    here = Location(latitude=51.5, longitude=-0.12, label="Home", address="1 High Street")
    scan = Media(url="https://media.example.com/1", content_type="image/jpeg", filename="scan.jpg")
    clinic.receive("", location=here, media=[scan], referral={"headline": "Spring offer", "source_type": "ad"})
    return received


@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_nothing(screen, clinic, full_thread, sign_in):
    clinic.receive("STOP", name="Otto Weiss", phone="+447700900103")
    closed = clinic.receive("Too late?", name="Wanda Still", phone="+447700900104", ago=timedelta(hours=30))
    customer = clinic.conversation(full_thread).customer
    page = sign_in(clinic.alice.user, reduced_motion="reduce", **SCREENS[screen])
    addresses = [
        clinic.url(),
        clinic.url("inbox/?q=nobody+has+this+name"),
        clinic.thread_url(full_thread),
        clinic.thread_url(closed),
        clinic.url("simulator/"),
        clinic.url("customers/"),
        clinic.url("customers/new/"),
        clinic.url(f"customers/{customer.pk}/"),
        clinic.url("templates/"),
        clinic.url("templates/new/"),
        "/switch/",
    ]
    found = {address: findings(page) for address in addresses if page.goto(address)}
    page.goto(clinic.thread_url(full_thread))
    page.keyboard.press("?")
    found["the keys"] = findings(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Customer details").evaluate_all("buttons => buttons.forEach(one => one.click())")
    found["the customer's drawer"] = findings(page)
    assert "\n".join(f"{where}: {line}" for where, lines in found.items() for line in lines) == ""


@pytest.fixture
def automations(clinic) -> list[str]:
    """The addresses of what happens by itself: a rule, a rehearsal of it, a sequence, rates, with something in each."""
    organization, actor = clinic.organization, clinic.alice.actor
    clinic.receive("How much is a cleaning?")
    with organization_scope(organization):
        rule = workflows.create(organization=organization, actor=actor, values=RULE)
        rehearsal = rehearsals.start(workflow=rule, member=clinic.alice.member, actor=actor)
        sequence = sequences.create(organization=organization, actor=actor, values=SEQUENCE)
        rate = costs.create(organization=organization, actor=actor, values=RATE)
    jobs.run_due()
    return [
        "settings/rules/", f"settings/rules/{rule.pk}/", f"settings/rules/{rule.pk}/edit/",
        f"settings/rules/{rule.pk}/rehearse/", f"settings/rehearsals/{rehearsal.pk}/", "settings/rules/outgoing/",
        f"settings/sequences/{sequence.pk}/", f"settings/sequences/{sequence.pk}/edit/", "rate-cards/",
        f"rate-cards/{rate.pk}/", "rate-cards/import/", "notifications/",
    ]  # fmt: skip


@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_nothing_where_things_happen_by_themselves(screen, clinic, automations, sign_in):
    page = sign_in(clinic.alice.user, reduced_motion="reduce", **SCREENS[screen])
    found = {address: findings(page) for address in automations if page.goto(clinic.url(address))}
    assert "\n".join(f"{where}: {line}" for where, lines in found.items() for line in lines) == ""


@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_nothing_before_the_sign_in_and_on_error_pages(screen, browser, stack):
    context = browser.new_context(base_url=stack.address, reduced_motion="reduce", **SCREENS[screen])
    page = context.new_page()
    found = {}
    for address in ("/sign-in/", "/sign-up/", "/forgotten-password/", "/forgotten-password/sent/"):
        page.goto(address)
        found[address] = findings(page)
    page.goto("/sign-up/")
    with page.expect_navigation():
        page.get_by_role("button", name="Create organization").click()
    found["the refused sign-up"] = findings(page)
    broken = dict(error_pages())
    page.route("**/*.html", lambda route: route.fulfill(body=broken[route.request.url.rpartition("/")[2]]))
    for name in broken:
        page.goto(f"/{name}")
        found[name] = findings(page)
    context.close()
    assert "\n".join(f"{where}: {line}" for where, lines in found.items() for line in lines) == ""


def error_pages() -> Iterator[tuple[str, str]]:
    """As production shows them; with DEBUG on, Django puts its own in their place."""
    request = RequestFactory().get("/")
    for name in ERROR_PAGES:
        yield name, render_to_string(name, {}, request=request)
