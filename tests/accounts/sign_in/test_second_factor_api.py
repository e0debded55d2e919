"""`POST /auth/login` with a second factor, and calls of who has something to do first."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from accounts.credentials import api_keys, throttle, tokens
from accounts.models import Organization, SecurityNotice, TokenFamily, User
from core.tenancy import every_organization, organization_scope
from tests.accounts.factors import code_of, set_up
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def login(person, **body):
    return APIClient().post("/api/v1/auth/login", {"email": person.user.email, "password": PASSWORD, **body})


def code(answer) -> str:
    return str(answer.json()["errors"][0]["code"])


def test_no_tokens_without_a_code(bob):
    set_up(bob)
    answer = login(bob)
    assert (answer.status_code, code(answer)) == (401, "otp_required")
    answer = login(bob, otp="000000")
    assert (answer.status_code, code(answer)) == (401, "otp_invalid")
    right = code_of(bob)
    assert login(bob, otp=right).status_code == 200
    assert code(login(bob, otp=right)) == "otp_invalid"


def test_a_wrong_password_says_the_same_whether_there_is_a_second_factor(bob, alice):
    set_up(bob)
    answers = [login(person, password="wrong", otp="123456") for person in (bob, alice)]
    assert answers[0].json() == answers[1].json()


def test_a_recovery_code_is_a_code(bob):
    codes = set_up(bob)
    assert login(bob, otp=codes[0]).status_code == 200
    assert login(bob, otp=codes[0]).status_code == 401


def test_guesses_are_slowed(bob):
    set_up(bob)
    for _ in range(throttle.PAIR.failures):
        assert login(bob, otp="000000").status_code == 401
    assert login(bob, otp=code_of(bob)).status_code == 429


def test_where_it_is_required_tokens_are_refused_until_it_is_set_up_and_keys_go_on(alice, bob):
    with every_organization("the test decides"):
        Organization.objects.filter(pk=alice.organization.pk).update(requires_second_factor=True)
    with organization_scope(alice.organization):
        _, secret = api_keys.issue(member=bob.member, name="Site", actor=alice.actor)
    caller, page = bob.api, bob.client
    for refused in (caller.get("/api/v1/customers"), page.get("/api/v1/customers")):
        assert (refused.status_code, code(refused)) == (403, "second_factor_required")
    assert caller.get("/api/v1/auth/me").status_code == 200
    assert APIClient(headers={"X-API-Key": secret}).get("/api/v1/customers").status_code == 200
    set_up(bob)
    assert caller.get("/api/v1/customers").status_code == 200


def test_a_password_that_somebody_else_chose_gives_no_tokens(bob):
    caller = bob.api
    User.objects.filter(pk=bob.user.pk).update(must_change_password=True)
    answer = login(bob)
    assert (answer.status_code, code(answer)) == (403, "password_change_required")
    assert code(login(bob, password="wrong")) == "authentication_failed"
    for path in ("customers", "auth/me"):
        assert code(caller.get(f"/api/v1/{path}")) == "password_change_required"


def test_a_family_says_by_which_program_and_a_new_one_is_reported(bob):
    User.objects.filter(pk=bob.user.pk).update(last_login="2026-01-01T00:00Z")
    for agent in ("first/1", "first/1", "second/2"):
        APIClient(headers={"User-Agent": agent}).post(
            "/api/v1/auth/login", {"email": bob.user.email, "password": PASSWORD}
        )
    with every_organization("a look at what was made"):
        assert list(TokenFamily.objects.order_by("created_at").values_list("user_agent", flat=True)) == [
            "first/1", "first/1", "second/2",
        ]  # fmt: skip
    assert [row.details["device"] for row in SecurityNotice.objects.order_by("pk")] == ["first/1", "second/2"]
    refreshed = tokens.begin(member=bob.member)
    tokens.refresh(token=refreshed.refresh_token)
    with every_organization("a look at what was made"):
        assert TokenFamily.objects.filter(last_used_at__isnull=False).count() == 1
