from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import Impersonation, Member
from activity.models import Event
from core.tenancy import organization_scope
from tests.conftest import PASSWORD, Person

Act = Callable[..., Client]


def act_as(person: Person, by: Person, browser: Client | None = None) -> Client:
    """A browser of `by` that acts as the person from now on."""
    browser = browser or by.client
    path = by.url(f"settings/people/{person.member.pk}/impersonate/")
    answer = browser.post(path, {"reason": "A question of hers", "password": PASSWORD})
    assert answer.status_code == 302, answer.content.decode()
    return browser


def token_of(person: Person, by: Person) -> str:
    """A token by which `by` acts as the person."""
    body = {"reason": "A question of hers", "password": PASSWORD}
    answer = by.api.post(f"/api/v1/admin/users/{person.user.pk}/impersonate", body, format="json")
    assert answer.status_code == 201, answer.content
    return str(answer.json()["impersonation_token"])


def caller(token: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def rows(person: Person) -> list[Impersonation]:
    with organization_scope(person.organization):
        return list(Impersonation.objects.order_by("began_at"))


def recorded(person: Person, *types: str) -> list[Event]:
    with organization_scope(person.organization):
        return list(Event.objects.filter(type__in=types).order_by("pk"))


def change(person: Person, **columns: object) -> None:
    """Set columns of the person's membership, behind every service's back."""
    with organization_scope(person.organization):
        Member.objects.filter(pk=person.member.pk).update(**columns)


@pytest.fixture
def acting(alice: Person, bob: Person) -> Client:
    """Alice's browser, as Bob."""
    return act_as(bob, alice)
