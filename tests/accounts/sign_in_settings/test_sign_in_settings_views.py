"""Settings → Sign-in."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client

from accounts.models import Organization, Role, SignInProvider
from accounts.permissions import CATALOG
from accounts.roles import services as roles
from activity.models import Event
from core.tenancy import every_organization, organization_scope
from tests.accounts import providers
from tests.accounts.factors import recently
from tests.accounts.roles.test_roles_views import form_in
from tests.conftest import Person
from tests.fakes.openid import CLIENT_ID, CLIENT_SECRET

pytestmark = pytest.mark.django_db
PAGE, FORM, DELETE = "settings/sign-in/", "settings/sign-in/provider/", "settings/sign-in/provider/delete/"


def entered(fake, **changes):
    given = {"name": "Work", "issuer": fake.address, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    return {**given, "is_enabled": "on", "allows_passwords": "on", **changes}


def saved() -> SignInProvider:
    with every_organization("a test looks everywhere"):
        return SignInProvider.objects.select_related("organization").get()


def test_an_administrator_sets_it_up(alice, fake):
    browser = recently(alice)
    assert "Set up a provider" in browser.get(alice.url(PAGE)).content.decode()
    assert browser.post(alice.url(FORM), entered(fake, factor_values="mfa, otp")).url == alice.url(PAGE)
    page = browser.get(alice.url(PAGE)).content.decode()
    assert saved().callback_address in page
    assert "mfa, otp" in page
    for address in (PAGE, FORM):
        assert CLIENT_SECRET not in browser.get(alice.url(address)).content.decode()
    with connection.cursor() as cursor:
        cursor.execute("SELECT client_secret FROM accounts_signinprovider")
        assert CLIENT_SECRET not in cursor.fetchone()[0]
    with organization_scope(alice.organization):
        event = Event.objects.get(type="sign_in_provider.saved")
    assert event.payload["provider"] == "Work"
    assert CLIENT_SECRET not in str(event.payload)


def test_who_it_is_is_asked_first(alice, fake):
    assert alice.client.post(alice.url(FORM), entered(fake)).url.startswith("/account/confirm/")


def test_less_than_everything_is_not_enough(alice, bob, fake, provider):
    assert bob.client.get(bob.url(PAGE)).status_code == 403
    with organization_scope(alice.organization):
        almost = roles.create(
            organization=alice.organization,
            by=alice.member,
            actor=alice.actor,
            name="Almost",
            permissions=sorted(CATALOG - {"audit.export"}),
            reach="all",
        )
        bob.member.role = almost
        bob.member.save()
    browser = recently(bob)
    assert "Only an administrator changes" in browser.get(bob.url(PAGE)).content.decode()
    for address in (FORM, DELETE):
        assert browser.get(bob.url(address)).status_code == 403
        assert browser.post(bob.url(address), entered(fake, name="Mine")).status_code == 403
    assert saved().name == "Work"


def test_another_organization_sees_none_of_it(charlie, provider):
    assert provider.issuer not in charlie.client.get(charlie.url(PAGE)).content.decode()
    assert charlie.client.get(f"/o/{provider.organization.slug}/{PAGE}").status_code == 404
    assert recently(charlie).post(charlie.url(DELETE)).status_code == 404


@pytest.mark.parametrize(
    ("issuer", "words"),
    [
        ("http://sso.example", "has to begin with https://"),
        ("ftp://sso.example", "has to begin with https://"),
        ("https://user@sso.example", "a user name in it"),
        ("https://sso.example/a b", "characters that no address has"),
        ("https://10.0.0.1", "inside of a private network"),
        ("https://[::1]:1", "inside of a private network"),
        ("https://127.0.0.1:99999", "This is no address"),
        ("nonsense", "no host name"),
    ],
)
def test_an_issuer_that_can_not_be_is_refused_with_the_reason(alice, fake, settings, issuer, words):
    settings.SIGN_IN_PROVIDER_HOSTS = []
    answer = recently(alice).post(alice.url(FORM), entered(fake, issuer=issuer))
    assert answer.status_code == 422
    assert words in str(answer.context["form"].errors["issuer"])


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"issuer": "https://elsewhere.example"}, "calls itself"),
        ({"jwks_uri": None}, "names no jwks_uri"),
        ({"token_endpoint": "http://10.0.0.1/token"}, "token_endpoint can’t be used"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "authorization_endpoint can’t be used"),
    ],
)
def test_a_provider_that_says_nonsense_of_itself_is_refused(alice, fake, document, words):
    fake.document = document
    answer = recently(alice).post(alice.url(FORM), entered(fake))
    assert answer.status_code == 422
    assert words in str(answer.context["form"].errors["issuer"])


def test_the_secret_stays_where_none_is_entered(alice, bob, fake, provider):
    browser = recently(alice)
    data = form_in(browser.get(alice.url(FORM))).data(name="Office")
    assert browser.post(alice.url(FORM), data).status_code == 302
    assert (saved().name, saved().client_secret) == ("Office", CLIENT_SECRET)
    providers.connect(bob, provider, "1001")
    assert providers.sign_in(Client(), saved()).status_code == 302


def test_what_somebody_else_changed_is_asked_about(alice, fake, provider):
    browser = recently(alice)
    data = form_in(browser.get(alice.url(FORM))).data(name="Office")
    providers.change(alice, name="Desk")
    assert browser.post(alice.url(FORM), data).status_code == 422
    assert saved().name == "Desk"


def test_nobody_becomes_an_administrator_by_it(alice, fake, provider):
    browser = recently(alice)
    with organization_scope(alice.organization):
        admin = Role.objects.get(key="admin")
    data = form_in(browser.get(alice.url(FORM))).data()
    answer = browser.post(alice.url(FORM), {**data, "role": str(admin.pk)})
    assert answer.context["form"].errors["role"]


class TestWithoutPasswords:
    def post(self, person: Person, **changes):
        browser = recently(person)
        data = form_in(browser.get(person.url(FORM))).data()
        data.pop("allows_passwords")
        return browser.post(person.url(FORM), {**data, **changes})

    def test_they_are_closed_by_who_knows_that_it_works(self, alice, provider):
        keeper = {"password_keeper": str(alice.member.pk)}
        assert "Connect your own account first" in str(self.post(alice, **keeper).context["form"].errors)
        providers.connect(alice, provider, "alice")
        assert "Choose an administrator" in str(self.post(alice).context["form"].errors["password_keeper"])
        assert Organization.objects.get(pk=alice.organization.pk).allows_passwords
        assert self.post(alice, **keeper).status_code == 302
        page = recently(alice).get(alice.url(PAGE)).content.decode()
        assert f"are good for {alice.user.name} only" in page

    def test_a_provider_that_is_off_leaves_them_open(self, alice, provider):
        providers.close_passwords(alice, provider)
        browser = recently(alice)
        data = form_in(browser.get(alice.url(FORM))).data()
        data.pop("is_enabled")
        answer = browser.post(alice.url(FORM), data)
        assert "passwords have to be allowed" in str(answer.context["form"].errors["allows_passwords"])

    def test_removing_it_opens_them_and_ends_what_it_began(self, alice, bob, provider):
        providers.close_passwords(alice, provider)
        providers.connect(bob, provider, "1001")
        theirs, browser = Client(), recently(alice)
        providers.sign_in(theirs, provider)
        assert "2 members sign in by it" in browser.get(alice.url(DELETE)).content.decode()
        assert browser.post(alice.url(DELETE)).url == alice.url(PAGE)
        assert theirs.get(bob.url("account/")).url.startswith("/sign-in/")
        assert recently(bob).get(bob.url("account/")).status_code == 200
        with organization_scope(alice.organization):
            assert Event.objects.filter(type="sign_in_provider.deleted").count() == 1


def test_another_issuer_ends_sessions_and_connections_of_the_first(alice, bob, fake, provider):
    providers.connect(bob, provider, "1001")
    theirs = Client()
    providers.sign_in(theirs, provider)
    browser = recently(alice)
    # The same machine by its other name is another issuer.
    fake.address = fake.address.replace("127.0.0.1", "localhost")
    data = form_in(browser.get(alice.url(FORM))).data(issuer=fake.address)
    assert browser.post(alice.url(FORM), data).status_code == 302
    assert theirs.get(bob.url("account/")).status_code == 302
    assert providers.sign_in(Client(), saved()).status_code == 403
