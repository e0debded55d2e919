"""Who may issue, narrow, renew and revoke a key, and what a key is good for afterwards."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import grants
from accounts.api_keys import queries, services
from accounts.credentials import api_keys
from accounts.members import services as members
from accounts.members.authority import Above
from accounts.models import APIKey, Member, Role
from accounts.permissions import CATALOG, NEVER_BY_KEY, SCOPES
from activity.models import Event
from core.refused import Invalid
from core.tenancy import organization_scope
from tests.accounts.api_keys.conftest import with_key
from tests.accounts.hiring import hire

pytestmark = pytest.mark.django_db
CUSTOMERS = "/api/v1/customers"


@pytest.fixture(autouse=True)
def inside(alice):
    with organization_scope(alice.organization):
        yield


def test_what_decides_over_people_is_no_scope(issue):
    assert {"users.edit", "roles.create", "api_keys.create"} <= NEVER_BY_KEY
    assert SCOPES | NEVER_BY_KEY == CATALOG
    for permission in NEVER_BY_KEY:
        with pytest.raises(api_keys.UnknownScope):
            issue(scopes=[permission])


def test_a_key_of_everything_does_not_do_it_either(alice, bob):
    _, secret = api_keys.issue(member=alice.member, name="old", actor=alice.actor)
    key = with_key(secret)
    assert key.get("/api/v1/admin/users").status_code == 200
    assert key.patch(f"/api/v1/admin/users/{bob.user.pk}", {"status": "inactive"}).status_code == 403
    body = {"name": "next", "scopes": ["customers.view"], "password": "x"}
    assert key.post("/api/v1/admin/integrations/api-keys", body, format="json").status_code == 403


def test_nobody_issues_for_more_than_they_have(alice, issue):
    keeper = hire(alice, {"api_keys.create", "customers.view"})
    assert issue(by=keeper, scopes=["customers.view"])
    with pytest.raises(api_keys.UnknownScope, match=r"customers\.create"):
        issue(by=keeper)


def test_a_key_is_ones_own_or_a_services(alice, bob, service, issue):
    assert issue(owner=service, scopes=["customers.view"])[0].member == service
    with pytest.raises(services.SomebodyElses):
        issue(owner=bob.member)
    with pytest.raises(grants.NotPermitted):
        issue(by=bob)
    keeper = hire(alice, {"api_keys.create", "customers.view", "users.edit"})
    with pytest.raises(grants.BeyondOwn):
        issue(owner=service, by=keeper, scopes=["customers.view"])
    plain = hire(alice, {*service.role.permissions, "api_keys.create"}, name="Pia")
    with pytest.raises(grants.NotPermitted):
        issue(owner=service, by=plain, scopes=["customers.view"])


def test_a_role_that_loses_a_permission_takes_it_from_the_key(alice, issue):
    keeper = hire(alice, {"api_keys.create", "customers.view"})
    _, secret = issue(by=keeper, scopes=["customers.view"])
    assert with_key(secret).get(CUSTOMERS).status_code == 200
    Role.objects.filter(pk=keeper.member.role.pk).update(stored_permissions=["api_keys.create"])
    assert with_key(secret).get(CUSTOMERS).status_code == 403


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": "  "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"scopes": []}, "scopes"),
        ({"expires_at": timezone.now() - timedelta(minutes=1)}, "expires_at"),
        ({"networks": ["10.0.0.0/99"]}, "networks"),
        ({"networks": [f"10.0.0.{n}" for n in range(30)]}, "networks"),
    ],
)
def test_what_is_wrong_names_the_field(issue, fields, field):
    with pytest.raises(Invalid) as refused:
        issue(**fields)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("networks", "address", "is_good"),
    [
        (["203.0.113.0/24"], "203.0.113.9", True),
        (["203.0.113.0/24"], "203.0.114.9", False),
        (["203.0.113.0/24"], "::ffff:203.0.113.9", True),
        (["2001:db8::/32"], "2001:db8::1", True),
        (["2001:db8::/32"], "2001:db9::1", False),
        (["2001:db8::/32", "10.1.2.3"], "10.1.2.3", True),
        ([], "anything", True),
        (["10.0.0.0/8"], "anything", False),
    ],
)
def test_a_key_is_good_from_its_networks_only(issue, networks, address, is_good):
    _, secret = issue(networks=networks)
    answer = with_key(secret, address=address).get(CUSTOMERS)
    assert answer.status_code == (200 if is_good else 403)
    if not is_good:
        assert answer.json()["errors"][0]["code"] == "network_not_allowed"


def test_the_address_is_the_one_that_our_proxy_saw(issue, settings):
    _, secret = issue(networks=["203.0.113.0/24"])
    forged = {"X-Forwarded-For": "203.0.113.9, 198.51.100.1"}
    assert with_key(secret).get(CUSTOMERS, headers=forged).status_code == 403
    settings.TRUSTED_PROXY_COUNT = 1
    assert with_key(secret).get(CUSTOMERS, headers=forged).status_code == 403
    seen = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9"}
    assert with_key(secret).get(CUSTOMERS, headers=seen).status_code == 200


class TestUse:
    def test_each_permission_is_noted_and_only_when_it_was_given(self, issue):
        key, secret = issue()
        assert with_key(secret).get(CUSTOMERS).status_code == 200
        assert with_key(secret).get("/api/v1/deals").status_code == 403
        key.refresh_from_db()
        assert key.last_use_of("customers.view") is not None
        assert key.last_use_of("customers.create") is None
        assert key.last_use_of("deals.view") is None

    def test_the_next_calls_of_the_hour_write_nothing(self, issue):
        key, secret = issue()
        caller = with_key(secret)
        with CaptureQueriesContext(connection) as first:
            caller.get(CUSTOMERS)
        with CaptureQueriesContext(connection) as second:
            caller.get(CUSTOMERS)
        assert [query for query in first if query["sql"].startswith("UPDATE")]
        assert not [query for query in second if query["sql"].startswith("UPDATE")]
        key.refresh_from_db()
        earlier = (timezone.now() - timedelta(hours=2)).isoformat(timespec="minutes")
        APIKey.objects.filter(pk=key.pk).update(scope_uses={"customers.view": earlier})
        caller.get(CUSTOMERS)
        key.refresh_from_db()
        assert key.scope_uses["customers.view"] > earlier

    def test_what_another_call_noted_meanwhile_stays(self, issue):
        key, _ = issue()
        as_read = APIKey.objects.get(pk=key.pk)
        api_keys.note_uses(key, ["customers.create"])
        api_keys.note_uses(as_read, ["customers.view"])
        assert set(APIKey.objects.get(pk=key.pk).scope_uses) == {"customers.create", "customers.view"}

    def test_a_key_that_is_watched_for_less_has_nothing_unused(self, issue):
        key, _ = issue()
        assert queries.unused_of(key) == frozenset()
        APIKey.objects.filter(pk=key.pk).update(created_at=timezone.now() - timedelta(days=400))
        key.refresh_from_db()
        assert queries.unused_of(key) == frozenset()


class TestNarrowing:
    def test_what_was_not_used_is_taken(self, alice, old):
        key, secret = old
        with_key(secret).get(CUSTOMERS)
        key.refresh_from_db()
        assert queries.unused_of(key) == {"customers.create"}
        removed = services.narrow(key=key, by=alice.member, actor=alice.actor, scopes=["customers.create"])
        assert removed == ["customers.create"]
        assert with_key(secret).post(CUSTOMERS, {"name": "No"}).status_code == 403
        assert with_key(secret).get(CUSTOMERS).status_code == 200
        assert Event.objects.get(type="api_key.narrowed").payload["removed"] == ["customers.create"]

    def test_what_was_used_meanwhile_stays(self, alice, old):
        key, secret = old
        with_key(secret).post(CUSTOMERS, {"name": "Yes"})
        assert services.narrow(key=key, by=alice.member, actor=alice.actor, scopes=["customers.create"]) == []
        assert with_key(secret).post(CUSTOMERS, {"name": "Yes, too"}).status_code == 201

    def test_nothing_left_is_no_key_of_everything(self, alice, old):
        with pytest.raises(services.NothingLeft):
            services.narrow(key=old[0], by=alice.member, actor=alice.actor, scopes=list(old[0].scopes))

    def test_a_key_of_everything_keeps_what_it_uses(self, alice, old):
        key, secret = old
        APIKey.objects.filter(pk=key.pk).update(scopes=[])
        with_key(secret).get(CUSTOMERS)
        key.refresh_from_db()
        services.narrow(key=key, by=alice.member, actor=alice.actor, scopes=list(queries.unused_of(key)))
        key.refresh_from_db()
        assert "customers.view" in key.scopes
        assert "deals.view" not in key.scopes


class TestEnding:
    def test_a_renewed_key_and_the_one_of_before_are_good_for_a_day(self, alice, issue):
        key, first = issue()
        key, second = services.rotate(key=key, by=alice.member, actor=alice.actor)
        assert [with_key(secret).get(CUSTOMERS).status_code for secret in (first, second)] == [200, 200]
        APIKey.objects.filter(pk=key.pk).update(previous_until=timezone.now())
        assert [with_key(secret).get(CUSTOMERS).status_code for secret in (first, second)] == [401, 200]
        services.revoke(key=key, by=alice.member, actor=alice.actor)
        assert with_key(second).get(CUSTOMERS).status_code == 401
        with pytest.raises(services.KeyEnded):
            services.rotate(key=key, by=alice.member, actor=alice.actor)

    def test_a_revoked_key_takes_its_secret_of_before_along(self, alice, issue):
        key, first = issue()
        key, _ = services.rotate(key=key, by=alice.member, actor=alice.actor)
        services.revoke(key=key, by=alice.member, actor=alice.actor)
        assert with_key(first).get(CUSTOMERS).status_code == 401

    def test_who_may_revoke(self, alice, bob, issue):
        keeper = hire(alice, {"api_keys.delete", "api_keys.create", "customers.view"})
        manages = hire(alice, {"api_keys.delete", "users.edit", "customers.view"}, name="Max")
        theirs, _ = issue(by=keeper, scopes=["customers.view"])
        alices, _ = issue()
        for key, by, refusal in (
            (theirs, bob, grants.NotPermitted),
            (alices, keeper, grants.NotPermitted),
            (alices, manages, Above),
        ):
            with pytest.raises(refusal):
                services.revoke(key=key, by=by.member, actor=by.actor)
        services.revoke(key=theirs, by=keeper.member, actor=keeper.actor)
        theirs.refresh_from_db()
        assert theirs.revoked_at is not None

    def test_who_is_shut_out_loses_the_key(self, alice, service, issue):
        _, secret = issue(owner=service, scopes=["customers.view"])
        members.deactivate(member=service, actor=alice.actor)
        assert with_key(secret).get(CUSTOMERS).status_code == 401


def test_the_ledger_names_key_and_person(alice, service, issue):
    _, secret = issue(owner=service, name="Forms")
    assert with_key(secret).post(CUSTOMERS, {"name": "From the website"}).status_code == 201
    event = Event.objects.get(type="customer.created")
    assert (event.actor_kind, event.actor_label) == ("api_key", "Forms (Website)")
    log = alice.api.get("/api/v1/admin/audit-logs", {"user_id": str(service.user_id), "action": "customer.created"})
    assert [entry["actor"] for entry in log.json()["results"]] == ["Forms (Website)"]


def test_own_keys_and_everybodys(alice, bob, issue, charlie):
    keeper = hire(alice, {"api_keys.view", "api_keys.create", "customers.view"})
    mine, _ = issue(by=keeper, scopes=["customers.view"])
    issue()
    assert list(queries.visible_keys(keeper.member)) == [mine]
    assert queries.visible_keys(alice.member).count() == 2
    with organization_scope(charlie.organization):
        assert queries.visible_keys(charlie.member).count() == 0
    assert Member.objects.count() == 3
