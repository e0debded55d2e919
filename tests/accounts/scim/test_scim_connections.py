"""The connection: its token, who may set it up, what is offered by it, and what is kept of what went wrong."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.credentials import throttle
from accounts.members import services as members
from accounts.models import Member, Organization, Role, ScimConnection, ScimFailure
from accounts.organizations import life
from accounts.permissions import CATALOG
from accounts.roles import services as roles
from accounts.scim import connections
from accounts.scim.connections import Connected, NotAdministrator
from activity.actor import SYSTEM
from activity.models import Event
from core.refused import Invalid
from core.tenancy import organization_scope
from tests.accounts.scim.conftest import Directory, connect
from tests.architecture.test_urls import PAGES, filled

pytestmark = pytest.mark.django_db

ADDRESSES = [page for page in PAGES if page.route.startswith("scim/")]


def call(token, path="/Users", method="get", **headers):
    given = {"Authorization": f"Bearer {token}"} if token else {}
    return getattr(Client(), method)(f"/scim/v2{path}", headers={**given, **headers})


@pytest.mark.parametrize("address", ADDRESSES, ids=lambda address: address.route)
@pytest.mark.parametrize("token", ["", "scim_nonsense", "é\udcff"])
def test_every_address_asks_for_the_token(address, token, okta):
    for method in ("get", "post", "put", "patch", "delete"):
        given = (
            {"Authorization": f"Bearer {token}".encode("utf-8", "surrogateescape").decode("latin-1")} if token else {}
        )
        answer = getattr(Client(), method)(filled(address), headers=given)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="scim"'
        assert answer.json()["status"] == "401"
        throttle.SignInAttempt.objects.all().delete()


def test_nothing_else_opens_it(okta, alice):
    assert alice.client.get("/scim/v2/Users").status_code == 401
    assert alice.api.get("/scim/v2/Users").status_code == 401
    assert Client().get("/api/v1/customers", headers={"Authorization": f"Bearer {okta.token}"}).status_code == 401
    assert Client().get("/api/v1/customers", headers={"X-API-Key": okta.token}).status_code == 401


def test_wrong_tokens_are_slowed_down_and_the_right_one_is_not(okta):
    answers = [call(f"scim_{number}").status_code for number in range(throttle.ADDRESS.failures + 1)]
    assert answers == [401] * throttle.ADDRESS.failures + [429]
    assert int(call("scim_x").headers["Retry-After"]) > 0
    assert okta.get("/Users").status_code == 200


def test_only_hashes_are_kept(okta):
    with organization_scope(okta.connection.organization):
        row = ScimConnection.objects.values().get()
    assert okta.token not in str(row)


def test_the_token_of_before_is_good_for_a_day(okta, alice):
    with organization_scope(alice.organization):
        connection, token = connections.rotate(connection=okta.connection, by=alice.member, actor=alice.actor)
        assert call(okta.token).status_code == call(token).status_code == 200
        connection.previous_until = timezone.now() - timedelta(seconds=1)
        connection.save()
        assert (call(okta.token).status_code, call(token).status_code) == (401, 200)


def test_off_is_off_at_once_and_on_again_by_a_new_token_only(okta, alice):
    with organization_scope(alice.organization):
        connections.rotate(connection=okta.connection, by=alice.member, actor=alice.actor)
        connections.turn_off(connection=okta.connection, by=alice.member, actor=alice.actor)
        assert okta.get("/Users").status_code == 401
        _connection, token = connections.rotate(connection=okta.connection, by=alice.member, actor=alice.actor)
        assert (call(okta.token).status_code, call(token).status_code) == (401, 200)
        types = list(Event.objects.filter(type__startswith="scim_connection").values_list("type", flat=True))
    assert sorted(types) == [
        "scim_connection.created", "scim_connection.rotated", "scim_connection.rotated", "scim_connection.turned_off",
    ]  # fmt: skip


def test_in_a_suspended_organization_the_directory_learns_why(okta, bob):
    """Not 401: nobody is to renew a token that is good again once it goes on."""
    organization = Organization.objects.get(pk=okta.connection.organization_id)
    life.suspend(organization=organization, actor=SYSTEM, reason="The bill")
    for _again in range(40):
        answer = okta.get("/Users")
    assert answer.status_code == 403
    assert "is suspended" in answer.json()["detail"]
    assert "The bill" not in answer.content.decode()
    assert okta.patch(f"/Users/{bob.member.pk}", {"op": "replace", "path": "active", "value": False}).status_code == 403
    life.resume(organization=organization, actor=SYSTEM)
    assert okta.get("/Users").status_code == 200


def test_of_a_deleted_organization_it_learns_nothing(okta):
    organization = Organization.objects.get(pk=okta.connection.organization_id)
    life.delete(organization=organization, actor=SYSTEM, typed_name=organization.name)
    assert okta.get("/Users").status_code == 401


def test_less_than_everything_does_not_set_it_up(alice, bob, okta):
    with organization_scope(alice.organization):
        almost = roles.create(
            organization=alice.organization, by=alice.member, actor=alice.actor, name="Almost",
            permissions=sorted(CATALOG - {"audit.export"}), reach="all",
        )  # fmt: skip
        members.change(member=bob.member, actor=alice.actor, role=almost)
        given = {"by": bob.member, "actor": bob.actor}
        for attempt in (
            lambda: connections.create(organization=alice.organization, changes={}, **given),
            lambda: connections.save(connection=okta.connection, changes={"name": "Mine"}, **given),
            lambda: connections.rotate(connection=okta.connection, **given),
            lambda: connections.turn_off(connection=okta.connection, **given),
        ):
            with pytest.raises(NotAdministrator):
                attempt()


def test_what_it_can_not_be_is_refused_by_name(alice, charlie, okta):
    with organization_scope(charlie.organization):
        elsewhere = Role.objects.get(key="counselor")
    with organization_scope(alice.organization):
        given = {"connection": okta.connection, "by": alice.member, "actor": alice.actor}
        for changes, field in (
            ({"name": " "}, "name"), ({"name": "x" * 61}, "name"), ({"role": None}, "role"),
            ({"role": Role.objects.get(key="admin")}, "role"), ({"role": elsewhere}, "role"),
            ({"binds_sign_in": True}, "binds_sign_in"),
        ):  # fmt: skip
            with pytest.raises(Invalid) as refused:
                connections.save(changes=changes, **given)
            assert refused.value.field == field
        with pytest.raises(Connected):
            connections.create(
                organization=alice.organization, by=alice.member, actor=alice.actor,
                changes={"name": "x", "role": Role.objects.get(key="counselor")},
            )  # fmt: skip


def test_who_saves_it_gives_their_word(alice, mona, okta):
    with organization_scope(alice.organization):
        members.change(member=mona.member, actor=alice.actor, role=alice.member.role)
        acting = Member.objects.with_access().get(pk=mona.member.pk)
        saved = connections.save(connection=okta.connection, by=acting, actor=mona.actor, changes={})
    assert saved.configured_by_id == mona.member.pk


def test_what_was_refused_is_kept_and_not_for_ever(okta, monkeypatch):
    monkeypatch.setattr(connections, "FAILURES_KEPT", 3)
    okta.get("/Users/nobody")
    for number in range(5):
        okta.user(f"number {number}")
    with organization_scope(okta.connection.organization):
        kept = list(ScimFailure.objects.order_by("-at", "-pk"))
        used = ScimConnection.objects.get().last_used_at
    assert [(one.method, one.path, one.status) for one in kept] == [("POST", "/Users", 400)] * 3
    assert "emails is required" in kept[0].detail
    assert used is not None


def test_what_is_offered_is_reported(okta):
    config = okta.get("/ServiceProviderConfig").json()
    assert {name: config[name]["supported"] for name in ("patch", "bulk", "filter", "sort", "etag")} == {
        "patch": True, "bulk": False, "filter": True, "sort": True, "etag": True,
    }  # fmt: skip
    for method, path in (("GET", "/Me"), ("POST", "/Me"), ("POST", "/Bulk")):
        assert okta.call(method, path, {}).status_code == 501
    assert okta.call("DELETE", "/Users").status_code == 405
    assert okta.call("POST", "/Schemas", {}).status_code == 405
    for path in ("/Nothing", "/", "/Users/x/y", "/Schemas/urn:x", "/ResourceTypes/X", "/Users/", "/Users/%00"):
        answer = okta.get(path)
        assert answer.status_code in (400, 404), path


def test_it_is_no_part_of_the_api_s_contract(client):
    assert "/scim" not in client.get("/api/v1/openapi.json").content.decode()


def test_a_body_has_an_end(okta, monkeypatch):
    monkeypatch.setattr("accounts.scim.requests.MAX_BODY", 100)
    answer = okta.user("x" * 200)
    assert answer.status_code == 413


def test_an_outage_is_reported_in_its_words(okta, monkeypatch):
    from django.db import OperationalError

    def fails(*args, **kwargs):
        raise OperationalError("gone")

    monkeypatch.setattr("accounts.scim.views.user_queries.rows", fails)
    monkeypatch.setattr("core.outage.is_outage", lambda error: isinstance(error, OperationalError))
    answer = okta.get("/Users")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]


def test_each_organization_has_one_of_its_own(okta, charlie):
    theirs: Directory = connect(charlie)
    assert theirs.connection.organization_id != okta.connection.organization_id
    assert theirs.get("/Users").json()["totalResults"] == 1
