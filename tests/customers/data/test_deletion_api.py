"""`DELETE /customers/{id}` and `POST /customers/{id}/restore`."""

from __future__ import annotations

import pytest

from core.tenancy import organization_scope
from customers.data.deletion import services as deletion
from customers.models import Customer
from customers.pipeline.deals import services as deals

API = "/api/v1"


@pytest.fixture(params=["customers", "leads"])
def name(request):
    return request.param


def test_delete_and_restore(alice, name, make_customer):
    customer = make_customer(name="Ann")
    before = alice.api.get(f"{API}/{name}/{customer.pk}").json()
    assert alice.api.delete(f"{API}/{name}/{customer.pk}").status_code == 204
    assert alice.api.get(f"{API}/{name}/{customer.pk}").status_code == 404
    assert alice.api.get(f"{API}/{name}").json()["count"] == 0
    answer = alice.api.post(f"{API}/{name}/{customer.pk}/restore")
    assert answer.status_code == 200
    again = alice.api.get(f"{API}/{name}/{customer.pk}").json()
    assert {**again, "updated_at": ""} == {**before, "updated_at": ""}


def test_what_is_open_is_named_and_force_cancels_it(alice, make_customer):
    customer = make_customer()
    with organization_scope(alice.organization):
        deal = deals.create(customer=customer, actor=alice.actor, title="Braces")
    answer = alice.api.delete(f"{API}/customers/{customer.pk}")
    assert answer.status_code == 409
    assert "Braces" in answer.json()["errors"][0]["detail"]
    assert alice.api.delete(f"{API}/customers/{customer.pk}?force=maybe").status_code == 400
    assert alice.api.delete(f"{API}/customers/{customer.pk}?farce=true").json()["errors"][0]["attr"] == "farce"
    assert alice.api.delete(f"{API}/customers/{customer.pk}?force=true").status_code == 204
    with organization_scope(alice.organization):
        deal.refresh_from_db()
    assert deal.status == "lost"


def test_who_may_delete(alice, bob, mona, charlie, make_customer):
    customer = make_customer(bob)
    path = f"{API}/customers/{customer.pk}"
    assert bob.api.delete(path).status_code == 403
    assert charlie.api.delete(path).status_code == 404
    assert mona.api.delete(path).status_code == 204
    assert bob.api.post(f"{path}/restore").status_code == 403
    assert charlie.api.post(f"{path}/restore").status_code == 404
    assert mona.api.post(f"{path}/restore").status_code == 200


def test_a_merged_customer_is_not_restored(alice, make_customer):
    gone, stays = make_customer(), make_customer()
    with organization_scope(alice.organization):
        deletion.delete(customer=gone, actor=alice.actor)
        Customer.objects.filter(pk=gone.pk).update(merged_into=stays)
    assert alice.api.post(f"{API}/customers/{gone.pk}/restore").status_code == 409


def test_delete_under_a_condition(alice, make_customer):
    path = f"{API}/customers/{make_customer(name='Ann').pk}"
    read = alice.api.get(path)
    alice.api.patch(path, {"name": "Anna"})
    stale = alice.api.delete(path, headers={"If-Match": read.headers["ETag"]})
    assert stale.status_code == 412
    assert stale.json()["errors"][0]["code"] == "precondition_failed"
    assert alice.api.delete(path, headers={"If-Match": alice.api.get(path).headers["ETag"]}).status_code == 204
