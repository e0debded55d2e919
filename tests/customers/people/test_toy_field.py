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

NICKNAME = CustomerField(
    "nickname", lazystr("Nickname"), Kind.LINE, is_quick=True, is_filter=True, synonyms="pet name|rufname"
)
API = "/api/v1/customers"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nickname")]


@pytest.fixture
def nickname(db: None) -> Iterator[None]:
    """A column of the model and of the table, and the row that declares it."""
    column = OneLine(max_length=40, blank=True, default="", db_default="")
    with connection.cursor() as cursor:
        # PostgreSQL alters no table whose new rows wait to be checked; from then on they may wait again.
        connection.check_constraints()
        cursor.execute("ALTER TABLE customers_customer ADD COLUMN nickname varchar(40) DEFAULT '' NOT NULL")
    options = vars(Customer._meta)
    before = options | {"local_fields": [*Customer._meta.local_fields]}
    column.contribute_to_class(Customer, "nickname")
    FIELDS.register(NICKNAME)
    try:
        yield
    finally:
        FIELDS.unregister("nickname")
        options.clear()
        options.update(before)
        del Customer.nickname


def nickname_of(customer: Any) -> str:
    return Customer._base_manager.values_list("nickname", flat=True).get(pk=customer.pk)


def test_forms_ask_for_it(alice, inside):
    answer = alice.client.post(alice.url("customers/new/"), {"name": "Augusta", "nickname": "Ada"})
    assert answer.status_code == 302
    customer = Customer.objects.get()
    assert customer.nickname == "Ada"
    page = alice.client.get(alice.url(f"customers/{customer.pk}/edit/"))
    form = next(form for form in forms_of(page.content.decode()) if "nickname" in form.data())
    assert form.data()["nickname"] == ["Ada"]
    alice.client.post(alice.url(f"customers/{customer.pk}/edit/"), form.data() | {"nickname": "Addie"})
    assert nickname_of(customer) == "Addie"
    assert "Addie" in alice.client.get(alice.url(f"customers/{customer.pk}/")).content.decode()
    history = alice.client.get(alice.url(f"customers/{customer.pk}/history/")).content.decode()
    assert "Nickname" in history


def test_the_api_reads_and_writes_it(alice):
    body = alice.api.post(API, {"name": "Augusta", "nickname": "Ada"}).json()
    assert body["nickname"] == "Ada"
    address = f"{API}/{body['id']}"
    assert alice.api.patch(address, {"nickname": "Addie"}).json()["nickname"] == "Addie"
    assert alice.api.patch(address, {"nickname": "x" * 41}).json()["errors"][0]["attr"] == "nickname"
    assert alice.api.put(address, {"name": "Augusta"}).json()["nickname"] == ""


def test_an_import_and_an_export_have_it(alice, inside):
    file = io.BytesIO(b"Name,Rufname\nAugusta,Ada\n")
    upload = imports.upload(file=file, name="people.csv", member=alice.member)
    assert upload.mapping == {"Name": "name", "Rufname": "nickname"}
    imports.start(upload=upload, member=alice.member, actor=alice.actor)
    jobs.run_due()
    assert Customer.objects.get().nickname == "Ada"
    answer = alice.api.get(f"{API}/export")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    assert [row["Nickname"] for row in csv.DictReader(io.StringIO(text, newline=""))] == ["Ada"]


def test_a_merge_offers_it_and_gives_it_back(alice, inside, make_customer):
    loser, survivor = make_customer(nickname="Ada"), make_customer(nickname="Addie")
    page = alice.client.get(alice.url(f"customers/{loser.pk}/merge/?into={survivor.pk}")).content.decode()
    assert 'name="choose_nickname"' in page
    change_set = merging.merge(loser=loser, survivor=survivor, actor=alice.actor, chosen={"nickname": merging.FROM})
    assert nickname_of(survivor) == "Ada"
    undo.undo(change_set=change_set, actor=alice.actor)
    jobs.run_due()
    assert (nickname_of(loser), nickname_of(survivor)) == ("Ada", "Addie")


def test_erasing_empties_it_and_the_archive_has_it(alice, inside, make_customer):
    customer = make_customer(nickname="Ada")
    assert _profile(customer).rows[0]["nickname"] == "Ada"
    erasure.erase(customer=customer, actor=alice.actor)
    assert nickname_of(customer) == ""


def test_the_list_shows_it_and_is_filtered_by_it(alice, make_customer):
    make_customer(name="Augusta", nickname="Ada")
    make_customer(name="Robert", nickname="Bob")
    page = alice.client.get(alice.url("customers/?columns=name,nickname&nickname=ada")).content.decode()
    assert "Augusta" in page
    assert "Robert" not in page
    assert 'data-label="Nickname"' in page
    # The form of the filters asks for it, also where nothing is filtered.
    assert 'name="nickname"' in alice.client.get(alice.url("customers/")).content.decode()
    assert [row["name"] for row in alice.api.get(API, {"nickname": "bob"}).json()["results"]] == ["Robert"]


def test_without_the_row_nobody_has_it(alice, inside):
    FIELDS.unregister("nickname")
    try:
        assert alice.api.post(API, {"name": "Augusta", "nickname": "Ada"}).status_code == 400
        assert alice.api.get(API, {"nickname": "ada"}).status_code == 400
        assert "nickname" not in alice.api.post(API, {"name": "Augusta"}).json()
    finally:
        FIELDS.register(NICKNAME)
