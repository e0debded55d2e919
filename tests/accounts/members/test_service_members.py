"""Service members: they act by keys, and are nobody whom anything else lets in."""

from __future__ import annotations

import pytest
from django.core import mail
from django.test import Client
from rest_framework.test import APIClient

from accounts import grants
from accounts.credentials import notices, password_resets
from accounts.members import service_members
from accounts.members import services as members
from accounts.models import Member, Role, SecurityNotice
from core.refused import Invalid
from core.tenancy import organization_scope
from tests.accounts.hiring import hire
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def inside(alice):
    with organization_scope(alice.organization):
        yield


def make(by, role="counselor", name="Website"):
    role = Role.objects.get(key=role)
    return service_members.create(organization=by.organization, name=name, role=role, actor=by.actor)


def test_it_can_not_sign_in_whatever_password_somebody_sets(alice):
    service = make(alice)
    assert not service.user.has_usable_password()
    service.user.set_password(PASSWORD)
    service.user.save()
    login = {"email": service.user.email, "password": PASSWORD}
    assert APIClient().post("/api/v1/auth/login", login).status_code == 401
    assert Client().post("/sign-in/", login).status_code == 200
    browser = Client()
    browser.force_login(service.user)
    assert browser.get(alice.url("customers/")).status_code == 404


def test_it_gets_no_mail(alice):
    service = make(alice)
    notices.notify(user=service.user, kind=SecurityNotice.Kind.NEW_DEVICE)
    password_resets.ask(email=service.user.email, address="192.0.2.1")
    password_resets.send_due()
    notices.send_due()
    assert mail.outbox == []


def test_it_is_no_administrator_to_rely_on(alice):
    make(alice, role="admin")
    with pytest.raises(members.LastAdministrator):
        members.change(member=alice.member, actor=alice.actor, role=Role.objects.get(key="manager"))


def test_nobody_makes_one_that_may_do_more_than_they(alice, bob):
    hana = hire(alice, {"users.create", "customers.view"})
    with pytest.raises(grants.BeyondOwn):
        make(hana)
    with pytest.raises(grants.NotPermitted):
        make(bob)
    for name in ("", "x" * 81):
        with pytest.raises(Invalid):
            make(alice, name=name)


def test_it_is_listed_as_a_service(alice):
    body = {"name": "Website", "role": "counselor"}
    made = alice.api.post("/api/v1/admin/users/services", body, format="json")
    assert (made.status_code, made.json()["is_service"]) == (201, True)
    assert Member.objects.get(user_id=made.json()["id"]).user.name == "Website"
    page = alice.client.get(alice.url("settings/people/")).content.decode()
    assert "Service" in page
    assert service_members.DOMAIN not in page


def test_the_page_makes_one(alice, bob):
    assert bob.client.get(alice.url("settings/people/services/new/")).status_code == 403
    form = {"name": "Website", "role": str(Role.objects.get(key="counselor").pk)}
    answer = alice.client.post(alice.url("settings/people/services/new/"), form, follow=True)
    assert "acts by API keys alone" in answer.content.decode()
