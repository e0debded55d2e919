"""The settings of the installation, to look at: no secret is shown, whatever it is called."""

from __future__ import annotations

import pytest

from accounts.models import User
from crm_project import configuration, environment
from tests.conftest import PASSWORD


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "s3cret-value"), ("ENCRYPTION_KEYS", "s3cret-value"), ("METRICS_TOKEN", "s3cret-value"),
        ("DATABASE_URL", "postgres://parley:s3cret-value@db/parley"), ("EMAIL_URL", "smtp://me:s3cret-value@mail"),
        ("REDIS_URL", "redis://:s3cret-value@redis/0"), ("SOME_OBJECT", '{"key": "s3cret-value"}'),
        ("PUBLIC_BASE_URL", "https://x.example/?t=s3cret-value"), ("BROKEN", "https://[s3cret-value"),
    ],
)  # fmt: skip
def test_a_secret_is_only_reported_to_be_set(monkeypatch, name, value):
    monkeypatch.setattr(configuration, "DECLARED", {name: value})
    [shown] = configuration.settings_shown()
    assert (shown.is_set, shown.is_secret, shown.value) == (True, True, "")


def test_what_is_no_secret_is_shown(monkeypatch):
    monkeypatch.setattr(configuration, "DECLARED", {"PUBLIC_BASE_URL": "https://crm.example", "WEB_WORKERS": ""})
    assert [(one.value, one.is_set) for one in configuration.settings_shown()] == [
        ("https://crm.example", True),
        ("", False),
    ]


@pytest.mark.django_db
def test_the_page_has_every_setting_and_is_for_superusers(client, alice, settings):
    client.force_login(User.objects.create_superuser("root@installation.example", PASSWORD))
    page = client.get("/admin/settings/").content.decode()
    for name in (
        "SECRET_KEY",
        "ENCRYPTION_KEYS",
        "DATABASE_URL",
        "BACKUP_DIR",
        "SIGN_UP_ENABLED",
        "TRUSTED_PROXY_COUNT",
    ):
        assert name in environment.DECLARED
        assert f"<code>{name}</code>" in page
    assert settings.SECRET_KEY not in page
    User.objects.filter(pk=alice.user.pk).update(is_staff=True)
    assert alice.client.get("/admin/settings/").status_code == 403
