"""Rules of Alice's organization, messages that arrive there, and the worker that does what is due."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from activity import dispatch
from core.tenancy import every_organization
from customers.models import Customer
from messaging.intake import processing
from workflows.models import Workflow
from workflows.rules import services

MakeRule = Callable[..., Workflow]
Receive = Callable[..., Customer]


@pytest.fixture
def without_rules(alice: Any, inside: Any) -> None:
    """Of the pack's rules none: for tests that count their own."""
    Workflow.objects.all().delete()


@pytest.fixture
def make_rule(alice: Any, without_rules: None) -> MakeRule:
    """`make_rule("message.received", {"is_new_customer": True}, [{"action": …}])`: an enabled rule."""

    def make(trigger: str, conditions: Any, actions: Any, **more: Any) -> Workflow:
        values: Any = {
            "name": "A rule", "trigger_event": trigger, "conditions": conditions, "actions": actions,
            "is_enabled": True, **more,
        }  # fmt: skip
        return services.create(organization=alice.organization, actor=alice.actor, values=values)

    return make


@pytest.fixture
def receive(alice: Any, inside: Any) -> Receive:
    """`receive("How much is it?")`: a WhatsApp message that arrives and is taken in; who wrote it."""
    count = 0

    def take(body: str = "Hello", sender: str = "+447700900777") -> Customer:
        nonlocal count
        count += 1
        message = {
            "message_id": f"m{count}", "from": sender, "from_name": "Ada", "body": body,
            "sent_at": timezone.now().isoformat(),
        }  # fmt: skip
        answer = alice.api.post("/api/v1/webhooks/whatsapp", message, format="json")
        assert answer.status_code == 202, answer.json()
        processing.process_due()
        return Customer.objects.get(identities__value=sender)

    return take


def work() -> None:
    """What the worker does until nothing is due."""
    with every_organization("the worker looks for all"):
        while dispatch.dispatch_due():
            pass
