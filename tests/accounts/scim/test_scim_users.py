"""Members by SCIM: made, found, changed, shut out; and what no directory may."""

from __future__ import annotations

import pytest
from django.core import mail
from django.test import Client

from accounts.api_keys import services as api_keys
from accounts.credentials import notices, password_resets, throttle
from accounts.members import services as members
from accounts.models import Invitation, Member, Role, ScimUser, User
from activity.actor import SYSTEM
from activity.models import Event
from core.tenancy import every_organization, organization_scope
from tests.accounts import providers
from tests.accounts.factors import recently
from tests.accounts.scim.conftest import connect, member_of
from tests.conftest import PASSWORD
from tests.messaging.inbox.test_live_views import allowed, credentials

pytestmark = pytest.mark.django_db

ZOE = "zoe@harbour.example"
OFF = {"op": "replace", "path": "active", "value": False}
ON = {"op": "replace", "path": "active", "value": True}


def events(person, *types):
    with organization_scope(person.organization):
        return list(Event.objects.filter(type__in=types).order_by("occurred_at", "id"))


class TestNew:
    def test_a_person_becomes_a_member_with_the_role_of_the_connection(self, alice, okta):
        answer = okta.user(
            ZOE, externalId="00u1", name={"givenName": "Zoe", "familyName": "Hart"}, title="Nurse", active=True,
            emails=[{"value": ZOE, "type": "work", "primary": True}],
            phoneNumbers=[{"value": "+44 20 7946 0958", "type": "work"}],
        )  # fmt: skip
        assert answer.status_code == 201
        assert answer.headers["Content-Type"] == "application/scim+json"
        body = answer.json()
        assert answer.headers["Location"] == body["meta"]["location"]
        assert answer.headers["ETag"] == body["meta"]["version"]
        assert okta.get(f"/Users/{body['id']}").json() == body
        member = member_of(alice, ZOE)
        assert str(member.pk) == body["id"]
        assert (member.role.key, member.user.name, member.phone) == ("counselor", "Zoe Hart", "+442079460958")
        assert body["externalId"] == "00u1"
        assert body["title"] == "Nurse"
        (event,) = [one for one in events(alice, "member.added") if one.subject_id == body["id"]]
        assert (event.actor_kind, event.actor_label) == ("scim", "SCIM: Okta")
        assert event.actor_id == str(okta.connection.pk)

    def test_they_are_mailed_a_way_to_a_password_of_their_own(self, okta):
        okta.user(ZOE, displayName="Zoe")
        assert not User.objects.get(email=ZOE).has_usable_password()
        notices.send_due()
        (sent,) = mail.outbox
        assert sent.to == [ZOE]
        assert "/forgotten-password/" in sent.body
        assert "Harbour Clinic made an account for you" in sent.body
        mail.outbox.clear()
        Client().post("/forgotten-password/", {"email": ZOE})
        password_resets.send_due()
        (reset,) = mail.outbox
        link = next(word for word in reset.body.split() if "/forgotten-password/" in word)
        browser = Client()
        page = browser.get(link.partition("://")[2].partition("/")[2].join(["/", ""]), follow=True)
        browser.post(page.request["PATH_INFO"], {"new_password1": PASSWORD, "new_password2": PASSWORD})
        assert browser.post("/sign-in/", {"email": ZOE, "password": PASSWORD}).status_code == 302
        assert browser.get(f"/o/{okta.connection.organization.slug}/account/").status_code == 200

    def test_one_that_is_made_inactive_is_not_let_in_and_not_written_to(self, alice, okta):
        assert okta.user(ZOE, active="False").json()["active"] is False
        assert not member_of(alice, ZOE).is_active
        notices.send_due()
        assert mail.outbox == []

    def test_and_is_as_soon_as_they_are_let_in(self, okta):
        pk = okta.user(ZOE, active=False).json()["id"]
        created = okta.get(f"/Users/{pk}").json()["meta"]["lastModified"]
        assert okta.patch(f"/Users/{pk}", ON).json()["meta"]["lastModified"] > created
        notices.send_due()
        assert [sent.to for sent in mail.outbox] == [[ZOE]]
        okta.patch(f"/Users/{pk}", {"op": "replace", "path": "title", "value": "Nurse"})
        notices.send_due()
        assert len(mail.outbox) == 1

    def test_nobody_is_written_to_again_and_again(self, okta):
        pk = okta.user(ZOE).json()["id"]
        for _time in range(throttle.QUESTIONS.failures + 3):
            okta.patch(f"/Users/{pk}", OFF)
            assert okta.patch(f"/Users/{pk}", ON).status_code == 200
        notices.send_due()
        assert len(mail.outbox) == throttle.QUESTIONS.failures

    def test_a_user_name_need_not_be_an_address(self, alice, okta):
        body = okta.user("zhart", emails=[{"value": "ZOE@harbour.example"}]).json()
        assert body["userName"] == "zhart"
        assert member_of(alice, ZOE)
        assert okta.found('userName eq "ZHART"') == ["zhart"]

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ({"userName": "zhart"}, "emails is required"),
            ({"userName": ""}, "userName is required"),
            ({"userName": ZOE, "emails": [{"value": "nonsense"}]}, "emails"),
            ({"userName": ZOE, "active": "perhaps"}, "active"),
            ({"userName": ZOE, "name": "Zoe"}, "name"),
            ({"userName": ["x"]}, "userName"),
            ({"userName": "x" * 300}, "userName"),
        ],
    )
    def test_what_can_not_be_is_refused_by_name(self, okta, body, words):
        answer = okta.post("/Users", body)
        assert answer.status_code == 400
        assert answer.json()["scimType"] == "invalidValue"
        assert answer.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
        assert words in answer.json()["detail"]

    @pytest.mark.parametrize(
        "body", ["[]", '"x"', "{", "", "\xff", '{"a": NaN}', "[" * 5000, '{"userName": "\\u0000"}']
    )
    def test_what_is_no_json_object_is_refused(self, okta, body):
        answer = okta.client.post(
            "/scim/v2/Users", body, "application/scim+json", headers={"Authorization": f"Bearer {okta.token}"}
        )
        assert answer.status_code == 400
        assert answer.json()["scimType"] == "invalidSyntax"

    def test_nobody_is_made_twice(self, okta, bob):
        okta.user(ZOE)
        for name in (ZOE, ZOE.upper(), bob.user.email):
            answer = okta.user(name)
            assert (answer.status_code, answer.json()["scimType"]) == (409, "uniqueness")
        answer = okta.user("zhart", emails=[{"value": ZOE}])
        assert (answer.status_code, answer.json()["scimType"]) == (409, "uniqueness")

    def test_who_was_removed_comes_back_as_the_same_member(self, alice, okta):
        pk = okta.user(ZOE, externalId="1").json()["id"]
        assert okta.delete(f"/Users/{pk}").status_code == 204
        assert okta.get(f"/Users/{pk}").status_code == 404
        again = okta.user(ZOE, externalId="2")
        assert (again.status_code, again.json()["id"], again.json()["externalId"]) == (201, pk, "2")

    def test_with_the_subject_they_sign_in_by_the_provider_at_once(self, alice, fake, provider):
        okta = connect(alice, binds_sign_in=True)
        assert okta.user(ZOE, externalId="1001").status_code == 201
        notices.send_due()
        assert f"/sign-in/to/{alice.organization.slug}/" in mail.outbox[0].body
        browser = Client()
        assert providers.sign_in(browser, provider).status_code == 302
        page = browser.get(alice.url("account/"))
        assert (page.status_code, page.wsgi_request.user) == (200, User.objects.get(email=ZOE))
        okta.patch(f"/Users/{member_of(alice, ZOE).pk}", OFF)
        assert browser.get(alice.url("account/")).status_code == 302
        assert providers.sign_in(Client(), provider).status_code == 403
        answer = okta.user("two@harbour.example", externalId="1001")
        assert (answer.status_code, answer.json()["scimType"]) == (409, "uniqueness")
        assert not User.objects.filter(email="two@harbour.example").exists()


class TestOtherPeoplesAccounts:
    def test_an_account_of_elsewhere_is_invited_and_not_taken(self, alice, okta, charlie):
        before = User.objects.get(pk=charlie.user.pk)
        answer = okta.user(charlie.user.email, displayName="Mine", active=True)
        assert (answer.status_code, answer.json()["scimType"]) == (409, "uniqueness")
        assert "invited" in answer.json()["detail"]
        okta.user(charlie.user.email)
        with organization_scope(alice.organization):
            invitation = Invitation.objects.get()
            assert invitation.email == charlie.user.email
            assert invitation.invited_by_id == alice.member.pk
            assert not Member.objects.filter(user=charlie.user).exists()
        after = User.objects.get(pk=charlie.user.pk)
        assert (after.name, after.email, after.password) == (before.name, before.email, before.password)

    def test_once_they_have_accepted_they_are_found_and_their_account_is_still_theirs(self, alice, okta, charlie):
        from accounts.invitations import accepting

        okta.user(charlie.user.email)
        with organization_scope(alice.organization):
            accepting.join(invitation=Invitation.objects.select_related("organization").get(), user=charlie.user)
        (name,) = okta.found(f'userName eq "{charlie.user.email}"')
        pk = str(member_of(alice, charlie.user.email).pk)
        renamed = okta.patch(f"/Users/{pk}", {"op": "replace", "path": "displayName", "value": "Mine"})
        assert renamed.status_code == 200
        moved = okta.put(f"/Users/{pk}", {"userName": name, "emails": [{"value": "mine@harbour.example"}]})
        assert moved.status_code == 403
        assert okta.patch(f"/Users/{pk}", OFF).status_code == 200
        user = User.objects.get(pk=charlie.user.pk)
        assert (user.name, user.email, user.is_active) == (charlie.user.name, charlie.user.email, True)
        assert charlie.client.get(charlie.url("account/")).status_code == 200

    def test_a_membership_that_ended_elsewhere_counts(self, alice, okta, charlie):
        """Else whoever lets them in again there would let in who took the account here."""
        pk = okta.user(ZOE).json()["id"]
        with organization_scope(charlie.organization):
            role = Role.objects.get(key="counselor")
            there = members.add(
                organization=charlie.organization, user=User.objects.get(email=ZOE), role=role, actor=charlie.actor
            )
            members.deactivate(member=there, actor=charlie.actor)
        assert okta.put(f"/Users/{pk}", {"userName": "mine@harbour.example"}).status_code == 403
        okta.delete(f"/Users/{pk}")
        assert okta.user(ZOE).status_code == 409
        with organization_scope(alice.organization):
            assert Member.objects.get(pk=pk).removed_at is not None
            assert Invitation.objects.filter(email=ZOE).exists()

    def test_who_runs_the_installation_keeps_name_and_address(self, okta, bob):
        User.objects.filter(pk=bob.user.pk).update(is_staff=True)
        body = {"userName": "x@harbour.example", "displayName": "Nobody"}
        assert okta.put(f"/Users/{bob.member.pk}", body).status_code == 403
        own = {**body, "emails": [{"value": bob.user.email}]}
        assert okta.put(f"/Users/{bob.member.pk}", own).status_code == 200
        assert User.objects.get(pk=bob.user.pk).name == bob.user.name


class TestLeaving:
    def test_who_is_shut_out_is_out_at_once(self, alice, okta, bob):
        browser, api = recently(bob), bob.api
        with organization_scope(alice.organization):
            _key, secret = api_keys.api_keys.issue(member=bob.member, name="k", actor=bob.actor)
        for answer in (browser.get(bob.url("account/")), api.get("/api/v1/customers")):
            assert answer.status_code == 200
        assert Client().get("/api/v1/customers", headers={"X-API-Key": secret}).status_code == 200
        stream = credentials(bob, browser)
        assert allowed(bob, watchers=[stream]) == []
        answer = okta.patch(f"/Users/{bob.member.pk}", OFF)
        assert (answer.status_code, answer.json()["active"]) == (200, False)
        assert allowed(bob, watchers=[stream]) is None
        assert browser.get(bob.url("account/")).status_code in (302, 404)
        assert api.get("/api/v1/customers").status_code == 401
        assert Client().get("/api/v1/customers", headers={"X-API-Key": secret}).status_code == 401
        # What open streams look at, and feeds and calendars are ended by.
        (event,) = events(alice, "member.deactivated")
        assert (event.subject_id, event.actor_kind) == (str(bob.member.pk), "scim")

    def test_and_comes_back_on_the_word_of_who_configured_it(self, alice, okta, bob):
        okta.patch(f"/Users/{bob.member.pk}", OFF)
        assert okta.patch(f"/Users/{bob.member.pk}", ON).json()["active"] is True
        assert recently(bob).get(bob.url("account/")).status_code == 200

    def test_the_last_administrator_stays(self, alice, okta):
        for answer in (okta.patch(f"/Users/{alice.member.pk}", OFF), okta.delete(f"/Users/{alice.member.pk}")):
            assert answer.status_code == 409
            assert "last administrator" in answer.json()["detail"]
        assert member_of(alice, alice.user.email).is_active

    def test_another_administrator_can_leave(self, alice, okta, mona):
        with organization_scope(alice.organization):
            members.change(member=mona.member, actor=alice.actor, role=alice.member.role)
        assert okta.patch(f"/Users/{mona.member.pk}", OFF).status_code == 200

    def test_nothing_else_that_is_asked_for_holds_it_up(self, alice, okta, bob, charlie):
        with organization_scope(charlie.organization):
            role = Role.objects.get(key="counselor")
            members.add(organization=charlie.organization, user=bob.user, role=role, actor=charlie.actor)
        body = {"userName": alice.user.email, "active": False, "emails": [{"value": "other@harbour.example"}]}
        assert okta.put(f"/Users/{bob.member.pk}", body).status_code == 200
        assert not member_of(alice, bob.user.email).is_active

    def test_taking_out_keeps_the_row_that_the_ledger_speaks_of(self, alice, okta, bob):
        assert okta.delete(f"/Users/{bob.member.pk}").status_code == 204
        with organization_scope(alice.organization):
            assert Member.objects.get(pk=bob.member.pk).removed_at is not None
            assert not ScimUser.objects.filter(member=bob.member).exists()
        assert okta.delete(f"/Users/{bob.member.pk}").status_code == 404


class TestTheWordOfWhoConfiguredIt:
    @pytest.fixture
    def lowered(self, alice, mona, okta):
        """Who configured it is an administrator no more; another one is there."""
        with organization_scope(alice.organization):
            members.change(member=mona.member, actor=SYSTEM, role=alice.member.role)
            members.change(member=alice.member, actor=SYSTEM, role=Role.objects.get(key="counselor"))
        return okta

    def test_nobody_new_comes_in_without_it(self, lowered, alice, bob):
        answer = lowered.user(ZOE)
        assert answer.status_code == 403
        assert "save its settings" in answer.json()["detail"]
        assert not User.objects.filter(email=ZOE).exists()
        assert lowered.patch(f"/Users/{bob.member.pk}", OFF).status_code == 200
        assert lowered.patch(f"/Users/{bob.member.pk}", ON).status_code == 403

    def test_the_role_that_was_deleted_is_given_to_nobody(self, alice, okta):
        with organization_scope(alice.organization):
            type(okta.connection).objects.update(role=None)
        assert okta.user(ZOE).status_code == 403

    def test_an_administrator_who_comes_back_needs_a_sponsor_who_is_one(self, alice, okta, mona, bob):
        with organization_scope(alice.organization):
            members.change(member=bob.member, actor=SYSTEM, role=alice.member.role)
            okta.patch(f"/Users/{bob.member.pk}", OFF)
            members.change(member=mona.member, actor=SYSTEM, role=alice.member.role)
            members.change(member=alice.member, actor=SYSTEM, role=Role.objects.get(key="manager"))
        assert okta.patch(f"/Users/{bob.member.pk}", ON).status_code == 403


class TestChanges:
    def test_another_address_ends_sign_ins_and_tells_the_one_of_before(self, alice, okta, bob):
        browser, before = recently(bob), bob.user.email
        answer = okta.put(f"/Users/{bob.member.pk}", {"userName": "robert@harbour.example", "displayName": "Robert"})
        assert answer.status_code == 200
        user = User.objects.get(pk=bob.user.pk)
        assert (user.email, user.name) == ("robert@harbour.example", "Robert")
        assert browser.get(bob.url("account/")).status_code == 302
        notices.send_due()
        (sent,) = mail.outbox
        assert sent.to == [before]
        assert "changed the e-mail address" in sent.body
        assert len(events(alice, "member.email_changed")) == 1

    @pytest.mark.parametrize("key", ["admin", "people"])
    def test_not_of_who_decides_about_people(self, alice, okta, bob, key):
        with organization_scope(alice.organization):
            role, _new = Role.objects.get_or_create(
                organization=alice.organization, key=key,
                defaults={"name": key, "stored_permissions": ["users.create"], "stored_reach": "assigned"},
            )  # fmt: skip
            members.change(member=bob.member, actor=alice.actor, role=role)
        answer = okta.put(f"/Users/{bob.member.pk}", {"userName": "robert@harbour.example"})
        assert answer.status_code == 403
        assert User.objects.get(pk=bob.user.pk).email == bob.user.email

    def test_nor_to_one_that_is_taken(self, okta, bob, charlie):
        answer = okta.put(f"/Users/{bob.member.pk}", {"userName": charlie.user.email})
        assert answer.status_code == 409
        assert User.objects.get(pk=bob.user.pk).email == bob.user.email

    def test_no_password_is_ever_set(self, okta, bob):
        password = User.objects.get(pk=bob.user.pk).password
        body = {"userName": bob.user.email, "password": "of the directory", "roles": [{"value": "admin"}]}
        assert okta.put(f"/Users/{bob.member.pk}", body).status_code == 200
        assert okta.patch(f"/Users/{bob.member.pk}", {"op": "add", "path": "password", "value": "x"}).status_code == 200
        assert User.objects.get(pk=bob.user.pk).password == password

    def test_what_is_so_already_is_no_change(self, alice, okta, bob):
        before = okta.get(f"/Users/{bob.member.pk}").json()
        with every_organization("a test looks everywhere"):
            count = Event.objects.count()
            assert okta.patch(f"/Users/{bob.member.pk}", ON).json() == before
            assert Event.objects.count() == count

    def test_a_change_of_another_version_is_refused(self, okta, bob):
        path = f"/Users/{bob.member.pk}"
        version = okta.get(path).headers["ETag"]
        assert okta.patch(path, OFF, **{"If-Match": version}).status_code == 200
        for call in (okta.patch(path, ON, **{"If-Match": version}), okta.delete(path, **{"If-Match": version})):
            assert call.status_code == 412
        assert okta.patch(path, ON, **{"If-Match": "*"}).status_code == 200
        assert okta.get(path, **{"If-None-Match": okta.get(path).headers["ETag"]}).status_code == 304
