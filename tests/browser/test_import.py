"""The wizard in a browser: a file is chosen, its columns corrected, tried, imported, taken back; axe finds nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from core.tenancy import organization_scope
from customers.models import Customer
from tests.browser.test_accessibility import SCREENS, findings

CONTENT = "Person,Contact e-mail,Mobile,Town\n" + "".join(
    f"Ada Number {n},ada{n}@example.com,+4477009{n:05d},Bath\n" if n % 10 else f"Bad {n},nobody,12,Bath\n"
    for n in range(1, 61)
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "people from the old system.csv"
    path.write_text(CONTENT, encoding="utf-8")
    return path


def at(clinic: Any, path: str) -> str:
    return f"/o/{clinic.organization.slug}/{path}"


def choose_file(page: Page, clinic: Any, file: Path) -> None:
    page.goto(at(clinic, "customers/import/new/"))
    page.get_by_label("CSV or Excel file").set_input_files(file)
    expect(page.get_by_text("people from the old system.csv")).to_be_visible()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="Which column is what?")).to_be_visible()
    # The page's scripts listen from here on; on a busy machine the heading is there before they do.
    page.wait_for_load_state()


def test_a_file_is_imported_and_taken_back(clinic, sign_in, file):
    page = sign_in(clinic.alice.user)
    choose_file(page, clinic, file)
    expect(page.get_by_label("Contact e-mail")).to_have_value("email")
    preview = page.locator("#import-preview")
    expect(preview).to_contain_text("2 of the first 20 rows would be rejected.")

    page.get_by_label("Town").select_option("")
    expect(preview.locator("thead .is-left-out")).to_contain_text("Town")
    page.get_by_label("Mobile").select_option("email")
    page.get_by_label("Mobile").select_option("phone")
    expect(preview).to_contain_text("is too short")

    page.get_by_role("button", name="Try it first").click()
    expect(page.get_by_text("This was a trial: nothing was written.")).to_be_visible()
    page.get_by_role("button", name="Import 54 rows").click()
    expect(page.get_by_text("The import is done.")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="All of them, with their reasons").click()
    assert download.value.suggested_filename == "people from the old system rejected rows.csv"
    with organization_scope(clinic.organization):
        assert Customer.objects.filter(name__startswith="Ada Number").count() == 54

    page.get_by_text("Undo this import").click()
    page.get_by_role("button", name="Undo the import").click()
    expect(page.get_by_text("This import was undone.")).to_be_visible()
    with organization_scope(clinic.organization):
        assert not Customer.objects.filter(name__startswith="Ada Number").exists()


def test_the_progress_survives_a_reload(clinic, sign_in, tmp_path):
    many = tmp_path / "many.csv"
    many.write_text("Name,E-mail\n" + "".join(f"P {n},p{n}@example.com\n" for n in range(6000)), encoding="utf-8")
    page = sign_in(clinic.alice.user)
    page.goto(at(clinic, "customers/import/new/"))
    page.get_by_label("CSV or Excel file").set_input_files(many)
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Import without a trial").click()
    expect(page.get_by_role("progressbar", name="Importing…")).to_be_visible()
    page.reload()
    expect(page.get_by_role("progressbar", name="Importing…")).to_be_visible()
    expect(page.get_by_text("The import is done.")).to_be_visible(timeout=60_000)
    expect(page.locator(".tile--good")).to_contain_text("6000")


@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_nothing_on_any_of_its_pages(clinic, sign_in, file, screen):
    page = sign_in(clinic.alice.user, reduced_motion="reduce", **SCREENS[screen])
    page.goto(at(clinic, "customers/import/"))
    assert findings(page) == []
    page.goto(at(clinic, "customers/import/new/"))
    assert findings(page) == []
    choose_file(page, clinic, file)
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Try it first").click()
    expect(page.get_by_text("This was a trial: nothing was written.")).to_be_visible()
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.goto(at(clinic, "customers/export/?status=lead"))
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_without_a_script_the_whole_way_works_too(clinic, sign_in, file):
    page = sign_in(clinic.alice.user, java_script_enabled=False)
    page.goto(at(clinic, "customers/import/new/"))
    page.get_by_label("CSV or Excel file").set_input_files(file)
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("Town").select_option("")
    page.get_by_role("button", name="Update the preview").last.click()
    expect(page.locator("#import-preview thead .is-left-out")).to_contain_text("Town")
    page.get_by_role("button", name="Try it first").click()
    while page.get_by_role("link", name="Look again").count():
        page.wait_for_timeout(300)
        page.get_by_role("link", name="Look again").click()
    expect(page.get_by_text("This was a trial: nothing was written.")).to_be_visible()
