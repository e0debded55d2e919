"""Files become customers: each row once, each refusal with its reason, and all of it back within 30 days."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from activity import jobs
from activity.jobs import Work
from activity.models import Event, Job
from customers.data import undo
from customers.data.imports import services as imports
from customers.data.imports.files import Parts, parts_of
from customers.data.imports.services import AlreadyRunning
from customers.models import Change, ChangeSet, Customer, CustomerImport, StageChange, Tag
from customers.people.custom_fields import services as custom_fields
from customers.people.customers import services as customers
from tests.customers.data.imports.conftest import HEADERS, ROW, counts


def rejected_of(upload: CustomerImport) -> list[dict[str, str]]:
    with default_storage.open(upload.rejected_file.name, "rb") as file:
        return list(csv.DictReader(io.StringIO(file.read().decode("utf-8-sig"), newline="")))


# --- Importing --------------------------------------------------------------------------------------------------------


def test_a_row_becomes_a_customer_with_all_that_a_made_one_has(take, run, inside, alice, bob):
    custom_fields.create(organization=inside, actor=alice.actor, key="visits", label="Visits", type="number")
    header = (
        "First name,Last name,Email,Phone,Mobile,Company,Type,Status,Stage,Source,Owner,Tags,Notes,Follow up,Street,"
        "City,Postcode,Country,Visits,Do not contact\n"
    )
    row = (
        "Ada,Lovelace,Ada@Example.com,07700 900123,+33 6 12 34 56 78,Engines,Business,Prospect,Contacted,fair,"
        f'{bob.user.email},"VIP, New",likes tea,31.12.2026 14:30,1 Mill St,London,N1,UK,"1,200",yes\n'
    )
    assert counts(run(take(header + row))) == (1, 0, 0, 0)
    ada = Customer.objects.get()
    assert (ada.name, ada.email, ada.phone) == ("Ada Lovelace", "Ada@Example.com", "+447700900123")
    assert (ada.code, ada.code_number, ada.sort_name) == ("C001", 1, "ada lovelace")
    assert (ada.type, ada.status, ada.stage.key, ada.source) == ("business", "prospect", "contacted", "fair")
    assert (ada.assigned_to, ada.notes, ada.do_not_contact) == (bob.user, "likes tea", True)
    assert ada.next_follow_up_at == datetime(2026, 12, 31, 14, 30, tzinfo=UTC)
    assert ada.address == {"street": "1 Mill St", "city": "London", "postal_code": "N1", "country": "UK"}
    assert ada.custom_fields == {"visits": 1200}
    assert sorted(tag.name for tag in ada.tags.all()) == ["New", "VIP"]
    assert {(i.kind, i.match_key, i.is_primary) for i in ada.identities.all()} == {
        ("email", "ada@example.com", True), ("phone", "+447700900123", True), ("phone", "+33612345678", False)
    }  # fmt: skip
    assert ada.is_duplicate_check_due
    assert " +33612345678" in ada.search_text
    assert ada.created_by == alice.user
    event = Event.objects.get(type="customer.created")
    assert (event.customer_id, event.payload["code"]) == (ada.pk, "C001")


def test_one_event_tells_of_the_import(take, run, alice):
    upload = take(HEADERS + ROW)
    run(upload)
    event = Event.objects.get(type="customer.imported")
    assert event.subject_id == str(upload.pk)
    assert event.actor_id == str(alice.user.pk)
    assert event.payload == {"name": "people.csv", "created": 1, "updated": 0, "skipped": 0, "rejected": 0}


def test_codes_follow_on_from_the_last_one(take, run, make_customer):
    make_customer()
    run(take("Name\nA\nB\n"))
    make_customer()
    assert sorted(Customer.objects.values_list("code", flat=True)) == ["C001", "C002", "C003", "C004"]


def test_every_rejected_row_has_all_of_its_reasons(take, run):
    upload = take(
        HEADERS + ROW + "\n" + f"{'x' * 201},nobody,12,,\n" + "Bob,bob@example.com,,,,surplus\n" + f",,,,{'t' * 51}\n"
    )
    result = run(upload)
    assert counts(result) == (1, 0, 0, 3)
    rows = rejected_of(upload)
    assert [row["Row"] for row in rows] == ["4", "5", "6"]
    assert "Name: has 201 characters; at most 200 fit." in rows[0]["Reason"]
    assert "Email: “nobody” is not an e-mail address." in rows[0]["Reason"]
    assert "Phone: “12” is too short" in rows[0]["Reason"]
    assert "The row has 6 cells, but there are only 5 columns." in rows[1]["Reason"]
    assert "Tags: the tag" in rows[2]["Reason"]
    assert rows[1]["Name"] == "Bob"
    assert result["rejected_rows_url"].endswith(f"/api/v1/customers/imports/{upload.pk}/rejected")
    assert upload.result["columns"] == {"Name": 1, "Email": 1, "Phone": 1, "The row": 1, "Tags": 1}


def test_a_cell_of_a_rejected_row_runs_nowhere(take, run):
    upload = take("Name,Email\n=1+1,nobody\n")
    run(upload)
    with default_storage.open(upload.rejected_file.name, "rb") as file:
        assert b"'=1+1" in file.read()


def test_a_required_field_is_needed_for_new_customers_only(take, run, inside, alice, make_customer):
    make_customer(email="old@example.com")
    custom_fields.create(
        organization=inside, actor=alice.actor, key="grade", label="Grade", type="text", is_required=True
    )
    result = run(take("Name,Email\nOld,old@example.com\nNew,new@example.com\n"), on_duplicate="update")
    assert counts(result) == (0, 1, 0, 1)


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize(
    ("on_duplicate", "expected"), [("skip", (2, 0, 3, 1)), ("update", (2, 2, 0, 2)), ("create", (5, 0, 0, 1))]
)
def test_duplicates_within_the_file_and_with_those_there(
    take, run, make_customer, monkeypatch, on_duplicate, expected, dry_run
):
    monkeypatch.setattr(imports, "ROWS_AT_ONCE", 2)
    make_customer(name="Known", phone="+5511987654321", email="known@example.com")
    upload = take(
        "Name,Email,Phone\n"
        "Known by a variant,,+55 11 8765-4321\n"
        "New,new@example.com,\n"
        "New again,NEW@example.com,\n"
        "Other,,+44 7700 900999\n"
        "Two at once,new@example.com,+44 7700 900999\n"
        "Bad,nobody,\n"
    )
    result = run(upload, on_duplicate=on_duplicate, dry_run=dry_run)
    assert counts(result) == expected
    if on_duplicate == "update":
        assert "different customers" in rejected_of(upload)[0]["Reason"]
    assert Customer.objects.count() == (1 if dry_run else 1 + expected[0])


@pytest.mark.usefixtures("without_pack")
def test_a_dry_run_writes_no_customer_and_the_import_after_it_counts_the_same(take, run):
    upload = take(HEADERS + ROW + ROW + "Bob,,,,\n" + ",,99,,\n")
    tried = run(upload, dry_run=True)
    assert upload.state == CustomerImport.State.CHECKED
    assert (Customer.objects.count(), Tag.objects.count(), ChangeSet.objects.count()) == (0, 0, 0)
    assert Event.objects.filter(type__startswith="customer.").count() == 0
    done = run(upload)
    assert upload.state == CustomerImport.State.DONE
    assert counts(tried) == counts(done) == (2, 0, 1, 1)


def test_updating_fills_in_what_the_file_says_and_nothing_else(take, run, make_customer, alice):
    old = make_customer(
        name="Ada",
        email="ada@example.com",
        phone="",
        company="Old",
        notes="kept",
        address={"city": "Bath"},
        tags=["VIP"],
    )
    upload = take(
        "Name,Email,Phone,Company,Notes,Street,Tags,Stage\n"
        "Ada Lovelace,ada@example.com,07700 900123,,,1 Mill St,vip; new,contacted\n"
    )
    assert counts(run(upload, on_duplicate="update")) == (0, 1, 0, 0), upload.result
    old.refresh_from_db()
    assert (old.name, old.phone, old.company, old.notes) == ("Ada Lovelace", "+447700900123", "Old", "kept")
    assert old.address == {"city": "Bath", "street": "1 Mill St"}
    assert sorted(tag.name for tag in old.tags.all()) == ["VIP", "new"]
    assert old.stage.key == "contacted"
    assert StageChange.objects.get(customer=old).reason == "imported"
    assert old.identities.get(kind="phone").is_primary
    assert "lovelace" in old.search_text
    told = set(Event.objects.filter(customer_id=old.pk).values_list("type", flat=True))
    assert {"customer.updated", "customer.stage_changed", "customer.tag_added"} <= told


def test_another_phone_becomes_the_primary_one_and_the_old_one_stays_theirs(take, run, make_customer):
    old = make_customer(email="ada@example.com", phone="+447700900001")
    run(take("Email,Phone\nada@example.com,+447700900002\n"), on_duplicate="update")
    old.refresh_from_db()
    assert old.phone == "+447700900002"
    assert {(i.value, i.is_primary) for i in old.identities.filter(kind="phone")} == {
        ("+447700900001", False), ("+447700900002", True)
    }  # fmt: skip


def test_nobody_updates_whom_they_do_not_see(take, run, make_customer, mona, bob, alice):
    theirs = make_customer(alice, email="hidden@example.com", name="Hidden")
    gone = make_customer(email="gone@example.com")
    Customer.objects.filter(pk=gone.pk).update(deleted_at=timezone.now())
    upload = take("Name,Email\nSeen,hidden@example.com\nBack,gone@example.com\n", by=mona)
    assert counts(run(upload, by=mona, on_duplicate="update")) == (0, 0, 0, 2)
    theirs.refresh_from_db()
    assert theirs.name == "Hidden"
    assert "Hidden" not in str(rejected_of(upload))


def test_phones_that_a_spreadsheet_took_the_plus_from_are_read(take, run):
    run(take("Name,Phone\nA,33612345678\nB,447700900123\nC,7700900124\n"))
    assert list(Customer.objects.order_by("code").values_list("phone", flat=True)) == [
        "+33612345678", "+447700900123", "+447700900124"
    ]  # fmt: skip


def test_another_organizations_customers_are_no_duplicates(take, run, charlie):
    from core.tenancy import organization_scope

    with organization_scope(charlie.organization):
        customers.create(organization=charlie.organization, actor=charlie.actor, name="C", email="ada@example.com")
    assert counts(run(take(HEADERS + ROW))) == (1, 0, 0, 0)


# --- The job ----------------------------------------------------------------------------------------------------------


def test_the_same_file_is_not_run_twice(take, run, alice):
    upload = take(HEADERS + ROW)
    imports.start(upload=upload, member=alice.member, actor=alice.actor)
    with pytest.raises(AlreadyRunning):
        imports.start(upload=upload, member=alice.member, actor=alice.actor)
    jobs.run_due()
    with pytest.raises(AlreadyRunning, match="imported already"):
        imports.start(upload=upload, member=alice.member, actor=alice.actor)


def test_who_lost_the_permission_imports_nothing(take, mona, alice):
    from accounts.models import Role

    upload = take(HEADERS + ROW, by=mona)
    job = imports.start(upload=upload, member=mona.member, actor=mona.actor)
    mona.member.role = Role.objects.get(key="counselor")
    mona.member.save()
    jobs.run_due()
    job.refresh_from_db()
    assert (job.status, Customer.objects.count()) == (Job.Status.FAILED, 0)
    assert "may not import" in job.error


@pytest.mark.parametrize("dry_run", [True, False])
def test_an_import_that_dies_between_any_two_steps_goes_on_where_it_was(take, alice, monkeypatch, dry_run):
    monkeypatch.setattr(imports, "ROWS_AT_ONCE", 2)
    rows = [f"P{n},p{n % 7}@example.com" if n % 3 else f"P{n},bad" for n in range(11)]
    upload = take("Name,Email\n" + "\n".join(rows) + "\n")
    job = imports.start(upload=upload, member=alice.member, actor=alice.actor, dry_run=dry_run)
    steps = 0
    real = Work.step

    def dies(self: Work, **given: Any) -> Any:
        nonlocal steps
        steps += 1
        if steps % 2 == 0:
            raise RuntimeError("killed")
        return real(self, **given)

    monkeypatch.setattr(Work, "step", dies)
    for _ in range(30):
        Job.objects.filter(pk=job.pk, status__in=Job.UNFINISHED).update(due_at=timezone.now(), attempts=0)
        jobs.run_due()
    job.refresh_from_db()
    upload.refresh_from_db()
    assert (job.status, steps > 8) == (Job.Status.DONE, True)
    assert counts(job.result) == (6, 0, 1, 4)
    assert Customer.objects.count() == (0 if dry_run else 6)
    assert [row["Row"] for row in rejected_of(upload)] == ["2", "5", "8", "11"]


def test_nothing_is_undone_while_it_is_done_nor_done_while_it_is_undone(take, run, alice):
    upload = take(HEADERS + ROW)
    job = imports.start(upload=upload, member=alice.member, actor=alice.actor)
    change_set = upload.change_set
    with pytest.raises(undo.TooLate, match="still in work"):
        undo.undo(change_set=change_set, actor=alice.actor)
    jobs.cancel(job=job)
    undo.undo(change_set=change_set, actor=alice.actor)
    with pytest.raises(imports.AlreadyRunning, match="being undone"):
        imports.start(upload=upload, member=alice.member, actor=alice.actor)


def test_a_step_that_fails_writes_nothing(take, alice, monkeypatch):
    upload = take("Name\nA\nB\n")
    job = imports.start(upload=upload, member=alice.member, actor=alice.actor)

    def fails(*_: Any, **__: Any) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr("customers.data.imports.changes.record_many", fails)
    jobs.run_due()
    job.refresh_from_db()
    assert (Customer.objects.count(), Change.objects.count(), job.done) == (0, 0, 0)


def test_an_import_that_was_cancelled_can_be_started_again(take, run, alice):
    upload = take(HEADERS + ROW)
    jobs.cancel(job=imports.start(upload=upload, member=alice.member, actor=alice.actor))
    assert counts(run(upload)) == (1, 0, 0, 0)


@pytest.mark.parametrize("on_duplicate", ["skip", "update"])
def test_a_step_takes_the_same_queries_for_any_number_of_rows(take, run, inside, alice, on_duplicate):
    from django.db import connection

    def queries(count: int) -> int:
        rows = "".join(f"P{n},p{count}-{n}@example.com,+44770{count:03d}{n:04d},tag{count}\n" for n in range(count))
        upload = take("Name,Email,Phone,Tags\n" + rows)
        with CaptureQueriesContext(connection) as captured:
            run(upload, on_duplicate=on_duplicate)
        # SQLite takes so many values in a statement: its inserts are several.
        return sum(not query["sql"].startswith("INSERT") for query in captured)

    queries(1)
    assert queries(3) == queries(200)


def test_files_of_imports_that_are_too_old_to_undo_are_deleted(take, run):
    upload = take("Name,Email\nA,bad\n")
    run(upload)
    place = upload.rejected_file.name
    Parts(upload, "cancelled").write(0, {"rejected": [], "seen": []})
    left = parts_of(upload)
    assert [default_storage.exists(part) for part in left] == [True]
    CustomerImport.objects.update(created_at=timezone.now() - timedelta(days=31))
    take(HEADERS + ROW)
    assert not default_storage.exists(place)
    assert not default_storage.exists(left[0])
    upload.refresh_from_db()
    assert not upload.rejected_file


def test_what_was_imported_needs_its_file_no_more(take, run):
    upload = take(HEADERS + ROW)
    run(upload, dry_run=True)
    assert default_storage.exists(upload.source_file.name)
    run(upload)
    assert not default_storage.exists(upload.source_file.name)
