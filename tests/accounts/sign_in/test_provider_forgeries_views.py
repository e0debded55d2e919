"""What a sign-in provider, or who stands in its place, says wrongly, opens nothing."""

from __future__ import annotations

import time

import jwt
import pytest
from django.test import Client

from tests.accounts import providers
from tests.conftest import Person
from tests.fakes.openid import CLIENT_ID, key_of

pytestmark = pytest.mark.django_db


def is_in(browser: Client, person: Person) -> bool:
    return browser.get(person.url("account/")).status_code == 200


def hs256(claims):
    return jwt.encode(claims, "parley" * 8, algorithm="HS256", headers={"kid": "first"})


LIES = {
    "nonce": lambda claims: claims.update(nonce="of another sign-in"),
    "no nonce": lambda claims: claims.pop("nonce"),
    "audience": lambda claims: claims.update(aud="another-client"),
    "one of several audiences": lambda claims: claims.update(aud=[CLIENT_ID, "another"], azp="another"),
    "party": lambda claims: claims.update(azp="another"),
    "expired": lambda claims: claims.update(exp=int(time.time()) - 120, iat=int(time.time()) - 600),
    "no end": lambda claims: claims.pop("exp"),
    "not yet": lambda claims: claims.update(iat=int(time.time()) + 600),
    "issuer": lambda claims: claims.update(iss="https://elsewhere.example"),
    "no subject": lambda claims: claims.pop("sub"),
    "a subject that is a number": lambda claims: claims.update(sub=1001),
    "an empty subject": lambda claims: claims.update(sub=""),
}
FORGERIES = {
    "unsigned": lambda claims: jwt.encode(claims, None, algorithm="none", headers={"kid": "first"}),
    "by the secret": hs256,
    "another key by its name": lambda claims: jwt.encode(claims, key_of("other"), "RS256", {"kid": "first"}),
    "another key": lambda claims: jwt.encode(claims, key_of("other"), "RS256", {"kid": "other"}),
    "no token": lambda claims: None,
    "no token at all": lambda claims: "a.b",
}


class TestLies:
    @pytest.mark.parametrize("lie", LIES)
    def test_a_token_that_says_something_else(self, bob, provider, fake, lie):
        providers.connect(bob, provider, "1001")
        fake.bend = LIES[lie]
        browser = Client()
        answer = providers.sign_in(browser, provider)
        assert answer.status_code == 400
        assert "can’t be used" in answer.content.decode()
        assert not is_in(browser, bob)

    @pytest.mark.parametrize("forgery", FORGERIES)
    def test_a_token_that_the_provider_did_not_sign(self, bob, provider, fake, forgery):
        providers.connect(bob, provider, "1001")
        fake.sign = FORGERIES[forgery]
        browser = Client()
        assert providers.sign_in(browser, provider).status_code == 400
        assert not is_in(browser, bob)

    def test_a_new_key_of_the_provider_is_known_at_once(self, bob, provider, fake):
        providers.connect(bob, provider, "1001")
        fake.key = "second"
        assert providers.sign_in(Client(), provider).status_code == 302

    def test_another_issuers_answer_never_reaches_this_one(self, bob, provider, fake):
        providers.connect(bob, provider, "1001")
        browser = Client()
        path = providers.begin(browser, provider)
        before = list(fake.requests)
        assert browser.get(f"{path}&iss=https%3A%2F%2Felsewhere.example").status_code == 400
        assert fake.requests == before

    def test_an_answer_names_its_issuer_where_the_provider_says_so(self, alice, bob, fake):
        fake.document = {"authorization_response_iss_parameter_supported": True}
        provider = providers.set_up(alice, fake)
        providers.connect(bob, provider, "1001")
        browser = Client()
        path = providers.begin(browser, provider)
        assert browser.get(path.partition("&iss=")[0]).status_code == 400
        assert providers.sign_in(browser, provider).status_code == 302

    def test_another_organizations_provider_at_the_same_issuer(self, alice, bob, charlie, provider, fake):
        providers.connect(bob, provider, "1001")
        theirs = providers.set_up(charlie, fake)
        fake.redirects = None
        browser = Client()
        assert providers.sign_in(browser, theirs).status_code == 403
        # Nor is the way to one the way back of the other.
        path = providers.begin(browser, theirs).replace(str(theirs.pk), str(provider.pk))
        assert browser.get(path).status_code == 400

    def test_userinfo_of_somebody_else_is_not_taken(self, bob, provider, fake):
        providers.connect(bob, provider, "1001")
        fake.bend = lambda claims: claims.pop("email")
        assert providers.sign_in(Client(), provider).status_code == 302
        fake.bend = lambda claims: claims.update(sub="1001", email="")
        fake.person = {"sub": "other"}
        assert providers.sign_in(Client(), provider).status_code == 400
