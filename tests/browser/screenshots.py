"""The README's pictures, taken of the demo organization: `make screenshots` writes them to docs/images."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.invitations import services as invitations
from accounts.models import Invitation, Member, Role
from accounts.roles import services as roles
from activity.actor import Actor
from core.tenancy import organization_scope
from crm_project.demo import loader
from customers.models import Customer, CustomField, Tag
from customers.people.contacts import services as contacts
from customers.people.custom_fields import services as custom_fields
from customers.people.customers import services as customers
from customers.people.tags import services as tags
from customers.pipeline.deals import services as deals
from customers.work.interactions import services as interactions
from customers.work.tasks import services as tasks
from messaging.texts.contents import services as contents
from tests.browser.stack import ROOT

IMAGES = ROOT / "docs" / "images"
LARGEST_BYTES = 260_000
WIDE = {"viewport": {"width": 1440, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 1.5}
INBOX = f"/o/{loader.SLUG}/inbox/"


@pytest.fixture(scope="module")
def alice(stack):
    """The demo's administrator."""
    loader.load()
    return loader.User.objects.get(email=loader.PEOPLE[0][2])


def take(page: Page, name: str) -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    path = Path(IMAGES, f"{name}.png")
    page.screenshot(path=path, animations="disabled", caret="hide")
    assert path.stat().st_size < LARGEST_BYTES


def open_conversation(page: Page, name: str) -> None:
    page.goto(INBOX)
    page.get_by_role("link", name=name).first.click()
    expect(page.locator("#thread-header")).to_contain_text(name)
    expect(page.locator("[data-row] [aria-current] .badge--count")).to_have_count(0)
    page.mouse.move(0, 0)
    page.evaluate("document.activeElement.blur()")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_inbox(scheme, alice, sign_in):
    page = sign_in(alice, color_scheme=scheme, reduced_motion="reduce", **WIDE)
    open_conversation(page, "Maya Okafor")
    take(page, "inbox" if scheme == "light" else "inbox-dark")


def test_the_inbox_on_a_phone(alice, sign_in):
    page = sign_in(alice, reduced_motion="reduce", **PHONE)
    page.goto(INBOX)
    expect(page.locator("[data-row]").nth(5)).to_be_visible()
    take(page, "inbox-phone")
    open_conversation(page, "Maya Okafor")
    take(page, "thread-phone")


def test_an_approved_template(alice, sign_in):
    contents.sync_due()
    page = sign_in(alice, reduced_motion="reduce", **WIDE)
    open_conversation(page, "Maya Okafor")
    page.get_by_role("button", name="Templates").click()
    page.locator("a.template-offer", has_text="appointment_reminder").click()
    dialog = page.locator("#template-dialog")
    dialog.get_by_label("Value 1").fill("Maya")
    dialog.get_by_label("Value 2").fill("Friday at 10:30")
    expect(dialog.locator("#fill-preview")).to_contain_text("Friday at 10:30")
    take(page, "template")


def test_a_channel(alice, sign_in):
    page = sign_in(alice, reduced_motion="reduce", **WIDE)
    page.goto(f"/o/{loader.SLUG}/channels/")
    page.get_by_role("link", name="WhatsApp simulator").first.click()
    page.wait_for_load_state("load")
    take(page, "channel")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_customers(scheme, alice, sign_in):
    page = sign_in(alice, color_scheme=scheme, reduced_motion="reduce", viewport={"width": 1440, "height": 810})
    page.goto(f"/o/{loader.SLUG}/customers/?ordering=name")
    if scheme == "dark":
        page.locator("[data-choose]").nth(1).click()
        page.locator("[data-choose]").nth(3).click(modifiers=["Shift"])
        expect(page.locator("#bulk")).to_be_visible()
    else:
        page.locator("a.person").nth(1).click()
        expect(page.locator("#side-panel .event").first).to_be_visible()
    page.mouse.move(0, 0)
    page.evaluate("document.activeElement.blur()")
    take(page, "customers" if scheme == "light" else "customers-dark")


def test_the_palette(alice, sign_in):
    page = sign_in(alice, reduced_motion="reduce", **WIDE)
    page.goto(f"/o/{loader.SLUG}/customers/?ordering=name")
    page.wait_for_load_state("load")
    page.keyboard.press("Control+k")
    page.keyboard.type("ma")
    expect(page.locator("#palette-results")).to_have_attribute("data-q", "ma")
    take(page, "palette")


def test_the_simulator(alice, sign_in):
    page = sign_in(alice, reduced_motion="reduce", **WIDE)
    page.goto(f"/o/{loader.SLUG}/simulator/?person=maya")
    expect(page.locator(".sms").first).to_be_attached()
    take(page, "simulator")


def test_the_sign_up(browser, stack):
    context = browser.new_context(base_url=stack.address, **WIDE)
    page = context.new_page()
    page.goto("/sign-up/")
    page.get_by_label("Your name").fill("Rosa Bell")
    page.get_by_label("E-mail").fill("rosa@northgate.example")
    page.get_by_label("Organization").fill("Northgate Dental")
    page.evaluate("document.activeElement.blur()")
    take(page, "sign-up")
    context.close()


def test_an_import(alice, sign_in, tmp_path):
    file = tmp_path / "customers from the old system.csv"
    rows = [
        "Full name;Contact e-mail;Mobile;Town;Interested in;Remarks",
        "Ingrid Solberg;ingrid@solberg.example;+44 7700 900811;Oslo;implants; veneers",
        "Tomás Herrera;tomas.herrera@example.com;07700 900812;Leeds;whitening;",
        "Priya Raman;priya@raman.example;12;London;check-up;asked for a Saturday",
        "Noah Fischer;noah.fischer(at)example.com;+49 30 901820;Berlin;implants;",
        "Chloé Lambert;chloe@lambert.example;+33 6 12 34 56 78;Lyon;braces;speaks French",
        *(f"Guest {n};guest{n}@example.com;+44 7700 9008{n:02d};York;check-up;" for n in range(20, 45)),
    ]
    file.write_text("\n".join(rows).replace("implants; veneers", "implants"), encoding="utf-8")
    page = sign_in(alice, reduced_motion="reduce", **WIDE)
    page.goto(f"/o/{loader.SLUG}/customers/import/new/")
    page.get_by_label("CSV or Excel file").set_input_files(file)
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("Interested in").select_option("tags")
    expect(page.locator("#import-preview")).to_contain_text("2 of the first 20 rows would be rejected.")
    page.evaluate("document.activeElement.blur()")
    take(page, "import")


@pytest.fixture
def implants(alice):
    """Maya, whom the clinic knows for a while by now, and a second record of hers."""
    organization, actor, now = loader.Organization.objects.get(slug=loader.SLUG), Actor.for_user(alice), timezone.now()
    with organization_scope(organization):
        maya = Customer.objects.select_related("organization", "stage").get(name="Maya Okafor")
        for key, label, kind, choices in (
            ("treatment", "Treatment", "choice", ["Implants", "Whitening"]),
            ("budget", "Budget in £", "number", []),
            ("insurer", "Insurer", "text", []),
        ):
            if not CustomField.objects.filter(key=key).exists():
                custom_fields.create(
                    organization=organization, actor=actor, key=key, label=label, type=kind, choices=choices
                )
        customers.update(customer=maya, actor=actor, changes={
            "email": "maya@okafor.example", "language": "en", "notes": "Prefers mornings. Nervous about needles.",
            "address": {"street": "14 Harbourside", "city": "Bristol", "postal_code": "BS1 5DB"},
            "custom_fields": {"treatment": "Implants", "budget": 3400, "insurer": "Northern Mutual"},
        })  # fmt: skip
        for name, color in (("implants", "teal"), ("price", "amber"), ("whatsapp", "green"), ("new_lead", "sky")):
            tags.update(tag=Tag.objects.get(name=name), actor=actor, changes={"color": color})
        contacts.create(customer=maya, actor=actor, name="Tobi Okafor", relationship="partner", phone="+447700900555")
        deals.create(customer=maya, actor=actor, title="Two implants, upper jaw", owner=alice, amount="3400")
        for title, due in (("Send the estimate", timedelta(hours=3)), ("Ask the insurer", timedelta(days=2))):
            tasks.create(
                organization=organization, customer=maya, actor=actor, title=title, assigned_to=alice, due_at=now + due
            )
        interactions.log(
            customer=maya, actor=actor, content="Asked about sedation; would like to come before ten.", channel="call",
            direction="inbound", duration_seconds=420, occurred_at=now - timedelta(minutes=3),
        )  # fmt: skip
        customers.set_follow_up(customer=maya, at=now + timedelta(days=1), actor=actor)
        other = customers.create(
            organization=organization, actor=actor, name="Maya Okafor-Bell", email="m.okafor@mail.example",
            company="Bell & Okafor", own_fields={"treatment": "Whitening"},
        )  # fmt: skip
    return maya, other


def test_a_customer(alice, implants, sign_in):
    page = sign_in(alice, reduced_motion="reduce", viewport={"width": 1440, "height": 1000})
    page.goto(f"/o/{loader.SLUG}/customers/{implants[0].pk}/")
    expect(page.locator("#timeline .event").first).to_be_visible()
    page.mouse.move(0, 0)
    take(page, "customer")
    page.goto(f"/o/{loader.SLUG}/customers/{implants[1].pk}/merge/?into={implants[0].pk}")
    expect(page.get_by_role("button", name="Merge")).to_be_visible()
    take(page, "merge")


@pytest.mark.parametrize(
    ("scheme", "size", "name"), [("light", WIDE, "rule-editor"), ("dark", PHONE, "rule-editor-phone")]
)
def test_a_rule_is_written(scheme, size, name, alice, sign_in):
    page = sign_in(alice, color_scheme=scheme, reduced_motion="reduce", **size)
    page.goto(f"/o/{loader.SLUG}/settings/rules/")
    page.get_by_role("link", name="Mark who asks for the price").click()
    page.get_by_role("link", name="Edit").click()
    page.get_by_role("button", name="Add an action").click()
    page.locator("#rule-actions-1-action").select_option("create_task")
    page.locator("#rule-actions-1-params-title").fill("Send {{ customer.first_name|them }} the price list")
    expect(page.locator("#rule-live")).to_contain_text("the price list")
    page.evaluate("document.activeElement.blur()")
    page.get_by_role("heading", level=1).scroll_into_view_if_needed()
    take(page, name)


@pytest.mark.parametrize(
    ("path", "scheme", "size", "seen", "name"),
    [
        ("", "light", WIDE, "Do next", "home"),
        ("", "light", PHONE, "Do next", "home-phone"),
        ("pipeline/", "light", WIDE, "Consult booked", "pipeline"),
        ("pipeline/", "dark", WIDE, "Consult booked", "pipeline-dark"),
        ("deals/", "light", WIDE, "Outlook", "deals"),
        ("tasks/calendar/", "light", WIDE, "Calendar", "calendar"),
        ("followups/", "light", WIDE, "Overdue", "follow-ups"),
    ],
)
def test_the_days_work(path, scheme, size, seen, name, alice, sign_in):
    page = sign_in(alice, color_scheme=scheme, reduced_motion="reduce", **size)
    page.goto(f"/o/{loader.SLUG}/{path}")
    expect(page.locator("main").get_by_text(seen).filter(visible=True).first).to_be_visible()
    page.wait_for_load_state("load")
    take(page, name)


@pytest.fixture
def desk(alice):
    """A role of the clinic's own, and somebody who is asked to join with it."""
    organization = loader.Organization.objects.get(slug=loader.SLUG)
    actor = Actor.for_user(alice)
    with organization_scope(organization):
        by = Member.objects.with_access().get(user=alice)
        role = Role.objects.filter(key="front-desk").first() or roles.create(
            organization=organization, by=by, actor=actor, name="Front desk", key="front-desk", reach="team",
            permissions=[
                "customers.view", "customers.create", "customers.edit", "tasks.view", "tasks.create", "tasks.edit",
                "conversations.view", "conversations.create", "conversations.edit", "templates.view", "channels.view",
            ],
        )  # fmt: skip
        if not Invitation.objects.exists():
            invitations.invite(
                organization=organization, emails=["rosa@northgate.example"], role=role, teams=[], actor=actor, days=7
            )
    return role


@pytest.mark.parametrize("name", ["people", "role", "who-sees", "audit-log"])
def test_the_administration(name, alice, desk, sign_in):
    with organization_scope(desk.organization):
        customer = Customer.objects.get(name="Maya Okafor")
    path = {
        "people": "settings/people/",
        "role": f"settings/roles/{desk.pk}/edit/",
        "who-sees": f"who-sees/?subject=customer:{customer.pk}",
        "audit-log": "settings/audit/",
    }[name]
    page = sign_in(alice, reduced_motion="reduce", **WIDE)
    page.goto(f"/o/{loader.SLUG}/{path}")
    expect(page.locator("h1").first).to_be_visible()
    page.evaluate("document.activeElement.blur()")
    take(page, name)
