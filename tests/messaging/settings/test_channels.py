"""Channels: set up, changed, removed; a lost key is no dead end."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.fernet import Fernet

from activity.models import Event
from core.tenancy import organization_scope
from messaging.models import Channel, Conversation
from messaging.settings import services as channels
from tests.fakes.twilio import ACCOUNT_SID
from tests.messaging.conftest import make_channel


@pytest.fixture
def inside_clinic(alice: Any) -> Any:
    with organization_scope(alice.organization):
        yield alice.organization


def update(channel: Channel, actor: Any, **changes: Any) -> Channel:
    channels.update(channel=Channel.objects.get(pk=channel.pk), actor=actor, changes=changes)
    return Channel.objects.get(pk=channel.pk)


def test_a_new_organization_can_be_written_to(inside_clinic: Any):
    kinds = Channel.objects.filter(provider="simulator").values_list("kind", flat=True)
    assert sorted(kinds) == ["email", "sms", "whatsapp"]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"provider": "nobody"}, "provider"),
        ({"kind": "email"}, "provider"),
        ({"address": "no number"}, "address"),
        ({"credentials": {"account_sid": ACCOUNT_SID}}, "credentials"),
        ({"credentials": {"account_sid": ACCOUNT_SID, "auth_token": "t", "password": "p"}}, "credentials"),
    ],
)
def test_what_it_cannot_be_is_named(given: dict[str, Any], field: str, alice: Any, inside_clinic: Any):
    valid = {"kind": "sms", "provider": "twilio", "name": "X", "address": "+15005550006"}
    with pytest.raises(channels.InvalidChannel) as refused:
        channels.create(organization=alice.organization, actor=alice.actor, **{**valid, **given})
    assert refused.value.field == field


def test_one_address_once(alice: Any, inside_clinic: Any):
    make_channel(alice.organization)
    with pytest.raises(channels.InvalidChannel, match="already"):
        make_channel(alice.organization)


def test_credentials_change_one_by_one_and_the_ledger_hears_no_secret(alice: Any, inside_clinic: Any):
    channel = make_channel(alice.organization)
    after = update(channel, alice.actor, credentials={"auth_token": "brand new"})
    assert after.credentials["auth_token"] == "brand new"
    assert after.account_id == after.credentials["account_sid"] == ACCOUNT_SID
    event = Event.objects.get(type="channel.updated")
    assert event.payload == {"fields": ["credentials"]}


class TestALostKey:
    @pytest.fixture
    def lost(self, alice: Any, inside_clinic: Any, settings: Any) -> Channel:
        channel = make_channel(alice.organization)
        settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
        return channel

    def test_the_rest_can_be_changed(self, lost: Channel, alice: Any):
        assert update(lost, alice.actor, name="Front desk", is_enabled=False).name == "Front desk"

    def test_credentials_can_be_entered_again(self, lost: Channel, alice: Any):
        given = {"account_sid": ACCOUNT_SID, "auth_token": "again"}
        assert update(lost, alice.actor, credentials=given).credentials["auth_token"] == "again"

    def test_half_of_them_is_not_enough(self, lost: Channel, alice: Any):
        with pytest.raises(channels.InvalidChannel, match="account_sid"):
            update(lost, alice.actor, credentials={"auth_token": "again"})

    def test_the_check_says_what_to_do(self, lost: Channel):
        (problem,) = channels.check(Channel.objects.get(pk=lost.pk)).problems
        assert "enter the credentials again" in problem.detail

    def test_the_list_shows_that_none_are_set(self, lost: Channel, alice: Any):
        rows = {row["id"]: row for row in alice.api.get("/api/v1/channels").json()["results"]}
        assert rows[str(lost.pk)]["credentials_set"] == []


def test_one_with_conversations_is_switched_off_not_removed(alice: Any, thread: Conversation, whatsapp: Channel):
    with organization_scope(alice.organization), pytest.raises(channels.ChannelInUse):
        channels.delete(channel=whatsapp, actor=alice.actor)
