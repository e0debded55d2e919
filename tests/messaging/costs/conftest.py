from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from core.tenancy import organization_scope
from messaging.costs import services as costs
from messaging.models import RateCard
from tests.messaging.conftest import make_channel

MakeRate = Callable[..., RateCard]
BEGINNING = date(2020, 1, 1)


@pytest.fixture
def make_rate(alice: Any) -> MakeRate:
    """A rate of Alice's: WhatsApp, every other country and category, 0.05 EUR, unless it says otherwise."""

    def make(price: str = "0.05", **values: Any) -> RateCard:
        given: Any = {
            "channel_kind": "whatsapp", "market": "*", "category": "", "currency": "EUR", "valid_from": BEGINNING,
            "price": Decimal(price), **values,
        }  # fmt: skip
        with organization_scope(alice.organization):
            return costs.create(organization=alice.organization, actor=alice.actor, values=given)

    return make


@pytest.fixture
def whatsapp_channel(alice: Any) -> Any:
    return make_channel(alice.organization, "whatsapp")
