from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from activity.audit import sealing
from activity.audit.checking import Fault, check
from activity.ledger import record
from activity.models import Event
from core.tenancy import every_organization, organization_scope
from customers import events
from customers.models import Customer
from tests.ledger import stamp_again


@pytest.fixture(autouse=True)
def cast_stamped(without_pack: None, alice: Any) -> None:
    """The cast's events with proofs of their own."""
    with every_organization("the test writes"):
        stamp_again()


@pytest.fixture
def tell(alice: Any, make_customer: Callable[..., Customer]) -> Callable[..., list[Event]]:
    """So many events about one customer."""

    def tell(count: int, customer: Customer | None = None) -> list[Event]:
        who = customer or make_customer()
        with organization_scope(alice.organization):
            return [
                record(events.TAG_ADDED, subject=who, actor=alice.actor, payload={"tag": f"Tag {n}"})
                for n in range(count)
            ]

    return tell


@pytest.fixture
def sealed(alice: Any) -> Callable[[], int]:
    return lambda: sealing.seal(alice.organization.pk)


@pytest.fixture
def fault(alice: Any) -> Callable[[], Fault | None]:
    return lambda: check(alice.organization.pk)
