from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import APIKey
from core.tenancy import organization_scope
from tests.accounts.api_keys.conftest import with_key
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
KEYS = "/api/v1/admin/integrations/api-keys"
NEW = {"name": "Website", "scopes": ["customers.view"]}


def post(person, body, path=KEYS):
    return person.api.post(path, body, format="json")


def test_a_key_is_shown_once(alice):
    made = post(alice, {**NEW, "password": PASSWORD, "networks": ["127.0.0.1/8"]})
    assert (made.status_code, made["Cache-Control"]) == (201, "no-store")
    body = made.json()
    assert (body["state"], body["networks"], body["member"]) == ("active", ["127.0.0.0/8"], str(alice.user.pk))
    assert with_key(body["key"]).get("/api/v1/customers").status_code == 200
    one = alice.api.get(f"{KEYS}/{body['id']}")
    assert "key" not in one.json()
    assert body["key"] not in alice.api.get(KEYS).content.decode()


def test_who_it_is_is_asked_again(alice):
    answer = post(alice, NEW)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, "confirmation_required")
    assert post(alice, {**NEW, "password": "wrong"}).status_code == 401
    assert post(alice, {**NEW, "code": "123456"}).status_code == 403
    with organization_scope(alice.organization):
        assert not APIKey.objects.exists()


def test_a_session_that_was_confirmed_needs_no_password(alice):
    browser = alice.client
    assert browser.post(KEYS, NEW, content_type="application/json").status_code == 403
    session = browser.session
    session["confirmed_at"] = timezone.now().timestamp()
    session.save()
    assert browser.post(KEYS, NEW, content_type="application/json").status_code == 201


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["nothing.at_all"]}, "scopes"),
        ({"scopes": ["users.edit"]}, "scopes"),
        ({"networks": ["here"]}, "networks"),
        ({"expires_at": "2001-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "9999-12-31T23:59:59Z"}, "expires_at"),
        ({"member": "01980000-0000-7000-8000-000000000000"}, "member"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_is_wrong_is_named(alice, body, field):
    answer = post(alice, {**NEW, "password": PASSWORD, **body})
    assert (answer.status_code, answer.json()["errors"][0]["attr"].partition(".")[0]) == (400, field)


def test_a_services_key(alice, bob, service):
    made = post(alice, {**NEW, "password": PASSWORD, "member": str(service.user_id)}).json()
    assert (made["is_service"], made["member_name"]) == (True, "Website")
    assert post(alice, {**NEW, "password": PASSWORD, "member": str(bob.user.pk)}).status_code == 403
    assert bob.api.get(KEYS).status_code == 403


def test_renew_narrow_and_revoke(alice, old):
    key, secret = old
    one = f"{KEYS}/{key.pk}"
    with_key(secret).get("/api/v1/customers")
    uses = {use["permission"]: use["is_unused"] for use in alice.api.get(one).json()["uses"]}
    assert uses == {"customers.view": False, "customers.create": True}
    assert post(alice, {"scopes": ["customers.create"]}, f"{one}/narrow").json()["scopes"] == ["customers.view"]
    assert post(alice, {}, f"{one}/rotate").status_code == 403
    renewed = post(alice, {"password": PASSWORD}, f"{one}/rotate").json()
    assert with_key(renewed["key"]).get("/api/v1/customers").status_code == 200
    assert alice.api.delete(one).status_code == 204
    assert with_key(renewed["key"]).get("/api/v1/customers").status_code == 401
    assert alice.api.get(one).json()["state"] == "revoked"


def test_the_list_is_filtered_and_takes_the_same_queries(alice, service, issue, charlie):
    def asked(**filters):
        with CaptureQueriesContext(connection) as queries:
            rows = caller.get(KEYS, filters).json()["results"]
        return len(queries), [row["name"] for row in rows]

    caller = alice.api
    issue(name="Mine")
    few, _ = asked()
    for number in range(12):
        issue(owner=service, name=f"Forms {number}x", scopes=["customers.view"])
    many, names = asked()
    assert (few, len(names)) == (many, 13)
    assert asked(owner="me")[1] == ["Mine"]
    assert asked(search="forms 11x")[1] == ["Forms 11x"]
    assert len(asked(owner="service", state="active")[1]) == 12
    assert asked(state="revoked")[1] == []
    assert charlie.api.get(KEYS).json()["results"] == []


def test_a_key_does_not_decide_how_people_sign_in(alice):
    """Even where its owner may: a second factor is required by a person."""
    secret = post(alice, {"name": "k", "scopes": ["settings.edit"], "password": PASSWORD}).json()["key"]
    key, settings = with_key(secret), "/api/v1/admin/settings"
    assert key.patch(settings, {"requires_second_factor": True}, format="json").status_code == 403
    assert key.patch(settings, {"undo_seconds": 20}, format="json").status_code == 200
