"""Secrets at rest; a key that is gone breaks what needs the secret, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection, transaction

from core.encryption import DecryptionFailed, decrypt, encrypt
from core.tenancy import organization_scope
from messaging.models import Channel
from tests.messaging.conftest import make_channel

OTHER = Fernet.generate_key().decode()
SECRET = {"account_sid": "AC" + "0" * 31 + "1", "auth_token": "token-of-the-stand-in"}


@pytest.fixture
def channel(alice: Any) -> Channel:
    return make_channel(alice.organization)


def reread(channel: Channel) -> Channel:
    with organization_scope(channel.organization):
        return Channel.objects.get(pk=channel.pk)


def stored(channel: Channel) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT credentials FROM messaging_channel WHERE name = %s", [channel.name])
        text: str = cursor.fetchone()[0]
    return text


@pytest.mark.parametrize("value", [{}, {"a": [1, None, "é😀"]}, [], "text", None, 0])
def test_what_goes_in_comes_out(value: Any):
    assert decrypt(encrypt(value)) == value
    assert encrypt(value) != encrypt(value)


def test_a_new_key_in_front_still_reads_the_old(settings: Any):
    old = encrypt("secret")
    settings.ENCRYPTION_KEYS = [OTHER, *settings.ENCRYPTION_KEYS]
    assert decrypt(old) == "secret"
    settings.ENCRYPTION_KEYS = [OTHER]
    with pytest.raises(DecryptionFailed):
        decrypt(old)
    assert decrypt(encrypt("new")) == "new"


def test_without_a_key_nothing_is_stored(settings: Any):
    settings.ENCRYPTION_KEYS = []
    with pytest.raises(ImproperlyConfigured):
        encrypt("secret")
    settings.ENCRYPTION_KEYS = ["no key"]
    with pytest.raises(ImproperlyConfigured):
        encrypt("secret")


class TestTheField:
    def test_the_database_holds_no_secret(self, channel: Channel):
        assert SECRET["auth_token"] not in stored(channel)
        assert reread(channel).credentials == SECRET

    def test_a_row_with_a_lost_key_can_be_listed_and_changed(self, channel: Channel, settings: Any):
        before = stored(channel)
        settings.ENCRYPTION_KEYS = [OTHER]
        row = reread(channel)
        row.is_enabled = False
        row.save(update_fields=["is_enabled"])
        assert stored(channel) == before
        with pytest.raises(DecryptionFailed, match="ENCRYPTION_KEYS"):
            _ = row.credentials
        with pytest.raises(DecryptionFailed), transaction.atomic():
            row.save()
        assert stored(channel) == before, "what can't be read is not overwritten"

    def test_a_new_secret_can_be_set_over_a_lost_one(self, channel: Channel, settings: Any):
        settings.ENCRYPTION_KEYS = [OTHER]
        row = reread(channel)
        row.credentials = {"auth_token": "new"}
        row.save()
        assert reread(channel).credentials == {"auth_token": "new"}

    def test_it_is_changed_in_place_like_any_value(self, channel: Channel):
        row = reread(channel)
        row.credentials["more"] = 1
        row.save()
        assert reread(channel).credentials == {**SECRET, "more": 1}
        row.refresh_from_db()
        assert row.credentials["more"] == 1

    def test_it_cannot_be_searched(self, channel: Channel):
        with organization_scope(channel.organization), pytest.raises(TypeError, match="can't be searched"):
            Channel.objects.filter(credentials={}).exists()

    def test_rotating_lets_the_old_key_go(self, channel: Channel, settings: Any):
        settings.ENCRYPTION_KEYS = [OTHER, *settings.ENCRYPTION_KEYS]
        call_command("rotate_encryption", verbosity=0)
        settings.ENCRYPTION_KEYS = [OTHER]
        assert reread(channel).credentials == SECRET
