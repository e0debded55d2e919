"""Lists as files: the columns, the reach, the cells, and the way back in."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.test import AsyncClient
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from activity import jobs
from activity.models import Event
from core.tenancy import organization_scope
from customers.data.exports import services as exports
from customers.data.imports import services as imports
from customers.data.tables.reading import open_table
from customers.models import Customer, CustomerImport, Tag
from customers.people.custom_fields import services as custom_fields

URL = "/api/v1/customers/export"
# Others' sheets count on them and their order.
HEADERS = [
    "Code", "Name", "E-mail", "Phone", "Company", "Type", "Status", "Stage", "Source", "Owner", "Tags", "Notes",
    "Next follow-up", "Street", "City", "State", "Postal code", "Country", "Language", "Do not contact", "Created",
    "Updated", "Last activity",
]  # fmt: skip


def body(response: Any) -> bytes:
    assert response.status_code == 200, response.content
    return b"".join(response.streaming_content)


def rows_of(response: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body(response).decode("utf-8-sig"), newline="")))


def test_a_csv_has_the_columns_that_are_asked_for_in_their_order(alice, make_customer):
    make_customer(name="Ada", tags=["b", "a"])
    response = alice.api.get(URL, {"columns": "tags,name, code"})
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"].startswith('attachment; filename="customers-harbour-clinic-20')
    assert body(response) == b"\xef\xbb\xbfTags,Name,Code\r\na; b,Ada,C001\r\n"


@pytest.mark.usefixtures("without_pack")
def test_every_column_is_there_without_a_choice(alice, inside, make_customer):
    custom_fields.create(organization=inside, actor=alice.actor, key="grade", label="Grade", type="number")
    custom_fields.create(organization=inside, actor=alice.actor, key="name", label="Name", type="text")
    make_customer(own_fields={"grade": 7})
    row = rows_of(alice.api.get(URL))[0]
    assert [header for header in row if header in HEADERS] == HEADERS
    assert list(row)[-2:] == ["Grade", "Name (name)"]
    assert row["Grade"] == "7"


def test_the_filters_are_the_lists_own(alice, make_customer):
    make_customer(name="Ada", source="fair")
    make_customer(name="Bob", source="web")
    assert [row["Name"] for row in rows_of(alice.api.get(URL, {"source": "fair"}))] == ["Ada"]
    assert [row["Name"] for row in rows_of(alice.api.get(URL, {"q": "bob"}))] == ["Bob"]


@pytest.mark.parametrize(
    ("given", "attr"),
    [
        ({"columns": "name,nmae"}, "columns"), ({"columns": "custom.none"}, "columns"), ({"format": "pdf"}, "format"),
        ({"status": "odd"}, "status"), ({"nope": "1"}, "nope"), ({"bom": "maybe"}, "bom"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(alice, given, attr):
    response = alice.api.get(URL, given)
    assert response.status_code == 400
    assert response.json()["errors"][0]["attr"] == attr


@pytest.mark.parametrize("path", ["customers", "leads"])
def test_who_may_not_export_does_not(bob, charlie, make_customer, path):
    make_customer(bob)
    assert bob.api.get(f"/api/v1/{path}/export").status_code == 403
    assert rows_of(charlie.api.get(f"/api/v1/{path}/export")) == []


def test_a_manager_exports_the_teams_and_nobodys_customers(mona, bob, alice, make_customer):
    make_customer(bob, name="Team")
    make_customer(name="Nobody")
    make_customer(alice, name="Alice's")
    assert {row["Name"] for row in rows_of(mona.api.get(URL))} == {"Team", "Nobody"}


@pytest.mark.parametrize("ordering", ["-created_at", "created_at", "name", "-name", "-updated_at", "code", "-code",
                                      "next_follow_up_at", "-next_follow_up_at", "last_activity_at"])  # fmt: skip
def test_every_row_is_there_once_in_any_order(alice, inside, make_customer, monkeypatch, ordering):
    monkeypatch.setattr(exports, "ROWS_AT_ONCE", 2)
    for number in range(7):
        at = datetime(2026, 1, 1 + number // 2, tzinfo=UTC) if number % 3 else None
        made = make_customer(name=f"Same {number // 3}", next_follow_up_at=at)
        Customer.objects.filter(pk=made.pk).update(created_at=datetime(2026, 1, 1, tzinfo=UTC))  # a tie
    listed = [row["code"] for row in alice.api.get("/api/v1/customers", {"ordering": ordering}).json()["results"]]
    exported = [row["Code"] for row in rows_of(alice.api.get(URL, {"ordering": ordering}))]
    assert len(exported) == 7
    assert sorted(exported) == sorted(listed)
    if "follow_up" not in ordering:
        assert exported == listed


@pytest.mark.parametrize("rows", [1, 60])
def test_a_chunk_takes_the_same_queries_for_any_number_of_rows(alice, inside, rows):
    imports_of(alice, "Name,Tags\n" + "".join(f"P{n},tag{n % 5}\n" for n in range(rows)))
    with organization_scope(alice.organization):
        export = exports.begin(member=alice.member, actor=alice.actor, filters={})
    with CaptureQueriesContext(connection) as captured:
        content = b"".join(export.pieces())
    assert content.count(b"\r\n") == rows + 1
    # The member, the rows, their tags; and once more whether there are others.
    assert len(captured) <= 5


def test_formulas_do_not_run(alice, make_customer):
    make_customer(name="=1+1", company="@x", phone="+447700900123", notes="-5")
    row = rows_of(alice.api.get(URL))[0]
    assert (row["Name"], row["Company"], row["Phone"], row["Notes"]) == ("'=1+1", "'@x", "+447700900123", "-5")


def imports_of(person: Any, content: str | bytes) -> Any:
    raw = content if isinstance(content, bytes) else content.encode()
    upload = imports.upload(file=io.BytesIO(raw), name="x", member=person.member)
    job = imports.start(upload=upload, member=person.member, actor=person.actor)
    jobs.run_due()
    job.refresh_from_db()
    return job.result


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_what_was_exported_is_imported_as_it_was(alice, bob, inside, make_customer, kind):
    for key, label, of_type, choices in (
        ("visits", "Visits", "number", []), ("born", "Born", "date", []), ("member", "Member", "boolean", []),
        ("colour", "Colour", "choice", ["Red", "Blue"]), ("wants", "Wants", "multi_choice", ["A", "B"]),
        ("site", "Site", "url", []), ("name", "Name", "text", []),
    ):  # fmt: skip
        custom_fields.create(
            organization=inside, actor=alice.actor, key=key, label=label, type=of_type, choices=choices
        )
    make_customer(
        bob, name="=Ada, \"the\" first", email="Ada@example.com", phone="+33612345678", company="@home",
        type="business", status="prospect", source="'quoted", notes="one\ntwo; three", tags=["a, b"],
        language="pt-BR", do_not_contact=True,
        address={"street": "1 Mill St", "postal_code": "0123", "city": "Zürich"},
        next_follow_up_at=datetime(2026, 7, 1, 8, 30, tzinfo=UTC),
        own_fields={"visits": 1.5, "born": "1990-03-01", "member": False, "colour": "Red", "wants": ["A", "B"],
                    "site": "https://example.com/?a=1", "name": "-x"},
    )  # fmt: skip
    make_customer(name="Second", tags=["x", "y"], own_fields={"visits": -3})
    fields = ["name", "email", "phone", "company", "type", "status", "source", "notes", "language", "do_not_contact",
              "address", "next_follow_up_at", "custom_fields", "assigned_to_id", "stage_id"]  # fmt: skip

    def all_of_it() -> list[Any]:
        rows = Customer.objects.order_by("code_number").prefetch_related("tags")
        return [([getattr(row, name) for name in fields], sorted(tag.name for tag in row.tags.all())) for row in rows]

    before = all_of_it()
    content = body(alice.api.get(URL, {"format": kind, "ordering": "code"}))
    Customer.objects.all().delete()
    Tag.objects.all().delete()
    result = imports_of(alice, content)
    assert (result["created"], result["rejected"]) == (2, 0), CustomerImport.objects.get().result["examples"]
    assert all_of_it() == before


def test_a_workbook_has_numbers_and_moments_as_such(alice, inside, make_customer):
    custom_fields.create(organization=inside, actor=alice.actor, key="visits", label="Visits", type="number")
    make_customer(name="=1+1", own_fields={"visits": 3})
    content = body(alice.api.get(URL, {"format": "xlsx", "columns": "name,custom.visits,created_at"}))
    import python_calamine

    sheet = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
    name, visits, created = sheet.to_python()[1]
    assert (name, visits) == ("=1+1", 3.0)
    assert isinstance(created, datetime)
    assert open_table(io.BytesIO(content)).headers == ["Name", "Visits", "Created"]


def test_an_export_is_recorded_in_the_ledger_with_its_filters(alice, make_customer):
    make_customer(source="fair")
    body(alice.api.get(URL, {"source": "fair", "columns": "name"}))
    with organization_scope(alice.organization):
        event = Event.objects.get(type="customer.exported")
    assert event.payload == {"count": 1, "filters": {"source": "fair"}, "format": "csv", "columns": ["name"]}


def test_it_stops_when_the_permission_is_taken_away(alice, mona, make_customer, monkeypatch):
    from accounts.models import Role

    monkeypatch.setattr(exports, "ROWS_AT_ONCE", 1)
    for _ in range(3):
        make_customer()
    with organization_scope(alice.organization):
        export = exports.begin(member=mona.member, actor=mona.actor, filters={})
    pieces = export.pieces()
    next(pieces), next(pieces)
    with organization_scope(alice.organization):
        mona.member.role = Role.objects.get(key="counselor")
        mona.member.save()
    with pytest.raises(exports.AccessRevoked):
        next(pieces)


def test_nothing_of_it_depends_on_a_scope_that_is_open(alice, make_customer):
    make_customer()
    with organization_scope(alice.organization):
        export = exports.begin(member=alice.member, actor=alice.actor, filters={})
    assert b"".join(export.pieces()).count(b"\r\n") == 2


@pytest.mark.django_db(transaction=True)
def test_under_an_event_loop_it_streams_as_well(alice, make_customer, monkeypatch):
    monkeypatch.setattr(exports, "ROWS_AT_ONCE", 2)
    for _ in range(5):
        make_customer()

    async def get() -> tuple[bool, list[bytes]]:
        client = AsyncClient()
        await client.aforce_login(alice.user)
        response = await client.get(URL)
        return response.is_async, [piece async for piece in response.streaming_content]

    is_async, pieces = async_to_sync(get)()
    assert is_async
    assert len(pieces) == 4
    assert b"".join(pieces).count(b"\r\n") == 6


def test_deleted_customers_are_not_in_it(alice, make_customer):
    gone = make_customer()
    with organization_scope(alice.organization):
        Customer.objects.filter(pk=gone.pk).update(deleted_at=timezone.now())
    assert rows_of(alice.api.get(URL)) == []
