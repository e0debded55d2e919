"""Calls that the schema allows, and some that it doesn't, made up by schemathesis: no 5xx, no undocumented answer.

Each operation gets a bounded number of them, the same on every run. `FUZZ_EXAMPLES` asks for more.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from accounts.credentials import tokens
from accounts.roles import services as roles
from core.tenancy import organization_scope
from customers.models import Customer, OutcomeType, Process
from customers.people.contacts import services as contacts
from customers.people.custom_fields import services as custom_fields
from customers.people.segments import services as segments
from customers.people.tags import services as tags
from customers.pipeline.deals import services as deals
from customers.pipeline.outcomes import services as outcomes
from customers.work.interactions import services as interactions
from customers.work.processes import services as processes
from customers.work.tasks import services as tasks
from messaging.models import Template
from tests.crm_project.test_intruders import CALLS

pytestmark = [pytest.mark.django_db, pytest.mark.fuzz]
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "12"))
# The largest groups are called in so many tests, which the workers share out.
SLICES = {"customers": 4, "leads": 4, "conversations": 2}
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@lru_cache(maxsize=1)
def schema() -> Any:
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())


def group_of(path: str) -> str:
    return path.removeprefix("/api/v1/").split("/")[0]


@pytest.fixture
def open_connection() -> Iterator[None]:
    """A server closes its connections between requests; here they all share the test's own."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def ids(alice: Any, make_conversation: Any, settings: Any, open_connection: None) -> dict[str, str]:
    """An organization with something in it, and ids that are there: a random one finds nothing to break."""
    settings.ALLOWED_HOSTS = ["localhost"]
    conversation = make_conversation(alice)
    with organization_scope(alice.organization):
        customer = Customer.objects.get(pk=conversation.customer_id)
        about: dict[str, Any] = {"customer": customer, "actor": alice.actor}
        contact = contacts.create(name="Tobi", **about)
        deal = deals.create(title="Deal", **about)
        task = tasks.create(organization=alice.organization, title="Task", **about)
        note = interactions.log(content="Note", **about)
        tag = tags.add(customer=customer, names=["vip"], actor=alice.actor)[0]
        field = custom_fields.create(
            organization=alice.organization, actor=alice.actor, key="grade", label="Grade", type="number"
        )
        segment = segments.create(member=alice.member, actor=alice.actor, name="Mine")
        action = processes.log_action(action_type="call", content="Rang", **about)
        process = Process.objects.get(customer=customer)
        outcome = outcomes.record_outcome(type=OutcomeType.objects.get(key="consult_booked"), **about)
        template = Template.objects.values_list("pk", flat=True)[0]
        roles.create(
            organization=alice.organization, by=alice.member, actor=alice.actor, name="Desk", permissions=[],
            reach="team",
        )  # fmt: skip
    return {
        "customers": str(customer.pk), "leads": str(customer.pk), "inbox": str(customer.pk),
        "contacts": str(contact.pk), "deals": str(deal.pk), "tasks": str(task.pk),
        "interactions": str(note.pk), "tags": str(tag.pk),
        "custom-fields": str(field.pk), "segments": str(segment.pk), "conversations": str(conversation.pk),
        "channels": str(conversation.channel_id), "actions": str(action.pk), "outcomes": str(outcome.pk),
        "outcome-types": str(outcome.type_id), "processes": str(process.pk),
        "pipeline": str(customer.stage_id), "templates": str(template), "admin": str(alice.user.pk),
    }  # fmt: skip


GROUPS = sorted({group_of(f"/api/v1/{route}") for route in CALLS} | {"auth"})


@pytest.mark.parametrize(("group", "number"), [(group, n) for group in GROUPS for n in range(SLICES.get(group, 1))])
def test_every_call(group: str, number: int, alice: Any, ids: dict[str, str]) -> None:
    caller = {"Authorization": f"Bearer {tokens.begin(member=alice.member).access_token}"}
    operations = [
        operation for result in schema().get_all_operations() if group_of((operation := result.ok()).path) == group
    ]
    mine = operations[number :: SLICES.get(group, 1)]
    assert mine, f"The schema has no call of {group}."
    for operation in mine:

        @settings(
            max_examples=EXAMPLES, deadline=None, derandomize=True, database=None,
            suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate],
        )  # fmt: skip
        @given(case=operation.as_strategy(), is_known=st.booleans())
        def every_example(case: Any, is_known: bool) -> None:
            if is_known and "id" in (case.path_parameters or {}) and group in ids:
                case.path_parameters["id"] = ids[group]
            # What a call did is taken back: the next one finds the organization as it was.
            with transaction.atomic():
                case.call_and_validate(headers=caller, checks=CHECKS)
                transaction.set_rollback(True)

        every_example()
