"""`/customers/{id}/personal-data/…`: who may, and what comes of it."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from activity import jobs
from activity.models import Job
from core.tenancy import organization_scope
from customers.models import Customer

API = "/api/v1"


@pytest.fixture(autouse=True)
def storage(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture(params=["customers", "leads"])
def name(request: Any) -> str:
    return str(request.param)


def path(customer: Customer, what: str, name: str = "customers") -> str:
    return f"{API}/{name}/{customer.pk}/personal-data/{what}"


def exported(person: Any, customer: Customer) -> dict[str, Any]:
    job = person.api.post(path(customer, "export")).json()["job_id"]
    jobs.run_due()
    body: dict[str, Any] = person.api.get(f"{API}/jobs/{job}").json()
    return body


def test_export_and_download(alice: Any, name: str, make_customer: Any):
    customer = make_customer(name="Ann")
    answer = alice.api.post(path(customer, "export", name))
    assert answer.status_code == 202
    assert set(answer.json()) == {"job_id"}
    jobs.run_due()
    job = alice.api.get(f"{API}/jobs/{answer.json()['job_id']}").json()
    assert job["status"] == "done"
    assert job["result"]["expires_at"] > timezone.now().isoformat()
    file = alice.api.get(job["result"]["download_url"])
    assert file.status_code == 200
    assert file.headers["Content-Type"] == "application/zip"
    assert f'attachment; filename="{customer.code}-personal-data.zip"' in file.headers["Content-Disposition"]
    assert file.headers["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in file.headers["Cache-Control"]
    archive = zipfile.ZipFile(io.BytesIO(b"".join(file.streaming_content)))
    assert {"data.json", "index.html"} <= set(archive.namelist())


def test_who_may_export_and_download(alice: Any, bob: Any, mona: Any, charlie: Any, make_customer: Any):
    customer, other = make_customer(bob), make_customer(alice)
    assert bob.api.post(path(customer, "export")).status_code == 403
    assert charlie.api.post(path(customer, "export")).status_code == 404
    assert mona.api.post(path(other, "export")).status_code == 404, "not her team's"
    url = exported(mona, customer)["result"]["download_url"]
    seen = []
    for person in (mona, alice, bob, charlie):
        answer = person.api.get(url)
        assert not answer.streaming or b"".join(answer.streaming_content).startswith(b"PK")
        seen.append(answer.status_code)
    assert seen == [200, 200, 403, 404]
    assert alice.api.get(url.replace(str(customer.pk), str(other.pk))).status_code == 404


def test_the_link_ends(alice: Any, make_customer: Any):
    job = exported(alice, make_customer())
    with organization_scope(alice.organization):
        Job.objects.filter(pk=job["id"]).update(finished_at=timezone.now() - timedelta(days=7, seconds=1))
    assert alice.api.get(job["result"]["download_url"]).status_code == 404


def test_erase_takes_the_code(alice: Any, name: str, make_customer: Any):
    customer = make_customer(name="Ann", email="ann@example.com")
    for body in ({}, {"confirm": ""}, {"confirm": "C999"}, {"confirm": None}):
        answer = alice.api.post(path(customer, "erase", name), body, format="json")
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["attr"] == "confirm"
    answer = alice.api.post(path(customer, "erase", name), {"confirm": customer.code})
    assert answer.status_code == 202
    jobs.run_due()
    assert alice.api.get(f"{API}/jobs/{answer.json()['job_id']}").json()["status"] == "done"
    with organization_scope(alice.organization):
        customer.refresh_from_db()
    assert (customer.name, customer.email) == ("Erased customer", "")
    assert alice.api.post(f"{API}/customers", {"name": "Ann", "email": "ann@example.com"}).status_code == 201


def test_who_may_erase(bob: Any, mona: Any, charlie: Any, make_customer: Any):
    customer = make_customer(bob)
    body = {"confirm": customer.code}
    assert bob.api.post(path(customer, "erase"), body).status_code == 403
    assert charlie.api.post(path(customer, "erase"), body).status_code == 404
    assert mona.api.post(path(customer, "erase"), body).status_code == 202


def test_an_erased_person_has_nothing_to_export(alice: Any, make_customer: Any):
    customer = make_customer(name="Ann")
    alice.api.post(path(customer, "erase"), {"confirm": customer.code})
    jobs.run_due()
    job = exported(alice, customer)
    assert job["status"] == "done"
    file = alice.api.get(job["result"]["download_url"])
    archive = zipfile.ZipFile(io.BytesIO(b"".join(file.streaming_content)))
    assert b"Ann" not in archive.read("data.json")
