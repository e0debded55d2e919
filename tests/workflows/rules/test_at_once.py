"""Two workers dispatch at once, on a database that locks rows."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection, connections, transaction

from activity.models import Event
from core.tenancy import every_organization, organization_scope
from customers.models import Tag, Task
from tests.workflows.conftest import work
from tests.workflows.rules.test_waits import later
from workflows.models import RunWait, WorkflowRun
from workflows.rules import going_on, running, waits

pytestmark = pytest.mark.django_db(transaction=True)


def run_at_once(events: list[Event]) -> list[BaseException]:
    errors: list[BaseException] = []
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


@pytest.mark.skipif(connection.vendor == "sqlite", reason="one writer at a time")
def test_what_happens_while_a_wait_is_asked_has_it_asked_again_at_once(make_rule, receive, inside, monkeypatch):
    """The worker saw what was before; its claim does not hide the wait from what happened since."""
    wait = {"action": "wait", "conditions": {"customer_tags": "vip"}, "timeout_minutes": 10_000}
    make_rule("message.received", {}, [wait, {"action": "add_tag", "tag": "chased"}])
    ada = receive("Hello")
    vip = Tag.objects.create(organization=inside, name="vip")
    work()
    was_asked, goes_on = threading.Event(), threading.Event()
    ask = going_on._goes_on_at
    errors: list[BaseException] = []

    def then_rest(*given: Any) -> Any:
        result = ask(*given)
        was_asked.set()
        goes_on.wait(20)
        return result

    def in_thread(act: Any) -> threading.Thread:
        def run() -> None:
            try:
                act()
            except BaseException as error:  # noqa: BLE001
                errors.append(error)
            finally:
                connections.close_all()

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def happen() -> None:
        with organization_scope(inside), transaction.atomic():
            waits.ask_again(event)

    monkeypatch.setattr(going_on, "_goes_on_at", then_rest)
    with later(minutes=61):
        worker = in_thread(going_on.go_on_due)
        assert was_asked.wait(20)
        ada.tags.add(vip)
        event = Event.objects.filter(type="message.received").get()
        happened = in_thread(happen)
        happened.join(0.5)
        goes_on.set()
        happened.join()
        worker.join()
        assert errors == []
        going_on.go_on_due()
    assert not RunWait.objects.exists()
    assert set(ada.tags.values_list("name", flat=True)) >= {"vip", "chased"}
