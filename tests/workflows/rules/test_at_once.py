"""Two workers dispatch at once, on a database that locks rows."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection, connections

from activity.models import Event
from core.tenancy import every_organization, organization_scope
from customers.models import Task
from workflows.models import WorkflowRun
from workflows.rules import running

pytestmark = pytest.mark.django_db(transaction=True)


def run_at_once(events: list[Event]) -> list[BaseException]:
    errors: list[BaseException] = []
    from django.db import transaction

    barrier = threading.Barrier(len(events))

    def one(event: Event) -> None:
        try:
            barrier.wait()
            with organization_scope(event.organization), transaction.atomic():
                running.run_rules(event)
        except BaseException as error:  # noqa: BLE001
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one, args=(event,)) for event in events]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


@pytest.mark.skipif(connection.vendor == "sqlite", reason="one writer at a time")
def test_once_for_a_customer_also_of_events_at_once(make_rule, receive):
    make_rule("message.received", {}, [{"action": "create_task", "title": "Welcome"}], is_once=True)
    make_rule("message.received", {}, [{"action": "resolve_conversation"}, {"action": "add_tag", "tag": "seen"}])
    for number in range(4):
        receive(f"Message {number}")
    with every_organization("the worker"):
        events: Any = list(Event.objects.select_related("organization").filter(type="message.received"))
    assert run_at_once(events) == []
    assert Task.objects.filter(title="Welcome").count() == 1
    assert WorkflowRun.objects.count() == 5
