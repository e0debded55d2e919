"""Intruders at the ways in: links to new passwords, where a sign-in leads, the admin."""

from __future__ import annotations

import pytest
from django.core import mail
from django.test import Client
from rest_framework.test import APIClient

from accounts.credentials import password_resets, throttle
from accounts.models import Member, Role, User
from activity.models import Event
from core.tenancy import every_organization, organization_scope
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def test_the_link_to_a_new_password_leads_to_the_address_that_the_settings_know(alice, settings):
    settings.ALLOWED_HOSTS, settings.PUBLIC_BASE_URL = [".parley.example"], "https://crm.parley.example"
    Client().post("/forgotten-password/", {"email": alice.user.email}, headers={"host": "evil.parley.example"})
    password_resets.send_due()
    assert "https://crm.parley.example/forgotten-password/" in mail.outbox[0].body
    assert "evil" not in mail.outbox[0].body


def test_letters_that_the_database_takes_for_the_same_are_the_same_account(settings):
    for _ in range(throttle.ACCOUNT.failures):
        throttle.count_failure(email="alice@harbour.example", address="192.0.2.1")
    for email in ("ALICE@HARBOUR.EXAMPLE ", "al\u0131ce@harbour.example"):
        with pytest.raises(throttle.TooManyAttempts):
            throttle.require_allowed(email=email, address="192.0.2.2")


def test_nobody_asks_for_long_which_e_mails_have_an_account(alice):
    form = {"name": "x", "email": alice.user.email, "password": PASSWORD, "organization": "x", "pack": "clinic"}
    assert Client().post("/sign-up/", form).status_code == 200
    answers = [APIClient().post("/api/v1/auth/register", form).status_code for _ in range(throttle.QUESTIONS.failures)]
    assert (answers[0], answers[-1]) == (400, 429)
    assert Client().post("/sign-up/", {**form, "email": "new@harbour.example"}).status_code == 429


def test_a_new_password_given_by_an_administrator_ends_every_sign_in(alice, charlie):
    User.objects.filter(pk=charlie.user.pk).update(is_staff=True, is_superuser=True)
    caller, new = alice.api, "an even calmer harbour"
    answer = charlie.client.post(
        f"/admin/accounts/user/{alice.user.pk}/password/",
        {"password1": new, "password2": new, "usable_password": "true"},
    )
    assert answer.status_code == 302
    assert caller.get("/api/v1/auth/me").status_code == 401
    with every_organization("the test looks at the ledger"):
        assert Event.objects.get(type="user.password_changed").actor_id == str(charlie.user.pk)


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "///evil.example",
        "http:///e",
    ],
)
def test_the_sign_in_leads_to_nobody_elses_page(alice, target):
    answer = Client().post("/sign-in/", {"email": alice.user.email, "password": PASSWORD, "next": target})
    assert (answer.status_code, answer["Location"]) == (302, "/")


@pytest.fixture
def superuser(charlie):
    User.objects.filter(pk=charlie.user.pk).update(is_staff=True, is_superuser=True)
    return charlie.client


def test_the_admin_adds_a_colleague_with_a_role_of_the_same_organization(superuser, alice, charlie):
    dan = User.objects.create_user("dan@harbour.example", PASSWORD)
    with every_organization("the test compares two"):
        ours, theirs = (Role.objects.get(organization=o.organization, key="counselor") for o in (alice, charlie))
    form = {"user": dan.pk, "role": ours.pk, "is_active": "on"}
    assert superuser.post("/admin/accounts/member/add/", form).status_code == 302
    with organization_scope(alice.organization):
        member = Member.objects.get(user=dan)
    assert (member.role, member.organization) == (ours, alice.organization)
    url = f"/admin/accounts/member/{member.pk}/change/"
    assert superuser.post(url, {**form, "role": theirs.pk}).status_code == 200
    assert superuser.post(url, form).status_code == 302
    # Roles and teams are changed where it is checked who may.
    for model in ("team", "role"):
        assert superuser.get(f"/admin/accounts/{model}/").status_code == 200
        assert superuser.get(f"/admin/accounts/{model}/add/").status_code == 403
    assert superuser.post(f"/admin/accounts/role/{ours.pk}/change/", {"name": "x"}).status_code == 403
    assert superuser.post(f"/admin/accounts/role/{ours.pk}/delete/", {"post": "yes"}).status_code == 403


def test_the_last_administrator_stays_in_the_admin_too(superuser, alice, bob):
    url = f"/admin/accounts/member/{alice.member.pk}/change/"
    lowered = {"user": alice.user.pk, "role": bob.member.role.pk, "is_active": "on"}
    gone = {"user": alice.user.pk, "role": alice.member.role.pk}
    for form in (lowered, gone):
        answer = superuser.post(url, form, follow=True)
        assert answer.redirect_chain == [(url, 302)]
        assert "last administrator" in answer.content.decode()
    assert superuser.post(f"/admin/accounts/member/{alice.member.pk}/delete/", {"post": "yes"}).status_code == 403
    assert superuser.post(f"/admin/accounts/user/{alice.user.pk}/delete/", {"post": "yes"}).status_code == 403
    assert superuser.post(url, {**gone, "is_active": "on"}).status_code == 302
