"""The recipe "Add a customer field", followed: a column and one row, and everybody takes it.

The column is added to the table in the test's own transaction, which both databases take back with the rest.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.utils.functional import lazystr

from activity import jobs
from core.fields import OneLine
from customers.data import undo
from customers.data.imports import services as imports
from customers.data.merging import services as merging
from customers.data.personal_data import erasure
from customers.data.personal_data.parts import _profile
from customers.models import Customer
from customers.people.fields import FIELDS, CustomerField, Kind
from tests.pages import forms_of

TOY = CustomerField("toy", lazystr("Toy"), Kind.LINE, is_quick=True, is_filter=True, synonyms="plaything|spielzeug")
API = "/api/v1/customers"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("toy")]


@pytest.fixture
def toy(db: None) -> Iterator[None]:
    """A column of the model and of the table, and the row that declares it."""
    column = OneLine(max_length=40, blank=True, default="", db_default="")
    with connection.cursor() as cursor:
        # PostgreSQL alters no table whose new rows wait to be checked; from then on they may wait again.
        connection.check_constraints()
        cursor.execute("ALTER TABLE customers_customer ADD COLUMN toy varchar(40) DEFAULT '' NOT NULL")
    options = vars(Customer._meta)
    before = options | {"local_fields": [*Customer._meta.local_fields]}
    column.contribute_to_class(Customer, "toy")
    FIELDS.register(TOY)
    try:
        yield
    finally:
        FIELDS.unregister("toy")
        options.clear()
        options.update(before)
        del Customer.toy


def toy_of(customer: Any) -> str:
    return Customer._base_manager.values_list("toy", flat=True).get(pk=customer.pk)


def test_forms_ask_for_it(alice, inside):
    answer = alice.client.post(alice.url("customers/new/"), {"name": "Augusta", "toy": "Ada"})
    assert answer.status_code == 302
    customer = Customer.objects.get()
    assert customer.toy == "Ada"
    page = alice.client.get(alice.url(f"customers/{customer.pk}/edit/"))
    form = next(form for form in forms_of(page.content.decode()) if "toy" in form.data())
    assert form.data()["toy"] == ["Ada"]
    alice.client.post(alice.url(f"customers/{customer.pk}/edit/"), form.data() | {"toy": "Addie"})
    assert toy_of(customer) == "Addie"
    assert "Addie" in alice.client.get(alice.url(f"customers/{customer.pk}/")).content.decode()
    history = alice.client.get(alice.url(f"customers/{customer.pk}/history/")).content.decode()
    assert "Toy" in history


def test_the_api_reads_and_writes_it(alice):
    body = alice.api.post(API, {"name": "Augusta", "toy": "Ada"}).json()
    assert body["toy"] == "Ada"
    address = f"{API}/{body['id']}"
    assert alice.api.patch(address, {"toy": "Addie"}).json()["toy"] == "Addie"
    assert alice.api.patch(address, {"toy": "x" * 41}).json()["errors"][0]["attr"] == "toy"
    assert alice.api.put(address, {"name": "Augusta"}).json()["toy"] == ""


def test_an_import_and_an_export_have_it(alice, inside):
    file = io.BytesIO(b"Name,Spielzeug\nAugusta,Ada\n")
    upload = imports.upload(file=file, name="people.csv", member=alice.member)
    assert upload.mapping == {"Name": "name", "Spielzeug": "toy"}
    imports.start(upload=upload, member=alice.member, actor=alice.actor)
    jobs.run_due()
    assert Customer.objects.get().toy == "Ada"
    answer = alice.api.get(f"{API}/export")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    assert [row["Toy"] for row in csv.DictReader(io.StringIO(text, newline=""))] == ["Ada"]


def test_a_merge_offers_it_and_gives_it_back(alice, inside, make_customer):
    loser, survivor = make_customer(toy="Ada"), make_customer(toy="Addie")
    page = alice.client.get(alice.url(f"customers/{loser.pk}/merge/?into={survivor.pk}")).content.decode()
    assert 'name="choose_toy"' in page
    change_set = merging.merge(loser=loser, survivor=survivor, actor=alice.actor, chosen={"toy": merging.FROM})
    assert toy_of(survivor) == "Ada"
    undo.undo(change_set=change_set, actor=alice.actor)
    jobs.run_due()
    assert (toy_of(loser), toy_of(survivor)) == ("Ada", "Addie")


def test_erasing_empties_it_and_the_archive_has_it(alice, inside, make_customer):
    customer = make_customer(toy="Ada")
    assert _profile(customer).rows[0]["toy"] == "Ada"
    erasure.erase(customer=customer, actor=alice.actor)
    assert toy_of(customer) == ""


def test_the_list_shows_it_and_is_filtered_by_it(alice, make_customer):
    make_customer(name="Augusta", toy="Ada")
    make_customer(name="Robert", toy="Bob")
    page = alice.client.get(alice.url("customers/?columns=name,toy&toy=ada")).content.decode()
    assert "Augusta" in page
    assert "Robert" not in page
    assert 'data-label="Toy"' in page
    # The form of the filters asks for it, also where nothing is filtered.
    assert 'name="toy"' in alice.client.get(alice.url("customers/")).content.decode()
    assert [row["name"] for row in alice.api.get(API, {"toy": "bob"}).json()["results"]] == ["Robert"]


def test_without_the_row_nobody_has_it(alice, inside):
    FIELDS.unregister("toy")
    try:
        assert alice.api.post(API, {"name": "Augusta", "toy": "Ada"}).status_code == 400
        assert alice.api.get(API, {"toy": "ada"}).status_code == 400
        assert "toy" not in alice.api.post(API, {"name": "Augusta"}).json()
    finally:
        FIELDS.register(TOY)
