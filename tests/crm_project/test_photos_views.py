"""A colleague's photo is shown wherever they stand beside a record, not on the pages of people alone."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from core.tenancy import organization_scope
from customers.models import Task
from customers.pipeline.deals import services as deals

PAGES = ["customers/", "pipeline/", "deals/", "deals/board/", "tasks/?view=someday&who=all", "inbox/?view=all"]


@pytest.fixture
def of_bob(alice: Any, bob: Any, make_conversation: Any) -> str:
    """Bob has a photo, and one of everything; the address of the photo."""
    User.objects.filter(pk=bob.user.pk).update(photo="photos/bob")
    customer = make_conversation(bob).customer
    with organization_scope(alice.organization):
        Task.objects.create(organization=alice.organization, title="Call", customer=customer, assigned_to=bob.user)
        deals.create(customer=customer, actor=alice.actor, title="Whitening", amount=Decimal(120), owner=bob.user)
    return str(alice.url(f"people/{bob.user.pk}/photo/?v="))


@pytest.mark.parametrize("path", PAGES)
def test_the_owners_photo_is_shown(path, alice, of_bob):
    answer = alice.client.get(alice.url(path))
    assert answer.status_code == 200
    assert of_bob in answer.content.decode()
