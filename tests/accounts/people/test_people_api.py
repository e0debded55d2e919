"""`/admin/users` and `/admin/invitations`."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.credentials import api_keys, throttle
from accounts.models import Invitation, Member, Role, Team, User
from core.tenancy import organization_scope
from tests.accounts.factors import set_up
from tests.accounts.hiring import hire
from tests.conftest import PASSWORD, Person, join

pytestmark = pytest.mark.django_db
USERS, INVITATIONS = "/api/v1/admin/users", "/api/v1/admin/invitations"


def names(answer: Any) -> list[str]:
    return [row["name"] for row in answer.json()["results"]]


def one(person: Person) -> str:
    return f"{USERS}/{person.user.pk}"


def wrong(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["errors"][0]["attr"]


class TestUsers:
    def test_the_list_is_searched_and_filtered(self, alice, bob, mona, tom, charlie):
        api = alice.api
        assert names(api.get(USERS)) == ["Alice Hart", "Bob Reyes", "Mona Lind", "Tom Okafor"]
        assert names(api.get(USERS, {"search": "reyes HARBOUR"})) == ["Bob Reyes"]
        assert names(api.get(USERS, {"role": "counselor"})) == ["Bob Reyes", "Tom Okafor"]
        api.patch(one(bob), {"status": "inactive"})
        assert names(api.get(USERS, {"status": "inactive"})) == ["Bob Reyes"]
        assert names(api.get(USERS, {"status": "active", "role": "counselor"})) == ["Tom Okafor"]
        assert wrong(api.get(USERS, {"status": "gone"})) == (400, "status")

    def test_who_may_look_may_not_change(self, alice, bob, mona):
        assert mona.api.get(one(bob)).json()["email"] == bob.user.email
        assert bob.api.get(USERS).status_code == 403
        for answer in (
            mona.api.patch(one(bob), {"role": "manager"}),
            mona.api.delete(one(bob)),
            mona.api.post(USERS, {"email": "a@b.example", "role": "counselor"}),
            mona.api.post(f"{USERS}/bulk-action", {"action": "deactivate", "ids": [str(bob.user.pk)]}),
        ):
            assert answer.status_code == 403

    def test_of_another_organization_there_is_nobody(self, alice, bob, charlie):
        for method in ("get", "patch", "delete"):
            assert getattr(charlie.api, method)(one(bob)).status_code == 404
        answer = charlie.api.post(f"{USERS}/bulk-action", {"action": "remove", "ids": [str(bob.user.pk)]})
        assert answer.json()["results"][0]["status"] == "refused"
        bob.member.refresh_from_db()
        assert bob.member.is_active

    def test_role_teams_and_status_change(self, alice, bob, inside):
        team = Team.objects.create(organization=inside, name="Night")
        answer = alice.api.patch(one(bob), {"role": "manager", "teams": [str(team.pk)]}, format="json")
        assert (answer.json()["role"], answer.json()["teams"]) == ("manager", [str(team.pk)])
        caller = bob.api
        assert alice.api.patch(one(bob), {"status": "inactive"}).json()["status"] == "inactive"
        assert caller.get("/api/v1/auth/me").status_code == 401
        assert alice.api.patch(one(bob), {"status": "active"}).json()["status"] == "active"
        assert wrong(alice.api.patch(one(bob), {"role": "chief"})) == (400, "role")
        missing = {"teams": ["01980000-0000-7000-8000-000000000000"]}
        assert wrong(alice.api.patch(one(bob), missing, format="json")) == (400, "teams")
        assert wrong(alice.api.patch(one(bob), {"password": "x"})) == (400, "password")

    def test_a_change_is_conditional(self, alice, bob):
        tag = alice.api.get(one(bob))["ETag"]
        assert alice.api.patch(one(bob), {"role": "manager"}, headers={"If-Match": tag}).status_code == 200
        assert alice.api.patch(one(bob), {"role": "counselor"}, headers={"If-Match": tag}).status_code == 412

    def test_what_the_services_refuse_is_reported(self, alice, bob, inside):
        assert alice.api.patch(one(alice), {"role": "manager"}).status_code == 409
        assert alice.api.delete(one(alice)).status_code == 409
        _, secret = api_keys.issue(member=alice.member, name="k", actor=alice.actor)
        key = APIClient(headers={"X-API-Key": secret})
        assert key.get(one(bob)).status_code == 200
        assert key.patch(one(bob), {"role": "admin"}).status_code == 403
        assert key.delete(one(bob)).status_code == 403

    def test_who_is_removed_is_not_listed(self, alice, bob):
        assert alice.api.delete(one(bob)).status_code == 204
        assert alice.api.get(one(bob)).status_code == 404
        assert names(alice.api.get(USERS)) == ["Alice Hart"]

    def test_of_several_each_is_done_or_refused(self, alice, bob, mona):
        ids = [str(person.user.pk) for person in (alice, bob, mona)]
        answer = alice.api.post(f"{USERS}/bulk-action", {"action": "deactivate", "ids": ids}, format="json")
        assert [row["status"] for row in answer.json()["results"]] == ["refused", "done", "done"]
        assert "last administrator" in answer.json()["results"][0]["detail"]
        given = {"action": "set_role", "ids": ids[1:], "role": "manager"}
        assert alice.api.post(f"{USERS}/bulk-action", given, format="json").status_code == 200
        with organization_scope(alice.organization):
            assert {row.role.key for row in Member.objects.filter(user_id__in=ids[1:])} == {"manager"}
        for body in ({"action": "set_role", "ids": ids}, {"action": "remove", "ids": ids, "role": "manager"}):
            assert wrong(alice.api.post(f"{USERS}/bulk-action", body, format="json")) == (400, "role")

    def test_removing_several_needs_its_own_permission(self, alice, bob, inside):
        edits = hire(alice, {"users.edit", "users.view"})
        body = {"action": "remove", "ids": [str(bob.user.pk)]}
        assert edits.api.post(f"{USERS}/bulk-action", body, format="json").status_code == 403

    def test_the_same_number_of_queries_for_one_and_many(self, alice, bob):
        def asked(path: str) -> int:
            with CaptureQueriesContext(
                connection,
            ) as queries:
                assert api.get(path).status_code == 200
            return len(queries)

        api = alice.api
        invite(alice, "first@new.example")
        few = [asked(USERS), asked(INVITATIONS)]
        for number in range(15):
            join(alice, f"p{number}@harbour.example", f"P {number}", "counselor")
            invite(alice, f"p{number}@new.example")
        assert [asked(USERS), asked(INVITATIONS)] == few
        assert max(few) <= 12


def invite(alice: Person, *emails: str, **more: Any) -> Any:
    body = {"emails": emails, "role": "counselor", **more}
    return alice.api.post(INVITATIONS, body, format="json")


class TestInvitations:
    def test_several_are_invited_with_their_results(self, alice, bob):
        answer = invite(alice, "nora@new.example", bob.user.email)
        assert answer.status_code == 201
        nora, known = answer.json()["results"]
        assert (nora["outcome"], nora["invitation"]["status"], nora["invitation"]["role"]) == (
            "invited", "pending", "counselor",
        )  # fmt: skip
        assert (known["outcome"], known["invitation"]) == ("member", None)
        assert "token" not in answer.content.decode()

    def test_one_is_invited_as_a_user(self, alice, bob):
        answer = alice.api.post(USERS, {"email": "nora@new.example", "role": "manager", "send_invite": True})
        assert (answer.status_code, answer.json()["email"], answer.json()["role"]) == (
            201,
            "nora@new.example",
            "manager",
        )
        assert alice.api.post(USERS, {"email": bob.user.email, "role": "manager"}).status_code == 409

    def test_one_is_made_at_once_with_a_password_to_be_changed(self, alice, bob, mona, charlie):
        given = {"email": "nora@new.example", "name": "Nora", "role": "counselor", "send_invite": False}
        answer = alice.api.post(USERS, given)
        made = answer.json()
        assert (answer.status_code, made["name"], made["status"]) == (201, "Nora", "active")
        user = User.objects.get(email="nora@new.example")
        assert user.check_password(made["password"])
        assert user.must_change_password
        chosen = {**given, "email": "tess@new.example", "password": "a calm first day"}
        assert alice.api.post(USERS, chosen).json()["password"] is None
        assert User.objects.get(email="tess@new.example").check_password("a calm first day")
        assert wrong(alice.api.post(USERS, {**chosen, "email": "u@new.example", "password": "short"})) == (
            400,
            "password",
        )
        assert wrong(alice.api.post(USERS, {**given, "email": "u@new.example", "name": ""})) == (400, "name")
        assert wrong(alice.api.post(USERS, {**given, "send_invite": True})) == (400, "name")
        assert alice.api.post(USERS, given).status_code == 409
        assert mona.api.post(USERS, {**given, "email": "u@new.example"}).status_code == 403

    def test_nobody_sets_a_password_for_an_account_that_is_there(self, alice, charlie):
        given = {"email": charlie.user.email.upper(), "name": "X", "role": "counselor", "send_invite": False}
        answer = alice.api.post(USERS, given)
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "taken")
        assert User.objects.get(pk=charlie.user.pk).check_password(PASSWORD)
        for _ in range(throttle.QUESTIONS.failures):
            answer = alice.api.post(USERS, given)
        assert answer.status_code == 429

    def test_who_has_a_second_factor_is_reported_filtered_and_reset(self, alice, bob, mona):
        set_up(bob)
        assert names(alice.api.get(USERS, {"has_second_factor": "true"})) == ["Bob Reyes"]
        assert names(alice.api.get(USERS, {"has_second_factor": "false"})) == ["Alice Hart", "Mona Lind"]
        assert mona.api.post(f"{one(bob)}/reset-second-factor").status_code == 403
        assert alice.api.post(f"{one(alice)}/reset-second-factor").status_code == 409
        assert alice.api.post(f"{one(bob)}/reset-second-factor").json()["has_second_factor"] is False
        assert alice.api.post(f"{one(bob)}/reset-second-factor").status_code == 409

    def test_what_is_wrong_is_named(self, alice):
        assert wrong(invite(alice, "nobody"))[0] == 400
        assert wrong(invite(alice, "a@b.example", role="chief")) == (400, "role")
        assert wrong(invite(alice, "a@b.example", days=99)) == (400, "days")
        assert wrong(invite(alice, "a@b.example", rolle="x")) == (400, "rolle")

    def test_the_list_by_status_again_and_revoked(self, alice, charlie):
        ids = [row["invitation"]["id"] for row in invite(alice, "a@b.example", "c@d.example").json()["results"]]
        assert charlie.api.post(f"{INVITATIONS}/{ids[0]}/revoke").status_code == 404
        assert alice.api.post(f"{INVITATIONS}/{ids[0]}/resend").json()["status"] == "pending"
        assert alice.api.post(f"{INVITATIONS}/{ids[0]}/revoke").json()["status"] == "revoked"
        assert alice.api.post(f"{INVITATIONS}/{ids[0]}/resend").status_code == 409
        for status, expected in (("pending", ids[1:]), ("revoked", ids[:1]), ("expired", []), ("accepted", [])):
            rows = alice.api.get(INVITATIONS, {"status": status}).json()["results"]
            assert [row["id"] for row in rows] == expected

    def test_a_call_made_twice_by_one_key_invites_once(self, alice):
        body = {"emails": ["a@b.example"], "role": "counselor"}
        key = {"Idempotency-Key": "one"}
        first, second = (alice.api.post(INVITATIONS, body, format="json", headers=key) for _ in range(2))
        assert first.json() == second.json()
        assert first.json()["results"][0]["outcome"] == "invited"

    def test_a_deleted_role_is_none(self, alice, inside):
        role = Role.objects.create(organization=inside, key="temp", name="Temp")
        invite(alice, "a@b.example", role="temp")
        role.delete()
        (row,) = alice.api.get(INVITATIONS).json()["results"]
        assert row["role"] is None
        assert wrong(alice.api.post(f"{INVITATIONS}/{Invitation.objects.get().pk}/resend")) == (400, "role")
