from __future__ import annotations

from typing import Any

import pytest

from activity.models import Event
from core.tenancy import every_organization, organization_scope
from messaging.models import Channel

API = "/api/v1/channels"
TWILIO: dict[str, Any] = {
    "kind": "whatsapp",
    "provider": "twilio",
    "name": "WhatsApp line",
    "address": "whatsapp:+1 500 555 0006",
    "credentials": {"account_sid": "AC" + "0" * 32, "auth_token": "a-secret-token"},
}


def test_a_new_organization_starts_with_simulators(alice):
    rows = alice.api.get(API).json()["results"]
    assert {(row["kind"], row["provider"]) for row in rows} == {
        (kind, "simulator") for kind in ("whatsapp", "sms", "email")
    }


def test_credentials_go_in_and_never_come_out(alice):
    answer = alice.api.post(API, TWILIO)
    assert answer.status_code == 201
    body = answer.json()
    assert body["address"] == "+15005550006"
    assert body["credentials_set"] == ["account_sid", "auth_token"]
    assert "a-secret-token" not in answer.content.decode()
    assert "a-secret-token" not in alice.api.get(f"{API}/{body['id']}").content.decode()
    with every_organization("a look at what is stored"):
        channel = Channel.objects.get(pk=body["id"])
        assert channel.credentials["auth_token"] == "a-secret-token"
        raw = (
            Channel._base_manager.filter(pk=channel.pk)
            .extra(select={"raw": "credentials"})
            .values_list("raw", flat=True)
        )
        assert "a-secret-token" not in str(list(raw))
        assert "a-secret-token" not in str(list(Event.objects.values("payload")))


def test_a_patch_keeps_the_credentials_it_does_not_give(alice):
    pk = alice.api.post(API, TWILIO).json()["id"]
    alice.api.patch(f"{API}/{pk}", {"name": "Renamed", "credentials": {"auth_token": "another"}})
    with organization_scope(alice.organization):
        channel = Channel.objects.get(pk=pk)
    assert channel.name == "Renamed"
    assert channel.credentials == {**TWILIO["credentials"], "auth_token": "another"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "pigeon"}, "kind"),
        ({"provider": "nobody"}, "provider"),
        ({"kind": "email"}, "provider"),
        ({"address": "12"}, "address"),
        ({"credentials": {}}, "credentials"),
        ({"credentials": {**TWILIO["credentials"], "colour": "blue"}}, "credentials"),
        ({"rate_per_second": 0}, "rate_per_second"),
        ({"name": ""}, "name"),
        ({"colour": "blue"}, "colour"),
    ],
)
def test_a_wrong_value_is_a_400_that_names_the_field(alice, change, field):
    answer = alice.api.post(API, {**TWILIO, **change})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"] == field


def test_an_address_is_taken_once(alice):
    alice.api.post(API, TWILIO)
    assert alice.api.post(API, TWILIO).status_code == 400


def test_a_channel_with_conversations_is_not_removed(alice, write_in):
    channel = write_in().channel_id
    assert alice.api.delete(f"{API}/{channel}").status_code == 409
    pk = alice.api.post(API, TWILIO).json()["id"]
    assert alice.api.delete(f"{API}/{pk}").status_code == 204


def test_the_check_of_a_simulator_finds_nothing(alice):
    pk = alice.api.get(API).json()["results"][0]["id"]
    assert alice.api.post(f"{API}/{pk}/check").json() == {"is_ok": True, "problems": [], "webhooks": []}


def test_only_administrators_set_up_channels(alice, bob, charlie):
    pk = alice.api.post(API, TWILIO).json()["id"]
    assert bob.api.post(API, TWILIO).status_code == 403
    assert bob.api.patch(f"{API}/{pk}", {"name": "x"}).status_code == 403
    assert charlie.api.get(f"{API}/{pk}").status_code == 404
    assert charlie.api.patch(f"{API}/{pk}", {"name": "x"}).status_code == 404
    assert charlie.api.post(f"{API}/{pk}/check").status_code == 404
