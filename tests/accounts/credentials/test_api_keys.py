from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.credentials import api_keys
from accounts.models import APIKey
from activity.models import Event
from core.tenancy import every_organization, organization_scope


def with_key(secret: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_X_API_KEY=secret)
    return client


@pytest.fixture
def issue(alice):
    def make(**fields):
        with organization_scope(alice.organization):
            return api_keys.issue(member=alice.member, name="Website", actor=alice.actor, **fields)

    return make


def test_a_key_opens_its_organization_and_acts_under_its_own_name(issue, alice):
    _, secret = issue()
    answer = with_key(secret).post("/api/v1/customers", {"name": "From the website"})
    assert answer.status_code == 201
    with organization_scope(alice.organization):
        event = Event.objects.get(type="customer.created")
    assert (event.actor_kind, event.actor_label) == ("api_key", "Website (Alice Hart)")


def test_only_the_hash_is_kept(issue):
    _, secret = issue()
    with every_organization("a look at all rows"):
        assert secret not in str(list(APIKey.objects.values()))


@pytest.mark.parametrize("end", ["revoked", "expired", "unknown"])
def test_a_key_that_is_not_good_any_more_is_a_401(issue, alice, end):
    key, secret = issue(expires_at=timezone.now() - timedelta(seconds=1) if end == "expired" else None)
    if end == "revoked":
        with organization_scope(alice.organization):
            api_keys.revoke(key=key, actor=alice.actor)
    assert with_key(secret if end != "unknown" else secret + "x").get("/api/v1/customers").status_code == 401


def test_scopes_narrow_what_a_key_may(issue):
    _, secret = issue(scopes=["customers.view"])
    assert with_key(secret).get("/api/v1/customers").status_code == 200
    assert with_key(secret).post("/api/v1/customers", {"name": "No"}).status_code == 403


def test_nobody_grants_what_they_do_not_have(bob, alice):
    with organization_scope(alice.organization), pytest.raises(api_keys.UnknownScope, match=r"channels\.edit"):
        api_keys.issue(member=bob.member, name="Too much", actor=bob.actor, scopes=["channels.edit"])


def test_the_command_makes_a_key_and_shows_it_once(alice, capsys):
    call_command("make_api_key", alice.organization.slug, alice.user.email, "Website", scope=["customers.view"])
    secret = capsys.readouterr().out.strip()
    assert with_key(secret).get("/api/v1/customers").status_code == 200
    assert with_key(secret).post("/api/v1/customers", {"name": "No"}).status_code == 403


@pytest.mark.parametrize("email", ["nobody@harbour.example", "charlie@elsewhere.example"])
def test_the_command_makes_no_key_for_a_stranger(alice, charlie, email):
    with pytest.raises(CommandError, match="no active member"):
        call_command("make_api_key", alice.organization.slug, email, "Website")
