"""A sign-in provider of an organization for tests, and browsers that go by it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests
from django.test import Client

from accounts.models import Organization, ProviderLink, SignInProvider
from accounts.openid import discovery, services
from accounts.openid.id_tokens import Identity
from core.tenancy import organization_scope
from tests.conftest import Person
from tests.fakes.openid import CLIENT_ID, CLIENT_SECRET, Provider


def set_up(alice: Person, fake: Provider, **changes: Any) -> SignInProvider:
    """The fake as the provider of Alice's organization."""
    with organization_scope(alice.organization):
        return services.save(
            organization=alice.organization,
            by=alice.member,
            actor=alice.actor,
            changes={
                "name": "Work",
                "issuer": fake.address,
                "client_id": CLIENT_ID,
                "client_secret": CLIENT_SECRET,
                **changes,
            },
            endpoints=discovery.read(fake.address),
        )


def change(alice: Person, **changes: Any) -> SignInProvider:
    with organization_scope(alice.organization):
        return services.save(organization=alice.organization, by=alice.member, actor=alice.actor, changes=changes)


def connect(person: Person, provider: SignInProvider, subject: str) -> ProviderLink:
    """The person has connected this account."""
    identity = Identity(provider.issuer, subject, email=f"{subject}@work.example")
    return services.connect(member=person.member, provider=provider, identity=identity)


def close_passwords(alice: Person, provider: SignInProvider) -> None:
    """Alice, who keeps hers, lets nobody else in by one."""
    connect(alice, provider, "alice")
    change(alice, allows_passwords=False, password_keeper=alice.member)
    for one in (alice.organization, Organization.objects.get(pk=alice.organization.pk)):
        one.refresh_from_db()


def way_back(browser: Client, address: str) -> str:
    """At the provider, as a browser goes there: the path of ours that it sends back to."""
    answer = requests.get(address, allow_redirects=False, timeout=5)
    assert answer.status_code == 302, answer.text
    parts = urlsplit(answer.headers["Location"])
    return f"{parts.path}?{parts.query}"


def begin(browser: Client, provider: SignInProvider, **query: str) -> str:
    """Through the button to the provider, and the path back, not yet gone."""
    answer = browser.get(f"/sign-in/to/{provider.organization.slug}/start/", query)
    assert answer.status_code == 302
    return way_back(browser, answer.url)


def sign_in(browser: Client, provider: SignInProvider, **query: str) -> Any:
    """The whole way."""
    return browser.get(begin(browser, provider, **query))


def connect_by(browser: Client, provider: SignInProvider) -> Any:
    """The whole way of connecting, by a browser that has just shown who it is."""
    page = browser.post(f"/account/provider/{provider.organization.slug}/")
    return browser.get(way_back(browser, page.context["leads_to"]))
