"""The pages: delete, restore, export, erase, and for how long people are kept."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import timezone

from accounts.models import Organization
from activity import jobs
from activity.models import Job
from core.tenancy import organization_scope
from customers.data.deletion import services as deletion
from customers.models import Customer
from customers.pipeline.deals import services as deals


@pytest.fixture(autouse=True)
def storage(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


def url(person: Any, customer: Customer, what: str) -> str:
    return str(person.url(f"customers/{customer.pk}/{what}/"))


def there(customer: Customer) -> bool:
    with organization_scope(customer.organization):
        return bool(Customer.objects.present().filter(pk=customer.pk).exists())


class TestDeleting:
    def test_asks_once_and_leads_to_the_way_back(self, alice: Any, make_customer: Any):
        customer = make_customer(name="Ann <Lee>")
        page = alice.client.get(url(alice, customer, "delete")).content.decode()
        assert "Delete Ann &lt;Lee&gt;?" in page
        assert 'name="force"' not in page
        assert there(customer)
        answer = alice.client.post(url(alice, customer, "delete"), follow=True)
        assert not there(customer)
        assert answer.redirect_chain == [(alice.url("customers/deleted/"), 302)]
        assert "Restore Ann &lt;Lee&gt;" in answer.content.decode()

    def test_names_what_is_open(self, alice: Any, make_customer: Any):
        customer = make_customer()
        with organization_scope(alice.organization):
            deals.create(customer=customer, actor=alice.actor, title="Braces")
        answer = alice.client.post(url(alice, customer, "delete"))
        assert answer.status_code == 409
        assert "1 open deal (“Braces”)" in answer.content.decode()
        assert there(customer)
        alice.client.post(url(alice, customer, "delete"), {"force": "yes"})
        assert not there(customer)

    def test_and_restoring(self, alice: Any, make_customer: Any):
        customer = make_customer(name="Ann")
        alice.client.post(url(alice, customer, "delete"))
        answer = alice.client.post(url(alice, customer, "restore"))
        assert answer.headers["Location"] == alice.url(f"customers/{customer.pk}/")
        assert there(customer)

    def test_too_late_is_reported(self, alice: Any, make_customer: Any):
        customer = make_customer()
        with organization_scope(alice.organization):
            deletion.delete(customer=customer, actor=alice.actor)
            Customer.objects.filter(pk=customer.pk).update(deleted_at=timezone.now() - timedelta(days=31))
        answer = alice.client.post(url(alice, customer, "restore"), follow=True)
        assert "more than 30 days ago" in answer.content.decode()

    @pytest.mark.parametrize("count", [1, 40])
    def test_the_list_takes_the_same_queries_for_any_number(
        self, alice: Any, make_customer: Any, count: int, django_assert_max_num_queries: Any
    ):
        with organization_scope(alice.organization):
            for _ in range(count):
                deletion.delete(customer=make_customer(), actor=alice.actor)
        client = alice.client
        with django_assert_max_num_queries(8):
            assert client.get(alice.url("customers/deleted/")).content.decode().count("Restore Customer") == count


class TestPersonalData:
    def test_export_goes_to_the_job_and_on_to_the_download(self, alice: Any, make_customer: Any):
        customer = make_customer()
        answer = alice.client.post(url(alice, customer, "personal-data"))
        with organization_scope(alice.organization):
            job = Job.objects.get()
        assert answer.headers["Location"] == alice.url(f"jobs/{job.pk}/")
        jobs.run_due()
        download = url(alice, customer, f"personal-data/{job.pk}")
        page = alice.client.get(alice.url(f"jobs/{job.pk}/")).content.decode()
        assert f'href="{download}"' in page
        assert "One ZIP of" in page
        file = alice.client.get(download)
        assert (file.status_code, file.headers["X-Content-Type-Options"]) == (200, "nosniff")
        assert file.headers["Content-Disposition"].startswith("attachment")
        assert b"".join(file.streaming_content).startswith(b"PK")

    def test_erase_takes_the_typed_code(self, alice: Any, make_customer: Any):
        customer = make_customer(name="Ann")
        page = alice.client.get(url(alice, customer, "erase")).content.decode()
        assert customer.code in page
        wrong = alice.client.post(url(alice, customer, "erase"), {"confirm": "Ann"})
        assert wrong.status_code == 422
        assert 'aria-invalid="true"' in wrong.content.decode()
        answer = alice.client.post(url(alice, customer, "erase"), {"confirm": customer.code})
        jobs.run_due()
        assert f"{customer.code} keeps its place" in alice.client.get(answer.headers["Location"]).content.decode()
        with organization_scope(alice.organization):
            customer.refresh_from_db()
        assert customer.erased_at
        assert alice.client.get(url(alice, customer, "erase")).status_code == 404


def test_the_menu_shows_what_the_member_may(alice: Any, make_customer: Any):
    request = RequestFactory().get("/")
    request.organization = alice.organization
    context = {"customer": make_customer(), "can_export_customer": True, "can_delete_customer": False}
    html = render_to_string("customers/page/customer/data_menu.html", {**context, "request": request}, request)
    assert "Export personal data" in html
    assert "Erase" not in html
    html = render_to_string("customers/page/customer/data_menu.html", {**context, "can_delete_customer": True}, request)
    assert "Erase" in html


PATHS = ["delete", "restore", "erase", "personal-data", "personal-data/01980000-0000-7000-8000-000000000000"]


@pytest.mark.parametrize("what", PATHS)
def test_who_may(alice: Any, bob: Any, mona: Any, charlie: Any, make_customer: Any, what: str):
    """A counselor may none of it, a manager only with the team's, another organization finds nothing."""
    mine, other = make_customer(bob), make_customer(alice)
    for method in ("get", "post"):

        def status(person: Any, customer: Customer, method: str = method) -> int:
            return int(getattr(person.client, method)(url(person, customer, what)).status_code)

        assert status(bob, mine) in (403, 405)
        assert status(mona, other) in (404, 405)
        assert status(charlie, mine) in (404, 405)
    assert there(mine)


class TestKeeping:
    def test_shows_what_each_choice_would_erase_now(self, alice: Any, make_customer: Any):
        with organization_scope(alice.organization):
            for days in (400, 400, 900):
                customer = make_customer()
                Customer.objects.filter(pk=customer.pk).update(last_activity_at=timezone.now() - timedelta(days=days))
        page = alice.client.get(alice.url("settings/data/")).content.decode()
        assert "3 would be erased now" in page
        assert page.count("1 would be erased now") == 1
        assert page.count("0 would be erased now") == 3

    def test_is_set(self, alice: Any):
        path = alice.url("settings/data/")

        def months() -> int | None:
            return Organization.objects.get(pk=alice.organization.pk).retention_months

        assert alice.client.post(path, {"retention_months": "24"}).status_code == 302
        assert months() == 24
        for wrong in ("13", "-1", "x", "²"):
            assert alice.client.post(path, {"retention_months": wrong}).status_code == 422
        assert months() == 24
        alice.client.post(path, {"retention_months": ""})
        assert months() is None

    def test_is_the_administrators(self, bob: Any, mona: Any, charlie: Any, alice: Any):
        assert [p.client.get(p.url("settings/data/")).status_code for p in (bob, mona)] == [403, 403]
        assert charlie.client.get(alice.url("settings/data/")).status_code == 404
