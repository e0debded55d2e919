"""Signing in by an organization's provider: a real one on loopback, and everything that one may lie about."""

from __future__ import annotations

import time
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.members import services as members
from accounts.models import Member, Organization, ProviderLink, Role, SecurityNotice, User
from activity.models import Event
from core.tenancy import every_organization, organization_scope
from tests.accounts import providers
from tests.accounts.factors import code_of, recently
from tests.accounts.factors import set_up as set_up_factor
from tests.conftest import PASSWORD, Person, join
from tests.fakes.openid import Provider, serving

pytestmark = pytest.mark.django_db


def is_in(browser: Client, person: Person) -> bool:
    return browser.get(person.url("account/")).status_code == 200


def require_factor(person: Person) -> None:
    Organization.objects.filter(pk=person.organization.pk).update(requires_second_factor=True)


class TestConnecting:
    def test_the_own_session_connects_and_the_account_signs_in_from_then_on(self, bob, provider, fake):
        browser = recently(bob)
        answer = providers.connect_by(browser, provider)
        assert answer.url == bob.url("account/security/")
        page = browser.get(answer.url).content.decode()
        assert "Connected" in page
        assert "bob@work.example" in page
        fresh = Client()
        assert providers.sign_in(fresh, provider, next=bob.url("account/")).url == bob.url("account/")
        assert is_in(fresh, bob)
        with organization_scope(bob.organization):
            types = set(Event.objects.filter(subject_id=bob.member.pk).values_list("type", flat=True))
            assert "user.provider_connected" in types
            assert Event.objects.filter(type="user.signed_in", payload={"how": "provider"}).count() == 1
        assert SecurityNotice.objects.get(kind="connected").details == {
            "provider": "Work", "account": "bob@work.example"
        }  # fmt: skip

    def test_who_has_not_just_shown_who_it_is_is_asked_first(self, bob, provider):
        answer = bob.client.post(f"/account/provider/{bob.organization.slug}/")
        assert answer.url.startswith("/account/confirm/")

    def test_a_way_begun_by_one_ends_for_no_other(self, alice, bob, provider):
        page = recently(bob).post(f"/account/provider/{bob.organization.slug}/")
        browser = recently(alice)
        assert browser.get(providers.way_back(browser, page.context["leads_to"])).status_code == 400
        with every_organization("a test looks everywhere"):
            assert not ProviderLink.objects.exists()

    def test_an_account_is_one_members(self, alice, bob, provider):
        providers.connect(alice, provider, "1001")
        assert providers.connect_by(recently(bob), provider).status_code == 409

    def test_another_organizations_provider_is_none_of_ones_own(self, charlie, provider):
        assert recently(charlie).get(f"/account/provider/{provider.organization.slug}/").status_code == 404

    def test_disconnecting_ends_what_it_began(self, bob, provider):
        providers.connect(bob, provider, "1001")
        elsewhere, browser = Client(), recently(bob)
        providers.sign_in(elsewhere, provider)
        assert is_in(elsewhere, bob)
        path = bob.url("account/security/provider/disconnect/")
        assert "Disconnect your account at Work?" in browser.get(path).content.decode()
        assert browser.post(path).url == bob.url("account/security/")
        assert not is_in(elsewhere, bob)
        assert providers.sign_in(Client(), provider).status_code == 403
        assert SecurityNotice.objects.filter(kind="disconnected").count() == 1
        assert browser.post(path).status_code == 404


class TestWhoIsNotSignedIn:
    def test_somebody_elses_address_opens_nothing_and_changes_nothing(self, alice, bob, provider, fake):
        with organization_scope(alice.organization):
            role = bob.member.role
        providers.change(alice, role=role)
        fake.person = {"sub": "stranger", "email": alice.user.email, "email_verified": True}
        browser = Client()
        answer = providers.sign_in(browser, provider)
        assert answer.status_code == 403
        assert "not connected with anybody here" in answer.content.decode()
        assert not is_in(browser, alice)
        with every_organization("a test looks everywhere"):
            assert not ProviderLink.objects.exists()

    def test_a_deactivated_member(self, alice, bob, provider):
        providers.connect(bob, provider, "1001")
        with organization_scope(alice.organization):
            members.deactivate(member=bob.member, actor=alice.actor)
        answer = providers.sign_in(Client(), provider)
        assert answer.status_code == 403
        assert "Your access to this organization was ended" in answer.content.decode()

    def test_a_session_of_before_is_not_good_again(self, alice, bob, charlie, provider):
        # Who is somewhere else as well keeps sessions by their own password, and none by this provider.
        with organization_scope(charlie.organization):
            members.add(organization=charlie.organization, user=bob.user, role=charlie.member.role, actor=charlie.actor)
        providers.connect(bob, provider, "1001")
        browser = Client()
        providers.sign_in(browser, provider)
        with organization_scope(alice.organization):
            members.deactivate(member=bob.member, actor=alice.actor)
            members.reactivate(member=bob.member, actor=alice.actor)
        assert not is_in(browser, bob)
        assert providers.sign_in(browser, provider).status_code == 302

    def test_a_removed_member_who_came_back_connects_again(self, alice, bob, provider):
        providers.connect(bob, provider, "1001")
        with organization_scope(alice.organization):
            members.remove(member=bob.member, actor=alice.actor)
            members.add(organization=alice.organization, user=bob.user, role=bob.member.role, actor=alice.actor)
        assert providers.sign_in(Client(), provider).status_code == 403

    def test_a_way_is_gone_once(self, bob, provider):
        providers.connect(bob, provider, "1001")
        browser = Client()
        path = providers.begin(browser, provider)
        assert browser.get(path).status_code == 302
        answer = browser.get(path)
        assert answer.status_code == 400
        assert "Begin again" in answer.content.decode()

    def test_another_browsers_way(self, bob, provider):
        providers.connect(bob, provider, "1001")
        assert Client().get(providers.begin(Client(), provider)).status_code == 400

    def test_a_way_that_took_too_long(self, bob, provider):
        providers.connect(bob, provider, "1001")
        browser = Client()
        path = providers.begin(browser, provider)
        with time_machine.travel(timezone.now() + timedelta(minutes=11)):
            assert browser.get(path).status_code == 400

    def test_who_gave_up_at_the_provider(self, provider):
        browser = Client()
        address = browser.get(f"/sign-in/to/{provider.organization.slug}/start/").url
        state = address.partition("state=")[2].partition("&")[0]
        answer = browser.get(urlsplit(provider.callback_address).path, {"state": state, "error": "access_denied"})
        assert answer.status_code == 400
        assert "signed nobody in" in answer.content.decode()


class TestNewPeople:
    @pytest.fixture
    def open_door(self, alice, bob, provider, fake):
        """Whoever is new becomes a counselor."""
        fake.person = {"sub": "new", "email": "Nina@Work.example", "email_verified": True, "name": "Nina Falk"}
        return providers.change(alice, role=bob.member.role)

    def test_they_become_members_where_the_organization_wants_it(self, alice, open_door):
        browser = Client()
        assert providers.sign_in(browser, open_door).url == alice.url("")
        user = User.objects.get(email="nina@work.example")
        assert (user.name, user.has_usable_password()) == ("Nina Falk", False)
        with organization_scope(alice.organization):
            assert Member.objects.get(user=user).role.key == "counselor"
        assert browser.get(alice.url("account/")).status_code == 200
        assert providers.sign_in(Client(), open_door).status_code == 302
        assert User.objects.filter(email__iexact="nina@work.example").count() == 1

    def test_nobody_does_where_it_does_not(self, provider, fake):
        fake.person = {"sub": "new", "email": "nina@work.example", "email_verified": True}
        assert providers.sign_in(Client(), provider).status_code == 403
        assert not User.objects.filter(email="nina@work.example").exists()

    @pytest.mark.parametrize("verified", [False, None, "true"])
    def test_an_address_that_was_not_verified_makes_no_account(self, open_door, fake, verified):
        fake.person["email_verified"] = verified
        assert providers.sign_in(Client(), open_door).status_code == 403
        assert not User.objects.filter(email="nina@work.example").exists()

    def test_who_has_no_password_confirms_by_the_provider_that_has_to_ask(self, alice, open_door, fake):
        browser = Client()
        providers.sign_in(browser, open_door)
        page = browser.get("/account/authenticator-app/", follow=True)
        assert "Confirm with Work" in page.content.decode()
        # It did not ask: the time that it gives is of before.
        fake.bend = lambda claims: claims.update(auth_time=int(time.time()) - 600)
        again = {"again": "1", "next": "/account/authenticator-app/"}
        assert browser.get(providers.begin(browser, open_door, **again)).status_code == 400
        fake.bend = lambda claims: None
        assert providers.sign_in(browser, open_door, **again).url == "/account/authenticator-app/"
        assert browser.get("/account/authenticator-app/").status_code == 200
        # It is the only way in that there is.
        path = alice.url("account/security/provider/disconnect/")
        assert "You have no password yet" in browser.post(path, follow=True).content.decode()

    def test_a_password_of_ones_own_is_asked_for_even_so(self, bob, provider):
        providers.connect(bob, provider, "1001")
        browser = Client()
        providers.sign_in(browser, provider, again="1")
        assert browser.get(bob.url("account/password/")).url.startswith("/account/confirm/")


class TestWhatItOpens:
    @pytest.fixture
    def both(self, bob, charlie):
        """Bob, as a member of Charlie's organization as well."""
        with organization_scope(charlie.organization):
            member = members.add(
                organization=charlie.organization, user=bob.user, role=charlie.member.role, actor=charlie.actor
            )
        return Person(bob.user, member)

    def test_one_organization_and_no_other(self, bob, both, provider):
        providers.connect(bob, provider, "1001")
        browser = Client()
        providers.sign_in(browser, provider)
        assert is_in(browser, bob)
        assert browser.get(both.url("account/")).url.startswith("/sign-in/?next=")
        assert both.organization.name not in browser.get(bob.url("account/")).content.decode()
        page = browser.get("/switch/").content.decode()
        assert both.organization.name not in page
        assert "Sign in with your own password" in page
        assert browser.get("/").url == bob.url("")
        me = browser.get("/api/v1/auth/me")
        assert (me.status_code, me.json()["errors"][0]["code"]) == (403, "own_sign_in_required")
        switch = browser.post("/api/v1/auth/switch", {"organization": both.organization.slug}, "application/json")
        assert switch.status_code == 403
        assert browser.get("/api/v1/customers").status_code == 200
        # The password opens the rest.
        assert "opens that organization only" in browser.get("/sign-in/").content.decode()
        browser.post("/sign-in/", {"email": bob.user.email, "password": PASSWORD})
        assert is_in(browser, both)
        assert is_in(browser, bob)

    def test_not_the_admin_console(self, bob, provider):
        User.objects.filter(pk=bob.user.pk).update(is_staff=True, is_superuser=True)
        providers.connect(bob, provider, "1001")
        browser = Client()
        providers.sign_in(browser, provider)
        assert browser.get("/admin/").url.startswith("/sign-in/?next=")

    def test_another_person_in_the_same_browser_has_nothing_of_the_first(self, alice, bob, both, provider):
        providers.connect(bob, provider, "1001")
        browser = recently(alice)
        providers.sign_in(browser, provider)
        assert is_in(browser, bob)
        assert browser.get(both.url("account/")).url.startswith("/sign-in/?next=")

    def test_a_password_that_somebody_else_chose_is_not_set_by_it(self, bob, provider):
        User.objects.filter(pk=bob.user.pk).update(must_change_password=True)
        providers.connect(bob, provider, "1001")
        browser = Client()
        providers.sign_in(browser, provider)
        assert browser.get("/account/new-password/").url.startswith("/sign-in/")


class TestTheSecondFactor:
    def test_ours_is_asked_whatever_the_provider_says(self, bob, provider, fake):
        set_up_factor(bob)
        providers.connect(bob, provider, "1001")
        fake.person["amr"] = ["pwd", "mfa"]
        browser = Client()
        assert providers.sign_in(browser, provider).url == "/sign-in/code/"
        assert not is_in(browser, bob)
        assert browser.post("/sign-in/code/", {"code": code_of(bob)}).url == bob.url("")
        assert is_in(browser, bob)

    @pytest.mark.parametrize("shown", [{"amr": ["pwd", "mfa"]}, {"acr": "mfa"}])
    def test_the_providers_counts_where_that_is_set(self, alice, bob, provider, fake, shown):
        set_up_factor(bob)
        providers.connect(bob, provider, "1001")
        providers.change(alice, factor_values=["mfa"])
        fake.person |= shown
        assert providers.sign_in(Client(), provider).url == bob.url("")

    def test_an_organization_that_requires_one_has_it_set_up_where_the_provider_showed_none(
        self, alice, bob, provider, fake
    ):
        providers.connect(bob, provider, "1001")
        require_factor(bob)
        browser = Client()
        providers.sign_in(browser, provider)
        assert browser.get(bob.url("account/")).url.startswith("/account/authenticator-app/")
        providers.change(alice, factor_values=["mfa"])
        providers.sign_in(browser, provider)
        assert not is_in(browser, bob)
        fake.person["amr"] = ["mfa"]
        providers.sign_in(browser, provider)
        assert is_in(browser, bob)


class TestWithoutPasswords:
    def test_members_are_led_to_the_provider_and_connect_there(self, alice, bob, provider):
        providers.close_passwords(alice, provider)
        browser = recently(bob)
        answer = browser.get(bob.url("account/"))
        assert answer.url.startswith(f"/sign-in/to/{bob.organization.slug}/?next=")
        assert "Connect your account there once" in browser.get(answer.url).content.decode()
        providers.connect_by(browser, provider)
        assert is_in(browser, bob)

    def test_tokens_are_no_way_around(self, alice, bob, provider):
        api = bob.api
        assert api.get("/api/v1/customers").status_code == 200
        providers.close_passwords(alice, provider)
        answer = api.get("/api/v1/customers")
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, "provider_sign_in_required")

    def test_one_administrator_keeps_the_password(self, alice, provider):
        other = join(alice, "ada@harbour.example", "Ada Berg", "admin")
        providers.close_passwords(alice, provider)
        assert is_in(recently(alice), alice)
        assert recently(other).get(other.url("account/")).status_code == 302
        with organization_scope(alice.organization):
            for change in (members.deactivate, members.remove):
                with pytest.raises(members.PasswordKeeper):
                    change(member=alice.member, actor=other.actor)
            counselor = Role.objects.get(key="counselor")
            with pytest.raises(members.PasswordKeeper):
                members.change(member=alice.member, role=counselor, actor=other.actor)
        # Gone by another way: then every administrator does.
        Organization.objects.filter(pk=alice.organization.pk).update(password_keeper=None)
        assert is_in(recently(other), other)

    def test_another_organization_is_as_before(self, alice, charlie, provider):
        providers.close_passwords(alice, provider)
        assert is_in(recently(charlie), charlie)


def test_a_provider_that_does_not_answer_is_a_sentence(bob, alice):
    with serving(Provider()) as fake:
        provider = providers.set_up(alice, fake)
        browser = Client()
        path = providers.begin(browser, provider)
    answer = browser.get(path)
    assert answer.status_code == 400
    assert "can’t be used" in answer.content.decode()


def test_an_address_that_moved_is_found_a_day_later(bob, provider, fake):
    providers.connect(bob, provider, "1001")
    with organization_scope(bob.organization):
        provider.endpoints["token"] = f"{fake.address}/of-before"
        provider.save()
        assert providers.sign_in(Client(), provider).status_code == 400
        provider.endpoints_read_at -= timedelta(days=2)
        provider.save()
    assert providers.sign_in(Client(), provider).status_code == 302


def test_the_way_is_found_by_the_organizations_address(provider):
    browser = Client()
    slug = provider.organization.slug
    assert "Continue with Work" in browser.get("/sign-in/", {"next": f"/o/{slug}/inbox/"}).content.decode()
    assert browser.post("/sign-in/provider/", {"organization": slug.upper()}).url == f"/sign-in/to/{slug}/"
    assert "Continue with Work" in browser.get(f"/sign-in/to/{slug}/").content.decode()
    assert "No organization" in browser.post("/sign-in/provider/", {"organization": "nobodys"}).content.decode()
    assert browser.get("/sign-in/to/nobodys/").status_code == 404


def test_nothing_leads_out(bob, provider):
    providers.connect(bob, provider, "1001")
    assert providers.sign_in(Client(), provider, next="https://elsewhere.example/").url == bob.url("")
