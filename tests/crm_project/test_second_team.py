"""A colleague is somebody of one's own team, not of any: with two teams, each manager sees their own's records."""

from __future__ import annotations

from typing import Any

import pytest

from core.tenancy import organization_scope
from customers.models import Customer, Deal, Task
from customers.models.querysets import owners_in_reach
from customers.pipeline.deals import services as deals
from customers.work.tasks import services as tasks
from messaging.models import Conversation


@pytest.fixture
def records(alice: Any, bob: Any, mona: Any, tom: Any, tara: Any, make_conversation: Any) -> dict[str, Any]:
    """What Bob and Tom each have: a customer with a conversation, a task and a deal."""
    made = {}
    with organization_scope(alice.organization):
        for name, person in (("bob", bob), ("tom", tom)):
            conversation = make_conversation(person, name=f"Of {name}")
            about: dict[str, Any] = {"customer": conversation.customer, "actor": alice.actor, "title": f"Of {name}"}
            tasks.create(organization=alice.organization, **about)
            deals.create(amount=5, **about)
            made[name] = conversation
    return made


@pytest.mark.parametrize("model", [Customer, Conversation, Task, Deal])
def test_each_manager_reaches_the_own_team(alice, mona, tara, records, model):
    with organization_scope(alice.organization):
        counts = [model.objects.visible_to(person.member).count() for person in (alice, mona, tara)]
        assert counts == [2, 1, 1]
        reaches = owners_in_reach([mona.member, tara.member])
        assert records["tom"].customer.assigned_to_id not in reaches[mona.member.pk]
        assert records["bob"].customer.assigned_to_id not in reaches[tara.member.pk]


def test_pages_and_calls_show_the_own_team_only(mona, tara, records):
    for person, own, other in ((mona, "bob", "tom"), (tara, "tom", "bob")):
        for path in ("customers", "inbox", "conversations", "tasks", "deals", "customers?q=Of"):
            answer = person.api.get(f"/api/v1/{path}").content.decode()
            assert f"Of {other}" not in answer, path
        assert f"Of {own}" in person.api.get("/api/v1/customers").content.decode()
        hidden = records[other]
        assert person.api.get(f"/api/v1/customers/{hidden.customer_id}").status_code == 404
        assert person.client.get(person.url(f"inbox/{hidden.pk}/")).status_code == 404
