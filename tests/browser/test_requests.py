"""What a page asks the server for: a list once, and never under a long address."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Request, expect

from activity.live import LOOK_BACK
from core.tenancy import organization_scope
from customers.models import Customer
from customers.people.customers import services as customers
from tests.ledger import change_unsealed
from workflows.models import Notification

MAX_ADDRESS = 2000
# What the list of a page, or the page itself, is loaded by a second time.
LOADS = {
    "inbox/": ("inbox/",),
    "customers/": ("customers/",),
    "pipeline/": ("pipeline/",),
    "tasks/": ("tasks/",),
    "": ("",),
}


def requests_of(page: Page) -> list[Request]:
    """What the page asks for from here on, without its files and its stream."""
    asked: list[Request] = []
    quiet = ("/static/", "/live/")
    page.context.on("request", lambda one: None if any(part in one.url for part in quiet) else asked.append(one))
    return asked


def let_rest(clinic) -> None:
    """As when the last change was a while ago: nothing can be on its way any more."""
    with organization_scope(clinic.organization):
        before = timezone.now() - 2 * LOOK_BACK
        change_unsealed(occurred_at=before)
        Notification.objects.update(changed_at=before, raised_at=before)


def open_and_wait(page: Page, path: str) -> None:
    """Until the stream is open and the page had time to ask for more."""
    with page.expect_response("**/live/**"):
        page.goto(path)
    page.wait_for_timeout(1500)


@pytest.mark.parametrize("path", LOADS)
def test_a_list_is_loaded_once(path, clinic, sign_in):
    clinic.receive("First question")
    let_rest(clinic)
    page = sign_in(clinic.alice.user)
    asked = requests_of(page)
    open_and_wait(page, clinic.url(path))
    assert [one.url for one in asked if "/o/" in one.url] == [page.url]
    # A second tab has the first one's stream, and what that brought.
    second = page.context.new_page()
    asked.clear()
    second.goto(clinic.url(path))
    second.wait_for_timeout(1500)
    assert [one.url for one in asked if "/o/" in one.url] == [second.url]


def test_what_came_between_a_page_and_its_stream_is_shown(clinic, sign_in):
    clinic.receive("First question")
    let_rest(clinic)
    page = sign_in(clinic.alice.user)
    held = []
    page.context.route("**/live/**", lambda route: held.append(route))
    page.goto(clinic.url("customers/"))
    page.wait_for_timeout(700)
    with organization_scope(clinic.organization):
        customers.update(
            customer=Customer.objects.select_related("organization", "stage").get(),
            actor=clinic.alice.actor,
            changes={"name": "Maya Bell"},
        )
    asked = requests_of(page)
    for route in held:
        route.continue_()
    expect(page.locator("#customer-rows")).to_contain_text("Maya Bell")
    assert [
        one.url.partition("?")[0].rpartition("/o/")[2].partition("/")[2] for one in asked if "/rows/" in one.url
    ] == ["customers/rows/"]


@pytest.mark.parametrize("path", ["customers/", "pipeline/"])
def test_no_address_is_long_however_many_changed(path, clinic, sign_in):
    with organization_scope(clinic.organization):
        everybody = [
            customers.create(organization=clinic.organization, actor=clinic.alice.actor, name=f"Guest {n:03}")
            for n in range(80)
        ]
    let_rest(clinic)
    page = sign_in(clinic.alice.user)
    page.goto(clinic.url(path))
    page.wait_for_timeout(700)
    asked = requests_of(page)
    with page.expect_response(lambda answer: "/rows/" in answer.url or "/changes/" in answer.url) as answered:
        page.evaluate(
            "ids => document.dispatchEvent(new CustomEvent('parley:customers', { detail: { ids } }))",
            [str(one.pk) for one in everybody],
        )
    assert answered.value.status == 200
    assert answered.value.request.post_data.count("-") > 100
    assert asked
    assert max(len(one.url) for one in asked) < MAX_ADDRESS


def test_a_selection_of_many_is_exported(clinic, sign_in):
    with organization_scope(clinic.organization):
        for n in range(50):
            customers.create(organization=clinic.organization, actor=clinic.alice.actor, name=f"Guest {n:03}")
    page = sign_in(clinic.alice.user)
    page.goto(clinic.url("customers/"))
    asked = requests_of(page)
    page.locator("[data-choose-page]").click()
    page.locator("[data-export-chosen]").click()
    expect(page.get_by_text("within your reach")).to_contain_text("50 customers within your reach that you selected")
    page.get_by_label("CSV").check()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export", exact=True).click()
    assert len(download.value.path().read_text(encoding="utf-8-sig").splitlines()) == 51
    assert max(len(one.url) for one in asked) < MAX_ADDRESS
