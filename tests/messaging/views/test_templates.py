"""The pages of templates, and the list that the composer offers."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.tenancy import organization_scope
from customers.models import Customer
from messaging.models import Template
from messaging.services import templates

pytestmark = pytest.mark.django_db
FORM = {"name": "Hours", "channel": "whatsapp", "language": "und", "body": "Hello {{ customer.name }}, we open at 9."}


def make(alice: Any, **more: Any) -> Template:
    with organization_scope(alice.organization):
        return templates.create(organization=alice.organization, actor=alice.actor, **{**FORM, **more})


def test_written_listed_changed_and_deleted(alice):
    browser = alice.client
    assert browser.post(alice.url("templates/new/"), FORM).status_code == 302
    page = browser.get(alice.url("templates/")).content.decode()
    assert "we open at 9" in page
    template = Template._base_manager.get(key="hours")
    url = alice.url(f"templates/{template.pk}/")
    assert browser.post(url, {**FORM, "name": "Opening"}).status_code == 302
    assert "Opening" in browser.get(url).content.decode()
    assert "Delete “Opening”?" in browser.get(f"{url}delete/").content.decode()
    assert browser.post(f"{url}delete/").status_code == 302
    assert not Template._base_manager.filter(pk=template.pk).exists()


def test_what_is_wrong_stands_at_its_field_and_the_text_is_kept(alice):
    answer = alice.client.post(alice.url("templates/new/"), {**FORM, "body": "Dear {{ customer.shoe_size }}"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "can’t be filled in" in page
    assert "Dear {{ customer.shoe_size }}" in page


def test_the_preview_shows_somebody_within_reach(alice, bob, make_customer):
    make_customer(name="Not Bobs")
    make_customer(bob, name="Ann Lee")
    mona = alice
    body = mona.htmx.post(alice.url("templates/preview/"), {"body": "Hello {{ customer.name }}"}).content.decode()
    assert "Hello Ann Lee" in body or "Hello Not Bobs" in body
    mine = bob.htmx.post(alice.url("templates/preview/"), {"body": "Hello {{ customer.name }} <b>"}).content.decode()
    assert "Hello Ann Lee &lt;b&gt;" in mine
    wrong = alice.htmx.post(alice.url("templates/preview/"), {"body": "{{ customer.shoe_size }}"}).content.decode()
    assert "can’t be filled in" in wrong


def test_the_composer_offers_those_of_its_channel_filled_in_the_customers_language_first(alice, bob, make_conversation):
    conversation = make_conversation(bob, name="Ann Lee")
    with organization_scope(alice.organization):
        Template.objects.all().delete()
        Customer.objects.filter(pk=conversation.customer_id).update(language="de-AT")
    make(alice)
    make(alice, language="de", body="Hallo {{ customer.name }}")
    make(alice, name="Mail", channel="email")
    make(alice, name="Needs more", body="{{ company }}")
    page = bob.htmx.get(bob.url(f"inbox/{conversation.pk}/templates/")).content.decode()
    assert page.index("Hallo Ann Lee") < page.index("Hello Ann Lee")
    assert "Mail" not in page
    assert "This customer has no company" in page
    found = bob.htmx.get(bob.url(f"inbox/{conversation.pk}/templates/?q=need")).content.decode()
    assert "Hallo" not in found


def test_walls(alice, bob, charlie, make_conversation):
    template, conversation = make(alice), make_conversation()
    for person, expected in ((charlie, 404), (bob, 403)):
        assert person.client.get(person.url(f"templates/{template.pk}/")).status_code == expected
    for person in (bob, charlie):
        assert person.client.get(person.url(f"inbox/{conversation.pk}/templates/")).status_code == 404
    assert "Hours" not in charlie.client.get(charlie.url("templates/")).content.decode()


@pytest.mark.parametrize("rows", [1, 50])
def test_the_same_queries_for_any_number(alice, make_conversation, rows):
    conversation = make_conversation()
    for number in range(rows):
        make(alice, key=f"k{number}")
    browser = alice.client
    for path in ("templates/", f"inbox/{conversation.pk}/templates/"):
        browser.get(alice.url(path))
        with CaptureQueriesContext(connection) as queries:
            browser.get(alice.url(path))
        # Each text that is filled in asks for nothing of its own.
        assert len(queries) <= 12, path
