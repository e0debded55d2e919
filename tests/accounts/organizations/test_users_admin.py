"""Users in the admin: seen with their organizations, shut out by the services, and never the last superuser."""

from __future__ import annotations

import pytest
from django.core import mail

from accounts.credentials import password_resets, tokens
from accounts.members.services import LastAdministrator
from accounts.models import Member, User
from accounts.operation import users
from accounts.organizations import services as organizations
from accounts.organizations.life import OperatorsOnly
from activity.actor import Actor
from activity.models import Event
from core.tenancy import every_organization, organization_scope
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
AT = "/admin/accounts/user/"


@pytest.fixture
def root():
    return User.objects.create_superuser("root@installation.example", PASSWORD)


@pytest.fixture
def operator(root):
    return Actor.for_user(root)


@pytest.fixture
def admin(client, root):
    client.force_login(root)
    return client


def act(admin, action, *people):
    chosen = {"action": action, "_selected_action": [who.user.pk for who in people]}
    return admin.post(AT, chosen, follow=True).content.decode()


def access(user):
    return User.objects.values_list("is_active", "is_staff", "is_superuser").get(pk=user.pk)


def test_the_last_superuser_stays(root, operator, alice):
    for change in ({"is_active": False, "is_superuser": True}, {"is_active": True, "is_superuser": False}):
        with pytest.raises(users.LastSuperuser):
            users.set_access(user=root, actor=operator, is_staff=True, **change)
    assert access(root) == (True, True, True)
    users.set_access(user=alice.user, actor=operator, is_active=True, is_staff=False, is_superuser=True)
    assert access(alice.user) == (True, True, True)
    users.set_access(user=root, actor=operator, is_active=True, is_staff=False, is_superuser=False)
    assert access(root) == (True, False, False)
    with pytest.raises(OperatorsOnly):
        users.set_access(user=alice.user, actor=operator, is_active=True, is_staff=True, is_superuser=True)


def test_by_the_form_too(root, admin, alice):
    form = {"email": root.email, "name": "", "is_active": "on", "is_staff": "on"}
    assert "last active superuser" in admin.post(f"{AT}{root.pk}/change/", form, follow=True).content.decode()
    assert access(root) == (True, True, True)
    form = {"email": alice.user.email, "name": "Alice Hart-Low", "is_active": "on", "is_superuser": "on"}
    assert admin.post(f"{AT}{alice.user.pk}/change/", form).status_code == 302
    assert access(alice.user) == (True, True, True)
    assert User.objects.get(pk=alice.user.pk).name == "Alice Hart-Low"


def test_shut_out_of_every_organization_or_of_none(alice, bob, charlie, operator):
    with organization_scope(charlie.organization):
        organizations.add_member(
            organization=charlie.organization, user=bob.user, role_key="counselor", actor=charlie.actor
        )
    page, api = bob.client, bob.api
    users.deactivate_everywhere(user=bob.user, actor=operator)
    with every_organization("the test looks"):
        assert set(Member.objects.filter(user=bob.user).values_list("is_active", flat=True)) == {False}
    assert page.get(bob.url("")).status_code == 302
    assert api.get("/api/v1/customers").status_code == 401
    # Whom an organization needs stays, there and everywhere.
    with pytest.raises(LastAdministrator):
        users.deactivate_everywhere(user=alice.user, actor=operator)
    assert access(alice.user)[0]
    with organization_scope(alice.organization):
        assert Member.objects.get(user=alice.user).is_active


def test_what_is_done_with_several(admin, alice, bob, mona):
    tokens.begin(member=bob.member)
    assert "sign-in" in act(admin, "end_sign_ins", bob)
    assert bob.api.get("/api/v1/customers").status_code == 200
    assert "1 person is sent a link" in act(admin, "send_password_link", bob)
    password_resets.send_due()
    assert [message.to for message in mail.outbox] == [[bob.user.email]]
    page = act(admin, "deactivate", alice, bob, mona)
    assert "last administrator" in page
    assert "2 people are deactivated" in page
    assert (access(alice.user)[0], access(bob.user)[0]) == (True, False)


@pytest.mark.parametrize("people", [1, 12])
def test_the_list_takes_the_same_queries(admin, alice, people, django_assert_max_num_queries):
    for number in range(people):
        user = User.objects.create_user(f"p{number}@harbour.example", PASSWORD)
        with organization_scope(alice.organization):
            organizations.add_member(
                organization=alice.organization, user=user, role_key="counselor", actor=alice.actor
            )
    with django_assert_max_num_queries(7):
        page = admin.get(AT).content
    assert b"Harbour Clinic" in page


def recorded(person, kind):
    with organization_scope(person.organization):
        root = User.objects.get(email="root@installation.example")
        rows = Event.objects.filter(type=kind, actor_id=str(root.pk)).order_by("pk")
        return [(row.subject_id, row.payload) for row in rows]


def test_a_name_and_an_address_that_the_form_changes_stand_in_each_log(admin, alice, bob, charlie):
    with organization_scope(charlie.organization):
        other = organizations.add_member(
            organization=charlie.organization, user=bob.user, role_key="counselor", actor=charlie.actor
        )
    page = f"{AT}{bob.user.pk}/change/"
    data = {"email": bob.user.email, "name": "Robert Reyes", "is_active": "on"}
    assert admin.post(page, data).status_code == 302
    for person, member in ((alice, bob.member), (charlie, other)):
        assert recorded(person, "member.profile_changed") == [(str(member.pk), {"fields": ["name"]})]
    assert admin.post(page, {**data, "email": "robert@harbour.example"}).status_code == 302
    assert [pk for pk, _ in recorded(alice, "member.email_changed")] == [str(bob.member.pk)]
    assert len(recorded(alice, "member.profile_changed")) == 1, "the name was not changed again"
    assert User.objects.get(pk=bob.user.pk).email == "robert@harbour.example"
