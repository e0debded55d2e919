"""`POST /customers/import` and what belongs to it."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from activity import jobs
from core.tenancy import organization_scope
from customers.models import Customer, CustomerImport

URL = "/api/v1/customers/import"
ROWS = b"Full name,Private e-mail\nAda,ada@example.com\nBad,nobody\n"
MAPPING = {"Full name": "name", "Private e-mail": "email"}


def send(who: Any, content: bytes = ROWS, url: str = URL, **fields: Any) -> Any:
    if "mapping" in fields and not isinstance(fields["mapping"], str):
        fields["mapping"] = json.dumps(fields["mapping"])
    file = SimpleUploadedFile("people.csv", content, "text/csv")
    return who.api.post(url, {"file": file, **fields}, format="multipart")


def error_of(response: Any) -> dict[str, Any]:
    return response.json()["errors"][0]


@pytest.mark.parametrize("name", ["customers", "leads"])
def test_a_file_is_imported_by_a_job_whose_result_says_what_came_of_it(alice, name):
    response = send(alice, url=f"/api/v1/{name}/import", mapping=MAPPING)
    assert response.status_code == 202
    jobs.run_due()
    job = alice.api.get(f"/api/v1/jobs/{response.json()['job_id']}").json()
    result = job["result"]
    assert (job["status"], job["progress"]) == ("done", 1.0)
    assert {key: result[key] for key in ("created", "updated", "skipped", "rejected")} == {
        "created": 1, "updated": 0, "skipped": 0, "rejected": 1
    }  # fmt: skip
    path = result["rejected_rows_url"].removeprefix("http://testserver")
    rejected = b"".join(alice.api.get(path).streaming_content).decode("utf-8-sig")
    assert list(csv.DictReader(io.StringIO(rejected))) == [
        {
            "Full name": "Bad", "Private e-mail": "nobody", "Row": "3",
            "Reason": "Private e-mail: “nobody” is not an e-mail address.",
        }
    ]  # fmt: skip
    assert alice.api.get("/api/v1/customers").json()["results"][0]["email"] == "ada@example.com"


def test_a_dry_run_answers_the_same_and_writes_nothing(alice):
    send(alice, dry_run="true")
    jobs.run_due()
    one = alice.api.get("/api/v1/customers/imports").json()["results"][0]
    assert (one["state"], one["result"]["created"], one["result"]["rejected"]) == ("checked", 1, 1)
    assert alice.api.get("/api/v1/customers").json()["count"] == 0


def test_an_import_is_undone(alice):
    started = send(alice).json()
    jobs.run_due()
    path = f"/api/v1/customers/imports/{started['import_id']}"
    assert alice.api.get(path).json()["can_be_undone"] is True
    assert alice.api.post(f"{path}/undo").status_code == 202
    jobs.run_due()
    assert alice.api.get("/api/v1/customers").json()["count"] == 0
    assert alice.api.get(path).json()["state"] == "undone"
    again = alice.api.post(f"{path}/undo")
    assert (again.status_code, error_of(again)["code"]) == (409, "too_late")


def test_what_was_only_tried_has_nothing_to_undo(alice):
    started = send(alice, dry_run="true").json()
    jobs.run_due()
    response = alice.api.post(f"/api/v1/customers/imports/{started['import_id']}/undo")
    assert (response.status_code, error_of(response)["code"]) == (409, "nothing_to_undo")


@pytest.mark.parametrize(
    ("fields", "attr"),
    [
        ({"mapping": "{"}, "mapping"),
        ({"mapping": "[]"}, "mapping"),
        ({"mapping": "{}"}, "mapping"),
        ({"mapping": "[" * 100_000}, "mapping"),
        ({"mapping": {"Nmae": "name"}}, "mapping.Nmae"),
        ({"mapping": {"Full name": "nmae"}}, "mapping.Full name"),
        ({"mapping": {"Full name": "custom.none"}}, "mapping.Full name"),
        ({"on_duplicate": "merge"}, "on_duplicate"),
        ({"dry_run": "perhaps"}, "dry_run"),
        ({"surprise": "1"}, "surprise"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_kept(alice, fields, attr):
    response = send(alice, **fields)
    assert response.status_code == 400
    assert error_of(response)["attr"] == attr
    with organization_scope(alice.organization):
        assert not CustomerImport.objects.exists()


def test_a_file_is_needed(alice):
    response = alice.api.post(URL, {"dry_run": "true"}, format="multipart")
    assert (response.status_code, error_of(response)["attr"]) == (400, "file")


def test_json_is_not_the_kind_of_body_that_is_read(alice):
    assert alice.api.post(URL, {}, format="json").status_code == 415


@pytest.mark.parametrize("content", [b"", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), b"a,a\n1,2\n", b"a\x00b\n"])
def test_a_file_that_is_no_table_is_refused_in_words(alice, content):
    response = send(alice, content)
    assert (response.status_code, error_of(response)["attr"]) == (400, "file")
    assert error_of(response)["detail"].endswith(".")


def test_a_file_that_is_too_large_is_a_413(alice, settings):
    settings.IMPORT_MAX_BYTES = 100
    response = send(alice, b"Name\n" + b"x" * 100)
    assert response.status_code == 413
    assert "at most" in error_of(response)["detail"]
    settings.IMPORT_MAX_BYTES, settings.IMPORT_MAX_ROWS = 10_000, 2
    assert send(alice, b"Name\na\nb\nc\n").status_code == 413


def test_who_may_not_import_does_not(bob, mona):
    assert send(bob).status_code == 403
    assert bob.api.get("/api/v1/customers/imports").status_code == 403
    assert send(mona).status_code == 202


def test_an_import_is_seen_by_who_made_it_and_by_who_sees_the_settings(alice, mona, charlie):
    started = send(alice).json()
    jobs.run_due()
    by_mona = send(mona, b"Name,Email\nx,bad\n").json()
    jobs.run_due()
    for who, import_id, status in (
        (charlie, started["import_id"], 404), (mona, started["import_id"], 404), (mona, by_mona["import_id"], 200),
        (alice, by_mona["import_id"], 200),
    ):  # fmt: skip
        path = f"/api/v1/customers/imports/{import_id}"
        assert who.api.get(path).status_code == status
        assert who.api.get(f"{path}/rejected").status_code == status
    assert charlie.api.post(f"/api/v1/customers/imports/{started['import_id']}/undo").status_code == 404
    assert charlie.api.get("/api/v1/customers/imports").json()["count"] == 0


def test_where_nothing_was_rejected_there_is_no_file(alice):
    started = send(alice, b"Name\nAda\n").json()
    jobs.run_due()
    path = f"/api/v1/customers/imports/{started['import_id']}"
    assert alice.api.get(f"{path}/rejected").status_code == 404
    assert alice.api.get(path).json()["rejected_rows_url"] is None


def test_the_same_key_sends_a_file_once(alice):
    headers = {"HTTP_IDEMPOTENCY_KEY": "import-1"}
    answers = [
        alice.api.post(
            URL, {"file": SimpleUploadedFile("p.csv", ROWS, "text/csv")}, format="multipart", **headers
        ).json()
        for _ in range(2)
    ]
    assert answers[0]["job_id"] == answers[1]["job_id"]
    jobs.run_due()
    with organization_scope(alice.organization):
        assert Customer.objects.count() == 1
