"""Settings → API keys, and one's own keys in the account."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.models import APIKey
from core.tenancy import organization_scope
from tests.accounts.api_keys.conftest import with_key
from tests.accounts.hiring import hire

pytestmark = pytest.mark.django_db


def confirmed(person):
    client = person.client
    session = client.session
    session["confirmed_at"] = timezone.now().timestamp()
    session.save()
    return client


def keys_of(person):
    with organization_scope(person.organization):
        return list(APIKey.objects.order_by("created_at"))


def test_a_key_is_issued_after_the_password_and_shown_once(alice):
    address = alice.url("settings/api-keys/new/")
    form = {"name": "Website", "days": "30", "networks": "127.0.0.1\n10.0.0.0/8", "may_customers": ["customers.view"]}
    asked = alice.client.post(address, form)
    assert asked["Location"].startswith("/account/confirm/")
    assert keys_of(alice) == []
    browser = confirmed(alice)
    shown = browser.post(address, form, follow=True)
    (key,) = keys_of(alice)
    secret = shown.context["secret"]
    assert secret in shown.content.decode()
    assert with_key(secret).get("/api/v1/customers").status_code == 200
    assert (key.scopes, key.networks) == (["customers.view"], ["127.0.0.1/32", "10.0.0.0/8"])
    browser.post(alice.url(f"settings/api-keys/{key.pk}/secret/"))
    again = browser.get(alice.url(f"settings/api-keys/{key.pk}/secret/"), follow=True)
    assert secret not in again.content.decode()


def test_what_is_wrong_is_reported_at_the_form(alice):
    browser = confirmed(alice)
    for form, words in (
        ({"name": "x"}, "at least one permission"),
        ({"name": "x", "networks": "here", "may_customers": ["customers.view"]}, "is no network"),
        ({"may_customers": ["customers.view"]}, "This field is required"),
        ({"name": "x", "may_users": ["users.edit"]}, "not one of the available choices"),
    ):
        page = browser.post(alice.url("settings/api-keys/new/"), {"member": str(alice.member.pk), "days": "30", **form})
        assert words in page.content.decode()
    assert keys_of(alice) == []


def test_for_a_service(alice, service):
    form = {"name": "Forms", "member": str(service.pk), "days": "never", "may_customers": ["customers.view"]}
    confirmed(alice).post(alice.url("settings/api-keys/new/"), form)
    (key,) = keys_of(alice)
    assert (key.member, key.expires_at) == (service, None)
    page = alice.client.get(alice.url("settings/api-keys/?owner=service"))
    assert [row["key"] for row in page.context["rows"]] == [key]
    assert alice.client.get(alice.url("settings/api-keys/?owner=me")).context["rows"] == []


def test_who_may_not_change_members_sees_their_own(alice, bob, issue):
    keeper = hire(alice, {"api_keys.view", "api_keys.create", "api_keys.delete", "customers.view"})
    mine, _ = issue(by=keeper, scopes=["customers.view"])
    others, _ = issue()
    for path in ("settings/api-keys/", "account/api-keys/"):
        page = keeper.client.get(alice.url(path))
        assert [row["key"] for row in page.context["rows"]] == [mine]
    assert keeper.client.get(alice.url(f"settings/api-keys/{others.pk}/")).status_code == 404
    for path in ("settings/api-keys/", "account/api-keys/", "settings/api-keys/new/"):
        assert bob.client.get(alice.url(path)).status_code == 403
    assert "account/api-keys" not in bob.client.get(alice.url("account/")).content.decode()


def test_one_click_takes_what_is_not_used(alice, old):
    key, secret = old
    with_key(secret).get("/api/v1/customers")
    address = alice.url(f"settings/api-keys/{key.pk}/")
    page = alice.client.get(address)
    assert "Not used for 30 days" in page.content.decode()
    alice.client.post(f"{address}narrow/", {"scope": page.context["unused"]})
    assert keys_of(alice)[0].scopes == ["customers.view"]
    assert "Not used for 30 days" not in alice.client.get(address).content.decode()


def test_renewing_and_revoking_ask_once(alice, issue):
    key, first = issue()
    address = alice.url(f"settings/api-keys/{key.pk}/")
    browser = confirmed(alice)
    assert "Renew" in browser.get(f"{address}rotate/").content.decode()
    second = browser.post(f"{address}rotate/", follow=True).context["secret"]
    assert second != first
    assert "never comes back" in browser.get(f"{address}revoke/").content.decode()
    browser.post(f"{address}revoke/")
    assert with_key(second).get("/api/v1/customers").status_code == 401


@pytest.mark.parametrize("count", [1, 15])
def test_the_list_takes_the_same_queries_for_any_number(alice, issue, count, django_assert_max_num_queries):
    for number in range(count):
        issue(name=f"Key {number}")
    client = alice.client
    client.get(alice.url("settings/api-keys/"))
    with django_assert_max_num_queries(6):
        assert len(client.get(alice.url("settings/api-keys/")).context["rows"]) == count
