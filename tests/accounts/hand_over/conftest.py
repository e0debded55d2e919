"""Bob leaves: what he has, of every kind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.tenancy import organization_scope
from customers.models import Customer, Deal, Segment, Task
from customers.people.customers import services as customers
from customers.people.segments import services as segments
from customers.pipeline.deals import services as deals
from customers.work.tasks import services as tasks
from messaging.delivery import queue as outbound
from messaging.models import Conversation, Message, Template
from messaging.texts.templates import services as templates
from workflows.models import Workflow
from workflows.rules import services as workflows


@dataclass
class Belongings:
    customer: Customer
    conversation: Conversation
    deal: Deal
    won: Deal
    task: Task
    done: Task
    message: Message
    segment: Segment
    template: Template
    rule: Workflow


@pytest.fixture
def things(alice: Any, bob: Any, make_conversation: Any) -> Belongings:
    conversation = make_conversation(bob, kind="email", email="ada@x.example", name="=Ada Lovelace")
    customer, organization = conversation.customer, alice.organization
    later = timezone.now() + timedelta(days=1)
    with organization_scope(organization):
        customers.set_follow_up(customer=customer, at=later, actor=bob.actor)
        about: dict[str, Any] = {"customer": customer, "actor": bob.actor}
        deal = deals.create(title="Braces", amount=5, owner=bob.user, **about)
        won = deals.create(title="Cleaning", amount=5, owner=bob.user, status="won", **about)
        given: dict[str, Any] = {"organization": organization, "actor": bob.actor, "assigned_to": bob.user}
        task = tasks.create(title="Call Ada", customer=customer, **given)
        done = tasks.create(title="Write Ada", status="done", **given)
        message = outbound.queue_message(
            conversation=conversation, body="See you", author=bob.user, actor=bob.actor, not_before_at=later
        )
        segment = segments.create(member=bob.member, actor=bob.actor, name="Mine", filter={"q": "ada"})
        template = templates.create(
            organization=organization, actor=bob.actor, name="Hello", channel="sms", body="Hi", sharing="author"
        )
        rule = workflows.create(
            organization=organization, actor=alice.actor,
            values={
                "name": "Bob’s leads", "trigger_event": "customer.created", "is_enabled": True,
                "conditions": {"any": [{"field": "assigned_to", "op": "in", "value": [str(bob.user.pk)]}]},
                "actions": [{"action": "assign", "to": str(bob.user.pk)}, {"action": "add_tag", "tag": "bob"}],
            },
        )  # fmt: skip
    return Belongings(customer, conversation, deal, won, task, done, message, segment, template, rule)
