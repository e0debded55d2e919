"""`/auth/*`, as another system calls it."""

from __future__ import annotations

import pytest
from django.test import override_settings
from rest_framework.test import APIClient

from accounts.credentials import tokens
from accounts.members import services as members
from accounts.models import Member, TokenFamily, User
from activity.models import Event
from core.tenancy import every_organization, organization_scope
from tests.conftest import PASSWORD

NEW = {"email": "you@example.com", "password": "ChangeMe123!"}


@pytest.fixture
def anyone():
    return APIClient()


def test_register_gives_a_token_an_organization_and_its_first_administrator(db, anyone):
    answer = anyone.post("/api/v1/auth/register", NEW)
    assert answer.status_code == 201
    body = answer.json()
    assert body["token_type"] == "bearer"
    assert body["expires_in"] == 900
    assert body["user"]["email"] == "you@example.com"
    assert set(body) >= {"access_token", "refresh_token", "organization"}
    anyone.credentials(HTTP_AUTHORIZATION=f"Bearer {body['access_token']}")
    me = anyone.get("/api/v1/auth/me").json()
    assert me["role"] == "admin"
    assert "channels.edit" in me["permissions"]


def test_register_takes_the_pack_and_gives_its_stages(db, anyone):
    body = anyone.post("/api/v1/auth/register", {**NEW, "organization": "Hill School", "pack": "school"}).json()
    assert body["organization"]["pack"] == "school"
    anyone.credentials(HTTP_AUTHORIZATION=f"Bearer {body['access_token']}")
    made = anyone.post("/api/v1/customers", {"name": "A pupil", "stage": "visit_scheduled"})
    assert made.json()["stage"] == "visit_scheduled"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": "no address", "password": "ChangeMe123!"}, "email"),
        ({"email": "a@example.com", "password": "short"}, "password"),
        ({"email": "a@example.com"}, "password"),
        ({**NEW, "pack": "bakery"}, "pack"),
    ],
)
def test_register_names_the_field_that_is_wrong(db, anyone, body, field):
    answer = anyone.post("/api/v1/auth/register", body)
    assert answer.status_code == 400
    assert field in {error["attr"] for error in answer.json()["errors"]}


def test_register_refuses_an_address_that_has_an_account_in_any_case(alice, anyone):
    answer = anyone.post("/api/v1/auth/register", {**NEW, "email": "ALICE@harbour.example"})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"] == "email"


@override_settings(SIGN_UP_ENABLED=False)
def test_register_is_closed_where_sign_up_is_off(db, anyone):
    assert anyone.post("/api/v1/auth/register", NEW).status_code == 403
    assert not User.objects.exists()


def test_login_answers_the_same_for_a_wrong_address_and_a_wrong_password(alice, anyone):
    wrong_password = anyone.post("/api/v1/auth/login", {"email": alice.user.email, "password": "not this one"})
    wrong_address = anyone.post("/api/v1/auth/login", {"email": "nobody@harbour.example", "password": "not this one"})
    assert wrong_password.status_code == wrong_address.status_code == 401
    assert wrong_password.json() == wrong_address.json()
    assert wrong_password.headers["WWW-Authenticate"]


def test_login_is_without_regard_to_case(alice, anyone):
    assert (
        anyone.post("/api/v1/auth/login", {"email": "Alice@Harbour.example", "password": PASSWORD}).status_code == 200
    )


def test_login_slows_down_for_an_account_also_with_the_right_password(alice, anyone):
    for _ in range(5):
        anyone.post("/api/v1/auth/login", {"email": alice.user.email, "password": "guess"})
    answer = anyone.post("/api/v1/auth/login", {"email": alice.user.email, "password": PASSWORD})
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0


def test_login_slows_down_for_an_address_that_tries_many_accounts(alice, anyone):
    for number in range(30):
        anyone.post("/api/v1/auth/login", {"email": f"guess{number}@example.com", "password": "guess"})
    assert anyone.post("/api/v1/auth/login", {"email": alice.user.email, "password": PASSWORD}).status_code == 429
    elsewhere = APIClient(REMOTE_ADDR="203.0.113.9")
    assert elsewhere.post("/api/v1/auth/login", {"email": alice.user.email, "password": PASSWORD}).status_code == 200


def test_a_forged_forwarded_address_does_not_escape_the_slowing(alice):
    for number in range(31):
        APIClient(HTTP_X_FORWARDED_FOR=f"198.51.100.{number}").post(
            "/api/v1/auth/login", {"email": f"guess{number}@example.com", "password": "guess"}
        )
    answer = APIClient(HTTP_X_FORWARDED_FOR="198.51.100.200").post(
        "/api/v1/auth/login", {"email": alice.user.email, "password": PASSWORD}
    )
    assert answer.status_code == 429


def test_refresh_rotates_and_a_spent_token_revokes_the_family(alice, anyone):
    first = tokens.begin(member=alice.member)
    second = anyone.post("/api/v1/auth/refresh", {"refresh_token": first.refresh_token})
    assert second.status_code == 200
    assert anyone.post("/api/v1/auth/refresh", {"refresh_token": first.refresh_token}).status_code == 401
    # The thief's and the owner's tokens end alike.
    assert anyone.post("/api/v1/auth/refresh", {"refresh_token": second.json()["refresh_token"]}).status_code == 401
    anyone.credentials(HTTP_AUTHORIZATION=f"Bearer {second.json()['access_token']}")
    assert anyone.get("/api/v1/auth/me").status_code == 401
    with organization_scope(alice.organization):
        assert Event.objects.filter(type="user.token_reused").count() == 1


def test_an_access_token_is_no_refresh_token_and_the_other_way_round(alice, anyone):
    pair = tokens.begin(member=alice.member)
    assert anyone.post("/api/v1/auth/refresh", {"refresh_token": pair.access_token}).status_code == 401
    anyone.credentials(HTTP_AUTHORIZATION=f"Bearer {pair.refresh_token}")
    assert anyone.get("/api/v1/auth/me").status_code == 401


def test_logout_ends_the_access_token_too(alice, anyone):
    pair = tokens.begin(member=alice.member)
    assert anyone.post("/api/v1/auth/logout", {"refresh_token": pair.refresh_token}).status_code == 204
    anyone.credentials(HTTP_AUTHORIZATION=f"Bearer {pair.access_token}")
    assert anyone.get("/api/v1/auth/me").status_code == 401


def test_logout_with_nonsense_tells_nothing(db, anyone):
    assert anyone.post("/api/v1/auth/logout", {"refresh_token": "nonsense"}).status_code == 204


def test_no_credentials_are_a_401_that_says_how(db, anyone):
    answer = anyone.get("/api/v1/customers")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["type"] == "client_error"


def test_switch_gives_tokens_for_another_own_organization_only(alice, charlie, anyone):
    with organization_scope(charlie.organization):
        Member.objects.create(organization=charlie.organization, user=alice.user, role=charlie.member.role)
    answer = alice.api.post("/api/v1/auth/switch", {"organization": charlie.organization.slug})
    assert answer.json()["organization"]["slug"] == charlie.organization.slug
    assert charlie.api.post("/api/v1/auth/switch", {"organization": alice.organization.slug}).status_code == 404


def test_a_deactivated_member_is_out_at_once(alice, bob):
    caller, browser = bob.api, bob.client
    assert caller.get("/api/v1/auth/me").status_code == 200
    assert browser.get(bob.url("inbox/")).status_code == 200
    with organization_scope(alice.organization):
        members.deactivate(member=bob.member, actor=alice.actor)
    assert caller.get("/api/v1/auth/me").status_code == 401
    assert browser.get(bob.url("inbox/"))["Location"].startswith("/sign-in/")


def test_the_last_administrator_stays(alice, bob):
    with organization_scope(alice.organization), pytest.raises(members.LastAdministrator):
        members.deactivate(member=alice.member, actor=alice.actor)


def test_tokens_are_nowhere_in_the_database(alice):
    pair = tokens.begin(member=alice.member)
    with every_organization("a look at all rows"):
        stored = str(list(TokenFamily.objects.values()))
    assert pair.access_token not in stored
    assert pair.refresh_token not in stored
