"""Settings → Directory."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.members import services as members
from accounts.models import Member, Role, ScimConnection, ScimGroup, Team
from accounts.permissions import CATALOG
from accounts.roles import services as roles
from activity.actor import SYSTEM
from core.tenancy import every_organization, organization_scope
from tests.accounts.factors import recently
from tests.accounts.roles.test_roles_views import form_in
from tests.accounts.scim.conftest import Directory, connect

pytestmark = pytest.mark.django_db
PAGE, FORM, TOKEN = "settings/directory/", "settings/directory/edit/", "settings/directory/token/"
ROTATE, OFF = "settings/directory/token/new/", "settings/directory/turn-off/"


def saved() -> ScimConnection:
    with every_organization("a test looks everywhere"):
        return ScimConnection.objects.select_related("role", "organization").get()


def token_on(browser, person) -> str:
    page = browser.get(person.url(TOKEN)).content.decode()
    return re.search(r"scim_[\w-]{43}", page)[0]


def test_an_administrator_connects_a_directory(alice):
    browser = recently(alice)
    assert "No directory is connected" in browser.get(alice.url(PAGE)).content.decode()
    data = form_in(browser.get(alice.url(FORM))).data(name="Entra ID")
    assert browser.post(alice.url(FORM), data).url == alice.url(TOKEN)
    made = saved()
    # The least is what is chosen unless somebody says otherwise.
    assert (made.name, made.role.key, made.maps_groups) == ("Entra ID", "counselor", True)
    token = token_on(browser, alice)
    assert token_on(browser, alice) == token
    assert Directory(made, token).get("/Users").status_code == 200
    assert browser.post(alice.url(TOKEN)).url == alice.url(PAGE)
    assert browser.get(alice.url(TOKEN)).url == alice.url(PAGE)
    page = browser.get(alice.url(PAGE)).content.decode()
    assert token not in page
    assert "/scim/v2" in page


def test_the_token_is_shown_to_nobody_else(alice, mona):
    with organization_scope(alice.organization):
        members.change(member=mona.member, actor=alice.actor, role=alice.member.role)
    browser = recently(alice)
    browser.post(alice.url(FORM), form_in(browser.get(alice.url(FORM))).data(name="Okta"))
    assert recently(mona).get(mona.url(TOKEN)).status_code == 302


def test_it_is_changed_renewed_and_turned_off(alice, okta):
    browser = recently(alice)
    data = form_in(browser.get(alice.url(FORM))).data(name="Okta EU")
    data.pop("maps_groups")
    assert browser.post(alice.url(FORM), data).status_code == 302
    assert (saved().name, saved().maps_groups) == ("Okta EU", False)
    assert "stays good for a day" in browser.get(alice.url(ROTATE)).content.decode()
    browser.post(alice.url(ROTATE))
    token = token_on(browser, alice)
    assert okta.get("/Users").status_code == Directory(okta.connection, token).get("/Users").status_code == 200
    assert "Members and teams stay" in browser.get(alice.url(OFF)).content.decode()
    browser.post(alice.url(OFF))
    assert Directory(okta.connection, token).get("/Users").status_code == 401
    page = browser.get(alice.url(PAGE)).content.decode()
    assert "Turn on…" in page
    assert "Turn “Okta EU” on again?" in browser.get(alice.url(ROTATE)).content.decode()


def test_the_page_says_what_went_wrong_and_whose_word_is_missing(alice, mona, okta):
    okta.user("nonsense")
    assert "emails is required" in recently(alice).get(alice.url(PAGE)).content.decode()
    with organization_scope(alice.organization):
        members.change(member=mona.member, actor=SYSTEM, role=alice.member.role)
        members.change(member=alice.member, actor=SYSTEM, role=Role.objects.get(key="counselor"))
    assert "Nobody new comes in" in recently(mona).get(mona.url(PAGE)).content.decode()


def test_who_it_is_is_asked_first(alice, okta):
    for address in (FORM, ROTATE, OFF):
        assert alice.client.post(alice.url(address)).url.startswith("/account/confirm/")
    assert saved().is_enabled


def test_less_than_everything_is_not_enough(alice, bob, okta):
    assert bob.client.get(bob.url(PAGE)).status_code == 403
    with organization_scope(alice.organization):
        almost = roles.create(
            organization=alice.organization, by=alice.member, actor=alice.actor, name="Almost",
            permissions=sorted(CATALOG - {"audit.export"}), reach="all",
        )  # fmt: skip
        members.change(member=bob.member, actor=alice.actor, role=almost)
    browser = recently(bob)
    assert "Only an administrator connects" in browser.get(bob.url(PAGE)).content.decode()
    for address in (FORM, ROTATE, OFF):
        assert browser.get(bob.url(address)).status_code == 403
        assert browser.post(bob.url(address)).status_code == 403


def test_nobody_becomes_an_administrator_by_it(alice, okta):
    browser = recently(alice)
    with organization_scope(alice.organization):
        admin = Role.objects.get(key="admin")
    data = form_in(browser.get(alice.url(FORM))).data()
    answer = browser.post(alice.url(FORM), {**data, "role": str(admin.pk)})
    assert (answer.status_code, bool(answer.context["form"].errors["role"])) == (422, True)


def test_the_subject_is_asked_about_only_where_there_is_a_provider(alice, okta):
    assert "binds_sign_in" not in recently(alice).get(alice.url(FORM)).content.decode()


def test_and_there_it_can_be_chosen(alice, provider):
    connect(alice)
    browser = recently(alice)
    data = form_in(browser.get(alice.url(FORM))).data(binds_sign_in="on")
    assert browser.post(alice.url(FORM), data).status_code == 302
    assert saved().binds_sign_in


def test_what_somebody_else_changed_is_asked_about(alice, okta):
    browser = recently(alice)
    data = form_in(browser.get(alice.url(FORM))).data(name="Office")
    with every_organization("a test changes it meanwhile"):
        ScimConnection.objects.update(name="Desk")
    assert browser.post(alice.url(FORM), data).status_code == 422
    assert saved().name == "Desk"


def test_another_organization_sees_none_of_it(charlie, okta):
    assert "No directory is connected" in charlie.client.get(charlie.url(PAGE)).content.decode()
    assert charlie.client.get(f"/o/{okta.connection.organization.slug}/{PAGE}").status_code == 404
    for address in (TOKEN, ROTATE, OFF):
        assert recently(charlie).get(charlie.url(address)).status_code == 404
    assert Client().get(charlie.url(PAGE)).status_code == 302


def group_page(person, directory, name="Nurses"):
    team = directory.group(name).json()["id"]
    with organization_scope(person.organization):
        return f"settings/directory/groups/{ScimGroup.objects.get(team=team).pk}/"


def test_a_group_gives_a_role(alice, bob, okta):
    page = group_page(alice, okta)
    with organization_scope(alice.organization):
        manager = Role.objects.get(key="manager")
        Team.objects.get(name="Nurses").members.add(bob.member)
    browser = recently(alice)
    listed = browser.get(alice.url(PAGE)).content.decode()
    assert alice.url(page) in listed
    assert "no role" in listed
    shown = browser.get(alice.url(page))
    assert "1 person is in this group" in shown.content.decode()
    assert "Administrator" not in shown.content.decode().split("<form class")[-1]
    answer = browser.post(alice.url(page), form_in(shown).data(role=str(manager.pk)), follow=True)
    assert "1 person has another role" in answer.content.decode()
    with organization_scope(alice.organization):
        assert Member.objects.get(pk=bob.member.pk).role_id == manager.pk
    assert "Manager" in browser.get(alice.url(PAGE)).content.decode().split("Groups and roles")[1]
    refused = browser.post(alice.url(page), form_in(browser.get(alice.url(page))).data(role="x"))
    assert (refused.status_code, bool(refused.context["form"].errors["role"])) == (422, True)


def test_the_groups_take_the_same_queries_for_one_and_many(alice, okta):
    browser = recently(alice)
    group_page(alice, okta)

    def asked() -> int:
        browser.get(alice.url(PAGE))
        with CaptureQueriesContext(connection) as queries:
            browser.get(alice.url(PAGE))
        return len(queries)

    few = asked()
    for number in range(5):
        okta.group(f"Ward {number}")
    assert asked() == few


def test_who_changes_a_group_is_an_administrator_who_confirmed_who_they_are(alice, bob, charlie, okta):
    page = group_page(alice, okta)
    assert alice.client.post(alice.url(page)).url.startswith("/account/confirm/")
    assert bob.client.get(bob.url(page)).status_code == 403
    assert recently(charlie).get(charlie.url(page)).status_code == 404
    assert charlie.client.get(alice.url(page)).status_code == 404
