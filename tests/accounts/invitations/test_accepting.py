"""The link: it works once, for whom it was meant, and for what may still be given."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.credentials import throttle
from accounts.invitations import accepting
from accounts.invitations import services as invitations
from accounts.members import services as members
from accounts.models import Invitation, Member, Role, Team, User
from accounts.organizations import services as organizations
from core.tenancy import every_organization, organization_scope
from tests.accounts.invitations.conftest import mailed, token_in
from tests.accounts.members.test_members import hire
from tests.conftest import PASSWORD, Person
from tests.messaging.conftest import in_threads

pytestmark = pytest.mark.django_db
NEW = {"name": "Nora Berg", "password": "a calm boat in the rain"}


def member_of(alice: Person, email: str = "nora@new.example") -> Member | None:
    with organization_scope(alice.organization):
        return Member.objects.with_access().filter(user__email=email).first()


def words(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


class TestThePage:
    def test_somebody_new_gives_a_name_and_a_password_and_is_in(self, alice, invite, inside):
        team = Team.objects.create(organization=inside, name="Night")
        invite(teams=[team])
        path, browser = mailed(), Client()
        shown = words(browser.get(path))
        assert "Join Harbour Clinic" in shown
        assert "Counselor" in shown
        assert browser.post(path, {**NEW, "password": "short"}).status_code == 200
        assert member_of(alice) is None
        answer = browser.post(path, NEW)
        assert answer["Location"] == alice.url("")
        assert browser.get(answer["Location"]).status_code == 200
        member = member_of(alice)
        assert (member.role.key, member.user.name, list(member.teams.all())) == ("counselor", "Nora Berg", [team])
        assert member.last_seen_at is not None
        again = Client().get(path)
        assert (again.status_code, "used already" in words(again)) == (404, True)

    def test_who_has_an_account_signs_in_and_joins(self, alice, charlie, invite):
        invite(charlie.user.email)
        path, browser = mailed(), Client()
        page = browser.get(path)
        assert f"/sign-in/?next={path.replace('/', '%2F')}" in page.content.decode()
        assert "password" not in words(page)
        # A password can't be set for an account by a link of somebody's organization.
        browser.post(path, NEW)
        assert member_of(alice, charlie.user.email) is None
        browser.post("/sign-in/", {"email": charlie.user.email, "password": PASSWORD})
        assert browser.post(path)["Location"] == alice.url("")
        assert browser.get(alice.url("")).status_code == 200
        assert User.objects.get(pk=charlie.user.pk).check_password(PASSWORD)

    def test_somebody_else_who_is_signed_in_does_not_join(self, alice, charlie, invite):
        invite()
        path = mailed()
        page = words(charlie.client.get(path))
        assert "for another address" in page
        assert "nora@new.example" not in page
        assert charlie.client.post(path).status_code == 403
        assert member_of(alice, charlie.user.email) is None

    @pytest.mark.parametrize(
        ("column", "said"), [("revoked_at", "withdrawn"), ("accepted_at", "used already"), ("expires_at", "expired")]
    )
    def test_what_is_over_says_so_and_nothing_of_anybody(self, alice, invite, column, said):
        invite()
        path = mailed()
        with every_organization("time passes"):
            Invitation.objects.update(**{column: timezone.now() - timedelta(minutes=1)})
        for answer in (Client().get(path), Client().post(path, NEW)):
            assert (answer.status_code, said in words(answer)) == (404, True)
            assert not [one for one in ("nora", "Harbour", "Alice", "Counselor") if one in words(answer)]
        assert not User.objects.filter(email="nora@new.example").exists()

    def test_wrong_links_are_slowed_down(self, alice, invite):
        invite()
        right, browser = mailed(), Client()
        for _ in range(throttle.QUESTIONS.failures):
            assert browser.get("/invitation/" + "x" * 43 + "/").status_code == 404
        assert browser.get(right).status_code == 429
        assert Client(REMOTE_ADDR="198.51.100.7").get(right).status_code == 200

    def test_any_text_is_a_wrong_link_at_most(self, db):
        browser = Client(REMOTE_ADDR="198.51.100.8")
        for token in ("%00", "%ED%B3%BF", "é" * 300, "a" * 5000):
            assert browser.get(f"/invitation/{token}/").status_code in (400, 404)


class TestItIsAskedAgain:
    """What was right when the invitation was made may be wrong when it is used."""

    def refused(self, alice: Person, path: str) -> None:
        for answer in (Client().get(path), Client().post(path, NEW)):
            assert (answer.status_code, "can’t be used any more" in words(answer)) == (404, True)
        assert not User.objects.filter(email="nora@new.example").exists()

    def test_who_invited_is_no_member_any_more(self, alice, invite, inside):
        hana = hire(alice, {"users.create", "customers.view"})
        low = hire(alice, {"customers.view"}, name="Lou")
        invite(by=hana, role=low.member.role.key)
        path = mailed()
        assert Client().get(path).status_code == 200
        members.deactivate(member=hana.member, actor=alice.actor)
        self.refused(alice, path)

    def test_who_invited_may_give_less_by_now(self, alice, invite, inside):
        hana = hire(alice, {"users.create", "customers.view"})
        low = hire(alice, {"customers.view"}, name="Lou")
        invite(by=hana, role=low.member.role.key)
        path = mailed()
        Role.objects.filter(pk=hana.member.role_id).update(stored_permissions=["users.create"])
        self.refused(alice, path)
        Role.objects.filter(pk=hana.member.role_id).update(stored_permissions=["customers.view"])
        self.refused(alice, path)

    def test_the_role_may_do_more_by_now(self, alice, invite, inside):
        hana = hire(alice, {"users.create", "customers.view"})
        low = hire(alice, {"customers.view"}, name="Lou")
        invite(by=hana, role=low.member.role.key)
        path = mailed()
        Role.objects.filter(pk=low.member.role_id).update(stored_permissions=["customers.view", "settings.edit"])
        self.refused(alice, path)

    def test_the_role_is_gone(self, alice, invite, inside):
        Role.objects.create(organization=inside, key="temp", name="Temp")
        invite(role="temp")
        path = mailed()
        Role.objects.get(key="temp").delete()
        self.refused(alice, path)

    def test_the_organization_is_closed(self, alice, invite):
        invite()
        path = mailed()
        type(alice.organization).objects.filter(pk=alice.organization.pk).update(is_active=False)
        self.refused(alice, path)


def test_a_link_of_before_is_no_way_back(alice, invite, inside):
    invite()
    path = mailed()
    nora = User.objects.create_user("nora@new.example", PASSWORD, name="Nora")
    member = organizations.add_member(organization=inside, user=nora, role_key="counselor", actor=alice.actor)
    members.remove(member=member, actor=alice.actor)
    browser = Client()
    browser.force_login(User.objects.get(pk=nora.pk))
    assert browser.post(path).status_code == 404
    invite()
    assert browser.post(mailed()).status_code == 302
    member.refresh_from_db()
    assert (member.is_active, member.removed_at) == (True, None)


class TestTheApi:
    def accept(self, path: str, **body: str) -> Any:
        return APIClient().post(f"/api/v1/auth/invitations/{token_in(path)}/accept", body, format="json")

    def test_somebody_new_gets_tokens_once(self, alice, invite):
        invite()
        path = mailed()
        assert self.accept(path, **{**NEW, "name": ""}).json()["errors"][0]["attr"] == "name"
        assert self.accept(path, name="N", password="123").json()["errors"][0]["attr"] == "password"
        assert self.accept(path, **NEW, role="admin").json()["errors"][0]["attr"] == "role"
        answer = self.accept(path, **NEW)
        assert (answer.status_code, answer.json()["organization"]["slug"]) == (201, alice.organization.slug)
        bearer = APIClient(headers={"Authorization": f"Bearer {answer.json()['access_token']}"})
        assert bearer.get("/api/v1/auth/me").json()["role"] == "counselor"
        assert self.accept(path, **NEW).status_code == 404

    def test_who_has_an_account_gives_its_password(self, alice, charlie, invite):
        invite(charlie.user.email)
        path = mailed()
        assert self.accept(path, **NEW).status_code == 401
        assert member_of(alice, charlie.user.email) is None
        assert self.accept(path, password=PASSWORD).status_code == 201
        assert member_of(alice, charlie.user.email).role.key == "counselor"

    def test_a_wrong_token_is_404(self, db):
        assert self.accept("/invitation/nothing/", **NEW).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_of_two_who_use_a_link_at_once_one_joins(alice, invite, rf):
    made = invite()

    def go(number: int) -> bool:
        try:
            accepting.join_as_new(invitation=made, name=f"N{number}", password=NEW["password"])
        except (accepting.NoInvitation, accepting.AccountExists):
            return False
        return True

    assert sorted(in_threads(go, 2)) == [False, True]
    assert User.objects.filter(email="nora@new.example").count() == 1


def test_nobody_is_invited_to_another_organization(alice, charlie, inside):
    with organization_scope(charlie.organization):
        other = Role.objects.get(key="counselor")
    with pytest.raises(invitations.Invalid):
        invitations.invite(organization=inside, emails=["a@b.example"], role=other, actor=alice.actor)
