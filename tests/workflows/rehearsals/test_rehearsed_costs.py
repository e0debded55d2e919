"""What a rehearsal says that the messages would have cost."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from messaging.costs import services as costs
from messaging.models import RateCard
from tests.workflows.rehearsals.conftest import at

pytestmark = pytest.mark.django_db

SEND: Any = {"action": "send_text", "body": "Are you still there?"}


@pytest.fixture
def make_rate(alice: Any) -> Any:
    def make(price: str, **values: Any) -> RateCard:
        given: Any = {
            "channel_kind": "whatsapp", "market": "*", "category": "", "currency": "EUR", "price": Decimal(price),
            "valid_from": (at(0) - timedelta(days=9)).date(), **values,
        }  # fmt: skip
        return costs.create(organization=alice.organization, actor=alice.actor, values=given)

    return make


def test_by_the_rate_of_the_day_on_which_each_would_leave(alice, make_rule, past, rehearse, make_rate):
    ada, bob = past(), past()
    ada.writes(at(0))
    bob.writes(at(24 * 5))
    make_rate("0.02")
    make_rate("0.05", valid_from=(at(0) + timedelta(days=3)).date())
    rehearsal = rehearse(make_rule("message.received", {}, [SEND]))
    assert rehearsal.totals["sends"] == 2
    assert {name: Decimal(amount) for name, amount in rehearsal.totals["cost"].items()} == {"EUR": Decimal("0.07")}
    assert rehearsal.totals["cost_unknown"] == 0
    page = alice.client.get(alice.url(f"settings/rehearsals/{rehearsal.pk}/")).content.decode()
    assert "The messages would have cost 0.07 EUR" in page
    body = alice.api.get(f"/api/v1/workflow-rehearsals/{rehearsal.pk}").json()
    assert Decimal(body["totals"]["cost"]["EUR"]) == Decimal("0.07")


def test_without_a_rate_it_is_unknown_and_counted_apart(alice, make_rule, past, rehearse):
    past().writes(at(0))
    rehearsal = rehearse(make_rule("message.received", {}, [SEND]))
    assert rehearsal.totals["cost"] == {}
    assert rehearsal.totals["cost_unknown"] == 1
    page = alice.client.get(alice.url(f"settings/rehearsals/{rehearsal.pk}/")).content.decode()
    assert "1 of unknown cost" in page


def test_what_would_not_have_gone_out_costs_nothing(make_rule, past, rehearse, make_rate):
    past().writes(at(0))
    make_rate("0.02")
    rehearsal = rehearse(make_rule("message.received", {"message_body": "something else"}, [SEND]))
    assert rehearsal.totals["cost"] == {}
    assert rehearsal.totals["cost_unknown"] == 0
