"""What a customer has: contacts, deals and files; and the fields and tags that an organization makes for them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from customers.models import Customer


@pytest.fixture
def maya(clinic) -> Customer:
    return clinic.customer(
        "Maya Okafor", stage="contacted", email="maya@okafor.example", tags=["vip"], owner=clinic.bob
    )


def open_page(page: Page, clinic: Any, customer: Customer, rest: str = "") -> None:
    page.goto(clinic.url(f"customers/{customer.pk}/{rest}"))
    page.wait_for_load_state("load")


def test_a_contact_a_deal_and_a_file(clinic, maya, sign_in, tmp_path):
    file = tmp_path / "estimate.txt"
    file.write_text("Two implants")
    page = sign_in(clinic.alice.user)
    open_page(page, clinic, maya)
    page.get_by_role("link", name="Contact", exact=True).click()
    page.get_by_label("Name").fill("Tobi Okafor")
    page.get_by_label("Relationship").fill("patient")
    page.get_by_label("Birth date").fill("2015-04-02")
    page.get_by_role("button", name="Add contact").click()
    expect(page.get_by_role("region", name="Contacts")).to_contain_text("2 Apr 2015")
    page.get_by_role("link", name="Deal", exact=True).click()
    page.get_by_label("Title").fill("Two implants")
    page.get_by_label("Amount").fill("3400")
    page.get_by_role("button", name="Add deal").click()
    expect(page.get_by_role("region", name="Deals")).to_contain_text(re.compile(r"Two implants\s+3,?400"))
    files = page.get_by_role("region", name="Files")
    files.get_by_label("File").set_input_files(file)
    files.get_by_role("button", name="Add").click()
    with page.expect_download() as download:
        files.get_by_role("link", name="estimate.txt", exact=True).click()
    assert download.value.path().read_text() == "Two implants"
    files.get_by_role("link", name="Delete estimate.txt").click()
    page.get_by_role("link", name="Keep").click()
    files.get_by_role("link", name="Delete estimate.txt").click()
    page.get_by_role("button", name="Delete").click()
    expect(files).not_to_contain_text("estimate.txt")
    page.get_by_role("link", name="Tobi Okafor").click()
    page.get_by_role("link", name="Delete this contact").click()
    expect(page.get_by_role("heading", name="Delete Tobi Okafor?")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("region", name="Contacts")).not_to_contain_text("Tobi")


def test_a_field_and_a_tag_are_set_up(clinic, maya, sign_in):
    page = sign_in(clinic.alice.user)
    page.goto(clinic.url("settings/fields/"))
    page.get_by_role("link", name="New field").click()
    page.get_by_label("Label").fill("Blood group")
    page.get_by_label("Key", exact=True).fill("blood_group")
    page.get_by_label("Type").select_option("choice")
    page.get_by_label("Choices").fill("A\nB\nAB\n0")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#main")).to_contain_text("Blood group")
    page.get_by_role("link", name="Tags").click()
    page.get_by_label("New tag").fill("Nervous")
    page.locator("#new-tag-color").select_option("rose")
    page.get_by_role("button", name="Add").click()
    row = page.locator(".tagline", has=page.locator("[value=Nervous]"))
    dot = "form => getComputedStyle(form, '::before').backgroundColor"
    assert row.locator("form").evaluate(dot) != page.locator(".tagline", has=page.locator("[value=vip]")).locator(
        "form"
    ).evaluate(dot)
    open_page(page, clinic, maya, "edit/")
    expect(page.get_by_label("Blood group").locator("option")).to_have_text(["—", "A", "B", "AB", "0"])
    page.goto(clinic.url("settings/tags/"))
    row.get_by_role("link", name="Delete Nervous").click()
    expect(page.locator("#main")).to_contain_text("It is taken off 0 customers")
    page.get_by_role("button", name="Delete").click()
    expect(row).to_have_count(0)
    page.get_by_role("link", name="Keeping data").click()
    expect(page.get_by_role("link", name="Keeping data")).to_have_attribute("aria-current", "page")
