"""`/admin/integrations`: what there is to connect with, how it stands, and a directory by calls."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.models import ScimConnection
from core.tenancy import every_organization, organization_scope
from messaging.models import Channel
from tests.accounts.hiring import hire
from tests.accounts.scim.conftest import Directory, connect
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
LIST = "/api/v1/admin/integrations"
CONNECT, DISCONNECT = f"{LIST}/directory/connect", f"{LIST}/directory/disconnect"
BODY = {"name": "Entra ID", "role": "counselor", "password": PASSWORD}


def listed(person):
    answer = person.api.get(LIST)
    assert answer.status_code == 200, answer.content
    return {row["type"]: row for row in answer.json()["results"]}


def test_everything_there_is_to_connect_with_and_how_it_stands(alice, provider):
    before = listed(alice)
    assert list(before) == ["sign-in-provider", "directory", "twilio", "smtp", "website"], "and no simulator"
    assert {name: row["status"] for name, row in before.items()} == {
        "sign-in-provider": "connected", "directory": "not_connected", "twilio": "not_connected",
        "smtp": "not_connected", "website": "not_connected",
    }  # fmt: skip
    assert before["directory"]["connect"] == CONNECT
    assert before["directory"]["page"].endswith(alice.url("settings/directory/"))
    connect(alice, name="Okta")
    with organization_scope(alice.organization):
        first, second, third = Channel.objects.order_by("pk")
        Channel.objects.filter(pk=first.pk).update(provider="twilio", name="Desk")
        Channel.objects.filter(pk=second.pk).update(provider="smtp", last_error="No such mailbox", name="Post")
        Channel.objects.filter(pk=third.pk).update(provider="website", is_enabled=False, name="Old form")
        ScimConnection.objects.update(last_used_at=timezone.now())
    after = listed(alice)
    assert {name: (row["status"], row["connected"]) for name, row in after.items()} == {
        "sign-in-provider": ("connected", [provider.name]), "directory": ("connected", ["Okta"]),
        "twilio": ("connected", ["Desk"]), "smtp": ("failing", ["Post"]), "website": ("off", ["Old form"]),
    }  # fmt: skip
    assert after["directory"]["last_used_at"] is not None


def test_a_directory_is_connected_and_turned_off(alice):
    answer = alice.api.post(CONNECT, BODY, format="json")
    assert answer.status_code == 201, answer.content
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json()
    with every_organization("a test looks everywhere"):
        connection = ScimConnection.objects.select_related("role").get()
    assert (connection.name, connection.role.key, connection.maps_groups) == ("Entra ID", "counselor", True)
    assert body["address"].endswith("/scim/v2")
    directory = Directory(connection, body["token"])
    assert directory.get("/Users").status_code == 200
    assert alice.api.post(CONNECT, BODY, format="json").status_code == 409
    assert alice.api.delete(DISCONNECT).status_code == 204
    assert directory.get("/Users").status_code == 401
    assert listed(alice)["directory"]["status"] == "off"


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"password": None}, 403, None),
        ({"role": "nobody"}, 400, "role"),
        ({"role": "admin"}, 400, "role"),
        ({"name": ""}, 400, "name"),
        ({"surprise": 1}, 400, "surprise"),
    ],
)
def test_what_is_wrong_is_named(alice, changes, status, field):
    body = {name: value for name, value in {**BODY, **changes}.items() if value is not None}
    answer = alice.api.post(CONNECT, body, format="json")
    assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (status, field)
    with every_organization("a test looks everywhere"):
        assert not ScimConnection.objects.exists()


@pytest.mark.parametrize(
    ("path", "body"), [(CONNECT, BODY), (f"{LIST}/api-keys", {"name": "Web", "scopes": ["customers.view"]})]
)
def test_guesses_are_counted_whatever_key_they_are_sent_with(alice, path, body):
    """Who has somebody's token would else find out their password."""
    client = alice.api
    statuses = [
        client.post(
            path, {**body, "password": f"guess {n}"}, format="json", headers={"Idempotency-Key": f"guess-{n}"}
        ).status_code
        for n in range(7)
    ]
    assert statuses == [401] * 5 + [429] * 2


def test_who_may(alice, bob, mona, charlie):
    for person in (bob, mona):
        assert person.api.get(LIST).status_code == 403
        assert person.api.post(CONNECT, BODY, format="json").status_code == 403
        assert person.api.delete(DISCONNECT).status_code == 403
    office = hire(alice, {"integrations.view", "integrations.create", "integrations.delete", "settings.edit"})
    assert office.api.post(CONNECT, BODY, format="json").status_code == 403, "it takes everything"
    connect(alice)
    assert office.api.delete(DISCONNECT).status_code == 403
    assert listed(office)["directory"]["status"] == "connected"
    assert listed(charlie)["directory"]["status"] == "not_connected"
    assert charlie.api.delete(DISCONNECT).status_code == 404


def test_the_list_takes_the_same_queries_for_one_and_many_channels(alice, django_assert_max_num_queries):
    listed(alice)
    client = alice.api
    client.get(LIST)
    with organization_scope(alice.organization):
        for number in range(20):
            Channel.objects.create(
                organization=alice.organization, kind="sms", provider="twilio", name=f"Desk {number}",
                address=f"+4477{number:08d}",
            )  # fmt: skip
    with django_assert_max_num_queries(12):
        client.get(LIST)
