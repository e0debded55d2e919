"""A customer's page: what stands on it, what is logged from it, and who may do so."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from core.tenancy import organization_scope
from customers.models import Contact, Customer, CustomerFile, Deal, Interaction, Task
from customers.people.contacts import services as contacts
from customers.people.custom_fields import services as custom_fields
from customers.people.files import services as files
from customers.pipeline.deals import services as deals
from customers.work.interactions import services as interactions
from customers.work.tasks import services as tasks
from messaging.delivery import queue as outbound
from tests.pages import submit

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer(alice, bob, make_customer):
    return make_customer(bob, name="Maya Okafor", email="maya@okafor.example")


def path(person, customer, rest=""):
    return person.url(f"customers/{customer.pk}/{rest}")


def busy(customer, alice, rows):
    with organization_scope(alice.organization):
        for number in range(rows):
            interactions.log(customer=customer, actor=alice.actor, content=f"note {number}")
            contacts.create(customer=customer, actor=alice.actor, name=f"Child {number}")
            deals.create(customer=customer, actor=alice.actor, title=f"Deal {number}", owner=alice.user)
            tasks.create(
                organization=alice.organization, customer=customer, actor=alice.actor, title=f"Task {number}",
                assigned_to=alice.user,
            )  # fmt: skip


@pytest.mark.parametrize("rows", [1, 15])
def test_the_page_takes_the_same_queries_however_much_happened(
    alice, make_conversation, rows, django_assert_num_queries
):
    conversation = make_conversation(alice)
    with organization_scope(alice.organization):
        for number in range(rows):
            outbound.add_note(conversation=conversation, body=f"n {number}", actor=alice.actor, author=alice.user)
        customer = Customer.objects.get(pk=conversation.customer_id)
    busy(customer, alice, rows)
    browser = alice.client
    browser.get(path(alice, customer))
    with django_assert_num_queries(34):
        assert browser.get(path(alice, customer)).status_code == 200


def test_everything_stands_on_it(alice, customer):
    busy(customer, alice, 1)
    page = alice.client.get(path(alice, customer)).content.decode()
    for text in ("Maya Okafor", "note 0", "Child 0", "Deal 0", "Task 0", "tel:+44", "mailto:maya@okafor.example"):
        assert text in page, text


def test_the_timeline_can_be_narrowed_and_goes_on(alice, customer):
    busy(customer, alice, 40)
    page = alice.htmx.get(path(alice, customer), {"types": "interaction"}, headers={"HX-Target": "timeline"})
    text = page.content.decode()
    assert text.count("event--interaction") == 30
    assert "event--task" not in text
    following = text.split('hx-get="')[-1].split('"')[0].replace("&amp;", "&")
    rest = alice.htmx.get(following, headers={"HX-Target": "more-timeline"}).content.decode()
    assert rest.count("event--interaction") == 10
    assert alice.client.get(path(alice, customer), {"after": "nonsense"}).status_code == 404


@pytest.mark.parametrize(
    ("data", "check"),
    [
        ({"kind": "note", "content": "Likes tea"}, lambda: Interaction.objects.get().channel == "note"),
        (
            {"kind": "call", "content": "Asked", "minutes": "7", "direction": "inbound"},
            lambda: (Interaction.objects.get().duration_seconds, Interaction.objects.get().direction)
            == (420, "inbound"),
        ),
        ({"kind": "meeting", "content": "Met"}, lambda: Interaction.objects.get().channel == "meeting"),
        ({"kind": "task", "content": "Send", "at": "2027-01-05T10:00"}, lambda: Task.objects.get().title == "Send"),
        (
            {"kind": "follow_up", "at": "2027-07-05T10:00"},
            # Ten o'clock in London's summer is nine in UTC.
            lambda: Customer.objects.get().next_follow_up_at == dt.datetime(2027, 7, 5, 9, tzinfo=dt.UTC),
        ),
    ],
)  # fmt: skip
def test_something_is_logged_in_one_go(bob, customer, data, check):
    answer = bob.htmx.post(path(bob, customer, "log/"), data)
    assert answer.status_code == 200
    assert "customer-changed" in answer.headers["HX-Trigger"]
    with organization_scope(bob.organization):
        assert check()
    assert bob.client.post(path(bob, customer, "log/"), data).status_code == 302


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"kind": "note", "content": " "}, "Write a few words"),
        ({"kind": "follow_up"}, "when you want to be reminded"),
        ({"kind": "task", "content": "x" * 201}, "200 characters"),
        ({"kind": "call", "content": "x", "at": "2099-01-01T10:00"}, "has happened"),
        ({"kind": "dance", "content": "x"}, ""),
    ],
)
def test_what_can_not_be_logged_is_reported_at_its_field(bob, customer, data, words):
    answer = bob.htmx.post(path(bob, customer, "log/"), data)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    with organization_scope(bob.organization):
        assert not Interaction.objects.exists()
        assert not Task.objects.exists()


def test_a_follow_up_is_done(bob, customer):
    bob.client.post(path(bob, customer, "log/"), {"kind": "follow_up", "at": "2027-07-05T10:00"})
    bob.client.post(path(bob, customer, "follow-up/"), {"done": "1"})
    customer.refresh_from_db()
    assert customer.next_follow_up_at is None


def test_contacts_deals_and_tasks_are_made_and_changed(bob, customer):
    browser = bob.client
    made = browser.post(path(bob, customer, "contacts/new/"), {"name": "Tobi", "relationship": "patient"})
    assert made.status_code == 302
    browser.post(
        path(bob, customer, "deals/new/"), {"title": "Braces", "amount": "1200", "currency": "GBP", "status": "open"}
    )
    browser.post(path(bob, customer, "tasks/new/"), {"title": "Call", "priority": "high", "status": "open"})
    with organization_scope(bob.organization):
        contact, deal, task = Contact.objects.get(), Deal.objects.get(), Task.objects.get()
    submit(browser, bob.url(f"contacts/{contact.pk}/"), {"name": "Tobias", "birth_date": "2015-04-02"})
    submit(
        browser, bob.url(f"deals/{deal.pk}/"), {"title": "Braces", "amount": "1500", "currency": "GBP", "status": "won"}
    )
    browser.post(bob.url(f"tasks/{task.pk}/done/"))
    for row in (contact, deal, task):
        row.refresh_from_db()
    assert (contact.name, contact.birth_date) == ("Tobias", dt.date(2015, 4, 2))
    assert (deal.amount, deal.status) == (Decimal(1500), "won")
    assert deal.closed_at is not None
    assert task.status == "done"
    assert browser.post(bob.url(f"contacts/{contact.pk}/delete/")).status_code == 302
    with organization_scope(bob.organization):
        assert not Contact.objects.exists()


@pytest.mark.parametrize(
    ("rest", "data", "words"),
    [
        ("contacts/new/", {"name": ""}, "required"),
        ("contacts/new/", {"name": "X", "phone": "12"}, "too short"),
        ("deals/new/", {"title": "X", "currency": "pounds", "status": "open"}, "characters"),
        (
            "deals/new/",
            {"title": "X", "amount": "-1", "currency": "GBP", "status": "open"},
            "greater than or equal to 0",
        ),
        ("tasks/new/", {"title": "X", "priority": "huge", "status": "open"}, "valid choice"),
        ("edit/", {"name": "X", "type": "individual", "status": "lead", "email": "no"}, "not an e-mail"),
    ],
)
def test_bad_input_is_reported_at_its_field(bob, customer, rest, data, words):
    send = submit if rest == "edit/" else Client.post
    answer = send(bob.client, path(bob, customer, rest), data)
    assert answer.status_code == 422
    assert words in answer.content.decode()


def test_all_details_are_edited_with_the_organizations_own_fields(alice, customer):
    fields: list[tuple[str, str, dict[str, Any]]] = [
        ("insurance", "choice", {"choices": ["Private", "Public"]}), ("visits", "number", {}), ("since", "date", {}),
        ("vip", "boolean", {}), ("langs", "multi_choice", {"choices": ["en", "fr", "de"]}), ("site", "url", {}),
    ]  # fmt: skip
    with organization_scope(alice.organization):
        for key, kind, more in fields:
            custom_fields.create(
                organization=alice.organization, actor=alice.actor, key=key, label=key.title(), type=kind, **more
            )
    data = {
        "name": "Maya O.", "type": "business", "status": "active", "street": "1 Quay", "city": "Bristol",
        "own_insurance": "Private", "own_visits": "1,250", "own_since": "2026-03-31", "own_vip": "yes",
        "own_langs": ["en", "de"], "own_site": "https://okafor.example",
    }  # fmt: skip
    assert submit(alice.client, path(alice, customer, "edit/"), data).status_code == 302
    customer.refresh_from_db()
    assert customer.custom_fields == {
        "insurance": "Private", "visits": 1250, "since": "2026-03-31", "vip": True, "langs": ["en", "de"],
        "site": "https://okafor.example",
    }  # fmt: skip
    assert customer.address["city"] == "Bristol"
    page = alice.client.get(path(alice, customer)).content.decode()
    assert "https://okafor.example" in page
    form = alice.client.get(path(alice, customer, "edit/")).content.decode()
    assert 'value="1250"' in form
    wrong = submit(alice.client, path(alice, customer, "edit/"), data | {"own_visits": "many"})
    assert wrong.status_code == 422
    assert "not a number" in wrong.content.decode()


def test_a_required_field_is_asked_for_when_somebody_is_added(alice):
    with organization_scope(alice.organization):
        custom_fields.create(
            organization=alice.organization,
            actor=alice.actor,
            key="ref",
            label="Reference",
            type="text",
            is_required=True,
        )
    assert alice.client.post(alice.url("customers/new/"), {"name": "New"}).status_code == 422
    assert alice.client.post(alice.url("customers/new/"), {"name": "New", "own_ref": "A1"}).status_code == 302


def test_a_document_is_put_there_fetched_and_deleted(bob, customer, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    upload = SimpleUploadedFile(
        "../../../etc/pass\u202ewd.html", b"<script>alert(1)</script>", content_type="text/html"
    )
    bob.client.post(path(bob, customer, "files/"), {"file": upload})
    with organization_scope(bob.organization):
        file = CustomerFile.objects.get()
    assert "/" not in file.name
    answer = bob.client.get(bob.url(f"files/{file.pk}/"))
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert b"".join(answer.streaming_content) == b"<script>alert(1)</script>"
    assert len(list(tmp_path.rglob("*"))) > 0


def test_a_document_that_is_empty_or_too_large_is_refused(bob, customer, settings, inside):
    settings.FILE_MAX_BYTES = 10
    for content in (b"", b"x" * 11):
        with pytest.raises(files.InvalidFile):
            files.add(
                customer=customer, content=SimpleUploadedFile("a.txt", content), name="a.txt",
                content_type="text/plain", actor=bob.actor,
            )  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_a_deleted_document_is_gone_from_the_storage(bob, customer, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    bob.client.post(path(bob, customer, "files/"), {"file": SimpleUploadedFile("a.txt", b"x")})
    with organization_scope(bob.organization):
        file = CustomerFile.objects.get()
    bob.client.post(bob.url(f"files/{file.pk}/delete/"))
    assert not [found for found in tmp_path.rglob("*") if found.is_file()]
    assert bob.client.get(bob.url(f"files/{file.pk}/")).status_code == 404


def test_further_addresses_are_added_chosen_and_removed(bob, customer):
    bob.client.post(path(bob, customer, "addresses/add/"), {"value": "07700 900 999"})
    bob.client.post(path(bob, customer, "addresses/add/"), {"value": "second@okafor.example"})
    assert bob.client.post(path(bob, customer, "addresses/add/"), {"value": "nothing"}).status_code == 302
    with organization_scope(bob.organization):
        phone = customer.identities.get(value="+447700900999")
        assert customer.identities.count() == 4
        assert Customer.objects.visible_to(bob.member).matching("07700900999").get() == customer
    bob.client.post(path(bob, customer, f"addresses/{phone.pk}/primary/"))
    customer.refresh_from_db()
    assert customer.phone == "+447700900999"
    bob.client.post(path(bob, customer, f"addresses/{phone.pk}/remove/"))
    customer.refresh_from_db()
    assert customer.phone.startswith("+44770090")
    assert customer.phone != "+447700900999"


def test_history_tells_before_and_after(bob, customer):
    bob.client.post(path(bob, customer, "field/"), {"field": "name", "value": "Maya Ade"})
    page = bob.client.get(path(bob, customer, "history/")).content.decode()
    assert "Maya Okafor" in page
    assert "Maya Ade" in page


SUB_PATHS = (
    "", "edit/", "history/", "log/", "merge/", "contacts/new/", "deals/new/", "tasks/new/", "files/", "addresses/add/",
    "follow-up/clear/", "panel/", "row/",
)  # fmt: skip


@pytest.mark.parametrize("rest", SUB_PATHS)
def test_nobody_else_reaches_any_of_it(alice, bob, charlie, make_customer, rest):
    not_bobs = make_customer(alice)
    for stranger in (bob, charlie):
        url = alice.url(f"customers/{not_bobs.pk}/{rest}")
        answers = {stranger.client.get(url).status_code, stranger.client.post(url, {"kind": "note"}).status_code}
        assert answers <= {404, 405}, (rest, answers)


def test_nobody_else_reaches_related_records(alice, bob, charlie, make_customer):
    not_bobs = make_customer(alice)
    busy(not_bobs, alice, 1)
    with organization_scope(alice.organization):
        file = files.add(
            customer=not_bobs, content=SimpleUploadedFile("a", b"x"), name="a", content_type="", actor=alice.actor
        )
        paths = [
            f"contacts/{Contact.objects.get().pk}/", f"deals/{Deal.objects.get().pk}/",
            f"tasks/{Task.objects.get().pk}/", f"tasks/{Task.objects.get().pk}/done/",
            f"files/{file.pk}/", f"files/{file.pk}/delete/",
            f"contacts/{Contact.objects.get().pk}/delete/",
        ]  # fmt: skip
    for stranger in (bob, charlie):
        for rest in paths:
            url = alice.url(rest)
            assert {stranger.client.get(url).status_code, stranger.client.post(url).status_code} <= {404, 405}, rest
    with organization_scope(alice.organization):
        assert Task.objects.get().status == "open"
        assert Contact.objects.count() == 1


def test_an_overdue_task_and_a_due_follow_up_are_reported(bob, customer):
    with organization_scope(bob.organization):
        tasks.create(
            organization=bob.organization, customer=customer, actor=bob.actor, title="Late",
            due_at=timezone.now() - dt.timedelta(hours=1),
        )  # fmt: skip
        Customer.objects.filter(pk=customer.pk).update(next_follow_up_at=timezone.now() - dt.timedelta(minutes=1))
    page = bob.client.get(path(bob, customer)).content.decode()
    assert "overdue" in page
    assert "Follow-up is due" in page
