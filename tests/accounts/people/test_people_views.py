"""Settings → People."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.invitations import services as invitations
from accounts.members import services as members
from accounts.models import Invitation, Member, Role, Team
from core.tenancy import organization_scope
from tests.accounts.factors import set_up
from tests.accounts.members.test_members import hire
from tests.conftest import Person, join
from tests.pages import forms_of

pytestmark = pytest.mark.django_db
PEOPLE = "settings/people/"


def words(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def invite(alice: Person, *emails: str) -> None:
    with organization_scope(alice.organization):
        role = Role.objects.get(key="counselor")
        invitations.invite(organization=alice.organization, emails=emails, role=role, actor=alice.actor)


def rows(answer: Any) -> list[str]:
    return [person.user.name for person in answer.context["page"].object_list]


class TestTheList:
    def test_it_is_searched_and_filtered_by_its_address(self, alice, bob, mona, charlie):
        browser = alice.client
        assert rows(browser.get(alice.url(PEOPLE))) == ["Alice Hart", "Bob Reyes", "Mona Lind"]
        assert rows(browser.get(alice.url(PEOPLE), {"search": "reyes"})) == ["Bob Reyes"]
        assert rows(browser.get(alice.url(PEOPLE), {"role": "manager"})) == ["Mona Lind"]
        with organization_scope(alice.organization):
            members.deactivate(member=bob.member, actor=alice.actor)
            members.remove(member=mona.member, actor=alice.actor)
        assert rows(browser.get(alice.url(PEOPLE), {"status": "inactive"})) == ["Bob Reyes"]
        nobody = browser.get(alice.url(PEOPLE), {"search": "reyes", "status": "active", "page": "x"})
        assert "Nobody matches" in words(nobody)

    def test_it_is_in_the_settings_of_who_may(self, alice, bob, mona):
        for person, status in ((alice, 200), (mona, 200), (bob, 403)):
            assert person.client.get(person.url(PEOPLE)).status_code == status
            assert (person.url(PEOPLE) in words(person.client.get(person.url("settings/")))) == (status == 200)
        assert "/invite/" not in words(mona.client.get(mona.url(PEOPLE)))

    def test_the_same_number_of_queries_for_one_and_many(self, alice):
        def asked(path: str) -> int:
            with CaptureQueriesContext(connection) as queries:
                assert browser.get(alice.url(path)).status_code == 200
            return len(queries)

        browser = alice.client
        invite(alice, "first@new.example")
        paths = (PEOPLE, f"{PEOPLE}invitations/")
        few = [asked(path) for path in paths]
        for number in range(15):
            join(alice, f"p{number}@harbour.example", f"P {number}", "counselor")
        invite(alice, *(f"p{number}@new.example" for number in range(15)))
        assert [asked(path) for path in paths] == few
        assert max(few) <= 12

    def test_it_is_paged(self, alice, monkeypatch):
        monkeypatch.setattr("accounts.people.views.PAGE_SIZE", 2)
        for number in range(3):
            join(alice, f"p{number}@harbour.example", f"P {number}", "counselor")
        first = alice.client.get(alice.url(PEOPLE), {"role": ""})
        assert first.context["next"] == "?page=2"
        assert rows(alice.client.get(alice.url(PEOPLE) + first.context["next"])) == ["P 1", "P 2"]


class TestInviting:
    def form(self, alice: Person, **changes: Any) -> dict[str, Any]:
        with organization_scope(alice.organization):
            role = Role.objects.get(key="counselor").pk
        return {"emails": "nora@new.example, otto@new.example\nbob@harbour.example", "role": role, "days": 7, **changes}

    def test_several_at_once_each_with_its_result(self, alice, bob):
        answer = alice.client.post(alice.url(f"{PEOPLE}invite/"), self.form(alice), follow=True)
        shown = words(answer)
        assert "Invited: nora@new.example, otto@new.example." in shown
        assert "A member already: bob@harbour.example." in shown
        with organization_scope(alice.organization):
            assert Invitation.objects.count() == 2

    @pytest.mark.parametrize(
        ("field", "value"), [("emails", "nora@new.example nobody"), ("emails", ""), ("role", "x"), ("days", "999")]
    )
    def test_what_is_wrong_stands_at_its_field_and_nobody_is_invited(self, alice, field, value):
        answer = alice.client.post(alice.url(f"{PEOPLE}invite/"), self.form(alice, **{field: value}))
        assert list(answer.context["form"].errors) == [field]
        with organization_scope(alice.organization):
            assert not Invitation.objects.exists()

    def test_only_roles_and_teams_that_one_may_give_are_offered(self, alice, bob, mona):
        hana = hire(alice, {"users.create", "users.view"})
        form = hana.client.get(alice.url(f"{PEOPLE}invite/")).context["form"]
        assert [label for _, label in form.fields["role"].choices] == ["Role of Hana"]

    def test_again_and_revoked(self, alice, charlie):
        invite(alice, "nora@new.example")
        with organization_scope(alice.organization):
            made = Invitation.objects.get()
        url = alice.url(f"{PEOPLE}invitations/{made.pk}/")
        assert "nora@new.example" in words(alice.client.get(alice.url(f"{PEOPLE}invitations/")))
        assert "gets a new link" in words(alice.client.post(f"{url}resend/", follow=True))
        assert "was revoked" in words(alice.client.post(f"{url}revoke/", follow=True))
        assert "accepted or revoked meanwhile" in words(alice.client.post(f"{url}resend/", follow=True))
        other = charlie.url(f"{PEOPLE}invitations/{made.pk}/revoke/")
        assert charlie.client.post(other).status_code == 404


class TestAMember:
    def url(self, person: Person, path: str = "") -> str:
        return person.url(f"{PEOPLE}{person.member.pk}/{path}")

    def sent(self, browser: Any, url: str, **changes: Any) -> Any:
        (form,) = (form for form in forms_of(browser.get(url).content.decode()) if "role" in form.names())
        return browser.post(url, {**form.data(), **changes}, follow=True)

    def test_role_and_teams_are_changed(self, alice, bob, mona, inside):
        night = Team.objects.create(organization=inside, name="Night")
        manager = Role.objects.get(key="manager")
        answer = self.sent(alice.client, self.url(bob), role=manager.pk, teams=[night.pk])
        assert "Saved." in words(answer)
        now = Member.objects.get(pk=bob.member.pk)
        assert (now.role, list(now.teams.all())) == (manager, [night])

    def test_what_somebody_else_changed_meanwhile_is_not_written_over(self, alice, bob, inside):
        browser, url = alice.client, self.url(bob)
        (form,) = (form for form in forms_of(browser.get(url).content.decode()) if "role" in form.names())
        manager, admin = Role.objects.get(key="manager"), Role.objects.get(key="admin")
        members.change(member=bob.member, actor=alice.actor, role=manager)
        answer = browser.post(url, {**form.data(), "role": admin.pk})
        assert "was changed by somebody else meanwhile" in words(answer)
        assert Member.objects.get(pk=bob.member.pk).role == manager

    def test_what_the_service_refuses_stands_in_the_form(self, alice, inside):
        answer = self.sent(alice.client, self.url(alice), role=Role.objects.get(key="manager").pk)
        assert "last administrator" in words(answer)

    def test_who_is_above_is_shown_without_a_form(self, alice, mona, bob):
        hana = hire(alice, {"users.view", "users.edit", "users.delete"})
        url = self.url(mona)
        page = hana.client.get(url)
        assert page.context["form"] is None
        assert "may do more than you may" in words(page)
        with organization_scope(alice.organization):
            given = {"role": hana.member.role_id}
        hana.client.post(url, given)
        hana.client.post(self.url(mona, "deactivate/"))
        mona.member.refresh_from_db()
        assert (mona.member.is_active, mona.member.role.key) == (True, "manager")

    def test_deactivating_asks_says_what_ends_and_can_be_undone(self, alice, bob, inside):
        caller = bob.api
        question = words(alice.client.get(self.url(bob, "deactivate/")))
        assert "Deactivate Bob Reyes?" in question
        assert "1 sign-in of an app: ended for good" in question
        assert "Bob Reyes is out." in words(alice.client.post(self.url(bob, "deactivate/"), follow=True))
        assert caller.get("/api/v1/auth/me").status_code == 401
        assert "can sign in again" in words(alice.client.post(self.url(bob, "reactivate/"), follow=True))
        assert Member.objects.get(pk=bob.member.pk).is_active

    def test_removing_asks_and_takes_the_member_off_the_list(self, alice, bob, mona, inside):
        assert "They leave 1 team." in words(alice.client.get(self.url(bob, "remove/")))
        answer = alice.client.post(self.url(bob, "remove/"), follow=True)
        assert rows(answer) == ["Alice Hart", "Mona Lind"]
        assert alice.client.get(self.url(bob)).status_code == 404

    def test_oneself_is_refused(self, alice):
        join(alice, "nora@harbour.example", "Nora", "admin")
        assert "can’t shut yourself out" in words(alice.client.post(self.url(alice, "deactivate/"), follow=True))
        assert "This is you." in words(alice.client.get(self.url(alice)))

    def test_who_may_look_sees_no_buttons_and_changes_nothing(self, alice, bob, mona):
        page = mona.client.get(self.url(bob))
        assert (page.status_code, page.context["form"]) == (200, None)
        for path in ("", "deactivate/", "reactivate/", "remove/"):
            assert mona.client.post(self.url(bob, path)).status_code == 403

    def test_of_another_organization_there_is_nobody(self, alice, bob, charlie):
        for path in ("", "deactivate/", "remove/"):
            assert charlie.client.get(charlie.url(f"{PEOPLE}{bob.member.pk}/{path}")).status_code == 404


class TestSecondFactors:
    def test_the_list_shows_who_has_one_and_is_filtered_by_it(self, alice, bob):
        set_up(bob)
        browser = alice.client
        assert rows(browser.get(alice.url(PEOPLE), {"factor": "yes"})) == ["Bob Reyes"]
        assert rows(browser.get(alice.url(PEOPLE), {"factor": "no"})) == ["Alice Hart"]
        assert "Nobody matches" in words(browser.get(alice.url(PEOPLE), {"factor": "yes", "search": "hart"}))

    def test_it_is_reset_after_a_question_by_who_may(self, alice, bob, mona, charlie):
        set_up(bob)
        page = alice.url(f"{PEOPLE}{bob.member.pk}/second-factor/")
        assert mona.client.post(page).status_code == 403
        assert charlie.client.post(page).status_code == 404
        assert "Reset the second factor of Bob Reyes?" in words(alice.client.get(page))
        assert alice.client.post(page).status_code == 302
        bob.user.refresh_from_db()
        assert not bob.user.has_second_factor


class TestAddingSomebody:
    def test_the_password_is_shown_once_to_who_did_it_and_is_changed_first(self, alice, bob):
        browser = alice.client
        page = alice.url(f"{PEOPLE}new/")
        form = browser.get(page).context["form"]
        role = next(key for key, name in form.fields["role"].choices if name == "Counselor")
        given = {"name": "Nora Finn", "email": "nora@new.example", "role": role}
        answer = browser.post(page, given)
        shown = browser.get(answer.url)
        password = shown.context["password"]
        assert password in words(browser.get(answer.url))  # a reload shows it again
        assert alice.client.get(answer.url).status_code == 302  # another session of the same person does not
        browser.post(answer.url)
        assert browser.get(answer.url).status_code == 302
        nora = Client()
        nora.post("/sign-in/", {"email": "nora@new.example", "password": password})
        assert nora.get(alice.url("inbox/")).url.startswith("/account/new-password/")

    def test_what_is_wrong_stands_at_its_field(self, alice, bob, mona, charlie):
        page = alice.url(f"{PEOPLE}new/")
        form = alice.client.get(page).context["form"]
        role = next(key for key, name in form.fields["role"].choices if name == "Counselor")
        given = {"name": "N", "email": "n@new.example", "role": role}
        for change, field in (({"password": "short"}, "password"), ({"email": charlie.user.email}, "email")):
            assert alice.client.post(page, {**given, **change}).context["form"].errors[field]
        assert "member already" in words(alice.client.post(page, {**given, "email": bob.user.email}))
        assert mona.client.get(page).status_code == 403
