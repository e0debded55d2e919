from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.api_keys import services
from accounts.members import service_members
from accounts.models import APIKey, Member, Role
from core.tenancy import organization_scope
from tests.conftest import Person


def with_key(secret: str, *, address: str = "127.0.0.1") -> APIClient:
    return APIClient(headers={"X-API-Key": secret}, REMOTE_ADDR=address)


@pytest.fixture
def service(alice: Person) -> Member:
    """The website of Alice's clinic."""
    with organization_scope(alice.organization):
        role = Role.objects.get(key="counselor")
        return service_members.create(organization=alice.organization, name="Website", role=role, actor=alice.actor)


@pytest.fixture
def issue(alice: Person) -> Callable[..., tuple[APIKey, str]]:
    def make(owner: Member | None = None, by: Person = alice, **fields: Any) -> tuple[APIKey, str]:
        given: dict[str, Any] = {"name": "Website", "scopes": ["customers.view", "customers.create"], **fields}
        with organization_scope(alice.organization):
            return services.issue(owner=owner or by.member, by=by.member, actor=by.actor, **given)

    return make


@pytest.fixture
def old(issue: Callable[..., tuple[APIKey, str]]) -> tuple[APIKey, str]:
    """A key that is watched for longer than 30 days, and was never used."""
    key, secret = issue()
    long_ago = timezone.now() - timedelta(days=40)
    with organization_scope(key.organization):
        APIKey.objects.filter(pk=key.pk).update(created_at=long_ago, uses_counted_since=long_ago)
        key.refresh_from_db()
    return key, secret
