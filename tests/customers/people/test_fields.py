"""A customer's fields are declared once: the rows fit the model, and everybody who reads them goes by them."""

from __future__ import annotations

from typing import Any

import pytest

from customers.data.exports import services as exports
from customers.data.imports import mapping
from customers.data.merging import services as merging
from customers.data.personal_data import erasure
from customers.data.personal_data.parts import _profile
from customers.models import Customer, Stage
from customers.page.customer.views import details_of
from customers.people.custom_fields import services as custom_fields
from customers.people.customers.forms import CustomerForm, DetailsForm
from customers.people.fields import FIELDS, CustomerField, Kind
from customers.people.filters import parse as filters
from customers.people.table.columns import columns_of

pytestmark = pytest.mark.django_db

# Columns that are nobody's field, each with the reason.
SYSTEM = {
    "id": "what the record is called by",
    "organization": "whose it is",
    "created_by": "who made it: of the member, not of the customer",
    "stage_since": "goes with the stage",
    "open_value": "the sum of their deals, which the deals' service writes",
    "former_codes": "what a merge leaves",
    "merged_into": "what a merge leaves",
    "deleted_at": "what deleting leaves",
    "erased_at": "what erasing leaves",
    "search_text": "made of other columns",
    "search_window": "made of other columns",
    "sort_name": "made of other columns",
    "code_number": "made of other columns",
    "company_key": "made of other columns",
    "address_key": "made of other columns",
    "is_duplicate_check_due": "what the search for duplicates is told",
}
# Kinds that have an editor of their own instead of a line in the form.
OWN_EDITORS = {Kind.STAGE, Kind.OWNER, Kind.TAGS, Kind.FOLLOW_UP, Kind.ADDRESS, Kind.CUSTOM}
API = "/api/v1/customers"


def names(condition: Any) -> set[str]:
    return {field.name for field in FIELDS if condition(field)}


def value_for(field: CustomerField, person: Any, side: int = 0) -> Any:
    """A value of the field's kind as the API takes it; another for each side."""
    values: dict[Kind, Any] = {
        Kind.EMAIL: f"side{side}@example.com",
        Kind.PHONE: f"+44770090010{side}",
        Kind.STAGE: ["contacted", "engaged"][side],
        Kind.OWNER: [str(person.user.pk), None][side],
        Kind.TAGS: [f"side {side}"],
        Kind.FOLLOW_UP: f"2027-01-2{side}T09:00:00Z",
        Kind.ADDRESS: {"city": f"City {side}"},
        Kind.OPT_OUT: bool(side),
        Kind.CUSTOM: {"size": f"Size {side}"},
    }
    if field.kind is Kind.CHOICE:
        return field.choices[-1 - side][0]
    return values.get(field.kind, f"{field.name[:8]} {side}")


@pytest.fixture
def size(inside: Any, alice: Any) -> None:
    custom_fields.create(organization=inside, actor=alice.actor, key="size", label="Size", type="text")


@pytest.fixture
def filled(alice: Any, size: None) -> Any:
    """Makes a customer by the API with a value in every field that can be written."""

    def fill(side: int = 0) -> dict[str, Any]:
        writable = [field for field in FIELDS if field.is_writable and not field.stored_in]
        answer = alice.api.post(API, {field.name: value_for(field, alice, side) for field in writable})
        assert answer.status_code == 201, answer.content
        body = answer.json()
        for field in writable:
            assert body[field.name] == value_for(field, alice, side), field.name
        return body

    return fill


# --- The rows and the model -------------------------------------------------------------------------------------------


def test_every_column_is_declared_or_the_systems_own():
    columns = {field.name for field in (*Customer._meta.concrete_fields, *Customer._meta.many_to_many)}
    declared = {field.column for field in FIELDS}
    assert columns == declared | SYSTEM.keys(), "Declare it in customers/people/fields.py, or give a reason here."
    assert not declared & SYSTEM.keys()


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_a_row_fits_its_column(field):
    assert field.part_length or not field.stored_in, "Say how much fits: the column does not."
    assert bool(field.choices) == (field.kind is Kind.CHOICE)
    assert field.is_writable or not (field.is_quick or field.is_mergeable)
    assert field.synonyms == "|".join(mapping._plain(word) for word in field.synonyms.split("|"))


# --- Who reads them ---------------------------------------------------------------------------------------------------


def test_the_forms_ask_for_what_can_be_written():
    assert set(DetailsForm().fields) == names(lambda one: one.is_writable and one.kind not in OWN_EDITORS)
    assert set(CustomerForm().fields) == names(lambda one: one.is_quick)


def test_the_api_takes_what_can_be_written_and_shows_all(alice, filled):
    body = filled()
    for field in FIELDS:
        assert (field.name in body) == (not field.stored_in)
    for field in FIELDS:
        if field.is_writable and not field.stored_in:
            wanted = value_for(field, alice, 1)
            answer = alice.api.patch(f"{API}/{body['id']}", {field.name: wanted})
            assert answer.json()[field.name] == wanted, field.name


def test_the_api_leaves_what_can_not_be_written(alice, filled):
    body = filled()
    for field in FIELDS:
        if not field.is_writable and not field.stored_in:
            answer = alice.api.patch(f"{API}/{body['id']}", {field.name: "2020-01-01T00:00:00Z"})
            assert answer.status_code == 200, answer.content
            assert answer.json()[field.name] == body[field.name], field.name


def test_a_put_empties_what_it_does_not_name(alice, filled):
    body = filled()
    answer = alice.api.put(f"{API}/{body['id']}", {"name": "Ada"}).json()
    customer = Customer.objects.get(pk=body["id"])
    for field in FIELDS:
        if not field.is_writable or field.kind in (Kind.NAME, Kind.TAGS):
            continue
        if field.kind in (Kind.CHOICE, Kind.STAGE):
            assert answer[field.name] == body[field.name]
        elif field.kind is Kind.ADDRESS:
            assert not any(customer.address.values())
        else:
            assert field.value_of(customer) == field.empty, field.name
    assert answer["tags"] == []


def test_an_import_knows_what_is_importable_by_each_of_its_words():
    assert {name for name, _ in mapping.choices(())} == names(lambda one: one.is_importable)
    for field in FIELDS:
        words = [field.name, str(field.label), str(field.import_label), *field.synonyms.split("|")]
        for word in filter(None, words):
            found = mapping.guess([word], [], ())[0]
            assert (found.field == field.name) == field.is_importable, (field.name, word)


@pytest.mark.usefixtures("without_pack")
def test_an_export_has_what_is_exported(inside):
    assert {column.name for column in exports.available_columns()} == names(lambda one: one.is_exported)


def test_what_is_exported_and_can_be_written_is_imported_again():
    assert names(lambda one: one.is_exported and one.is_writable) == names(
        lambda one: one.is_importable and one.kind is not Kind.NAME_PART
    )
    for field in FIELDS:
        if field.is_importable and field.is_exported:
            assert mapping.guess([str(field.header or field.label)], [], ())[0].field == field.name


@pytest.mark.parametrize("side", [merging.INTO, merging.FROM])
def test_a_merge_keeps_the_side_that_is_chosen(alice, filled, inside, side):
    loser, survivor = (Customer.objects.get(pk=filled(number)["id"]) for number in (0, 1))
    wanted = loser if side == merging.FROM else survivor
    values = {field: field.value_of(wanted) for field in FIELDS if field.is_mergeable}
    chosen = {field.name: side for field in values}
    offered = {one.field for one in merging.choices(loser=loser, survivor=survivor)}
    assert offered == {*chosen, "custom.size"}
    merging.merge(loser=loser, survivor=survivor, actor=alice.actor, chosen=chosen)
    merged = Customer.objects.get(pk=survivor.pk)
    for field, value in values.items():
        # Who asked not to be contacted has asked it for both.
        assert field.value_of(merged) == (True if field.kind is Kind.OPT_OUT else value), field.name


def test_erasing_empties_what_is_personal_and_leaves_the_rest(alice, filled, inside):
    customer = Customer.objects.get(pk=filled()["id"])
    before = {field: field.value_of(customer) for field in FIELDS}
    erasure.erase(customer=customer, actor=alice.actor)
    erased = Customer.objects.get(pk=customer.pk)
    left = {Kind.NAME: erasure.NAME, Kind.OPT_OUT: True}
    for field in FIELDS:
        if field.is_personal:
            assert field.value_of(erased) == left.get(field.kind, field.empty), field.name
        elif field.kind not in (Kind.TAGS, Kind.PLACE, Kind.NAME_PART, Kind.MOMENT):
            assert field.value_of(erased) == before[field], field.name
    assert not any(field.value_of(erased) for field in FIELDS if field.kind is Kind.PLACE)


def test_the_archive_of_personal_data_has_what_would_be_erased_and_what_files_have(filled, inside):
    row = _profile(Customer.objects.get(pk=filled()["id"])).rows[0]
    wanted = {field.column for field in FIELDS if field.is_personal or field.is_exported}
    assert wanted - row.keys() == {"stage", "assigned_to"}
    assert row["stage__name"] == Stage.objects.get(key="contacted").name


def test_the_list_offers_columns_and_filters(inside):
    assert set(columns_of([])) == names(lambda one: one.is_column) | {"reach"}
    assert names(lambda one: one.is_filter) <= set(filters.names())


def test_the_page_shows_lines_choices_and_the_address(filled):
    customer = Customer.objects.get(pk=filled()["id"])
    context = {label: value for label, value, _kind in details_of(customer)}
    for field in FIELDS:
        if field.kind in (Kind.LINE, Kind.CHOICE, Kind.ADDRESS):
            assert context[str(field.label)] == field.text_of(customer)
