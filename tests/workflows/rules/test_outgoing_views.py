"""The page of the automatic messages to come: by day, narrowed, one or all of them cancelled."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from customers.models import Customer
from customers.people.customers import services as customers
from messaging.delivery import queue
from messaging.models import Message
from tests.workflows.conftest import work
from workflows.models import Workflow

pytestmark = pytest.mark.django_db

OUTGOING = "settings/rules/outgoing/"


@pytest.fixture
def waiting(alice: Any, make_rule: Any, receive: Any) -> list[Customer]:
    """Two customers to whom two rules write, one of them days later than the other."""
    for name, minutes in (("Soon", 60), ("Later", 120)):
        action = {"action": "send_text", "body": f"{name} {{{{ customer.name }}}}", "delay_minutes": minutes}
        make_rule("message.received", {}, [{**action, "cancel_on_inbound": name == "Later"}], name=name)
    people = [receive("Hello"), receive("Hello", sender="+447700900778")]
    work()
    later = Message.objects.filter(body__startswith="Later")
    later.update(due_at=timezone.now() + timedelta(days=3))
    customers.update(customer=people[1], actor=alice.actor, changes={"name": "Bea"})
    return people


def text(person: Any, path: str = OUTGOING) -> str:
    answer = person.client.get(person.url(path))
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def queued() -> int:
    return Message.objects.filter(status="queued").count()


def test_they_stand_by_day_next_first(alice, waiting):
    page = text(alice)
    assert page.count("rules__log") == 2
    assert page.index("Soon Ada") < page.index("Later Ada")
    assert page.count("unless they write before") == 2
    assert "WhatsApp" in page
    assert "Bea" in page


def test_they_are_narrowed_to_a_rule_and_a_customer(alice, waiting):
    rule = Workflow.objects.get(name="Soon")
    page = text(alice, f"{OUTGOING}?workflow={rule.pk}")
    assert "Soon Ada" in page
    assert "Later Ada" not in page
    page = text(alice, f"{OUTGOING}?customer={waiting[0].pk}&workflow={rule.pk}")
    assert "Bea" not in page
    for query in ("?workflow=x", f"?workflow={waiting[0].pk}", "?customer=x", f"?customer={rule.pk}", "?after=x"):
        assert alice.client.get(alice.url(f"{OUTGOING}{query}")).status_code == 404, query


def test_one_is_cancelled(alice, waiting):
    message = Message.objects.filter(status="queued").first()
    url = alice.url(f"{OUTGOING}{message.pk}/cancel/?customer={waiting[0].pk}")
    answer = alice.client.post(url)
    assert answer.url == alice.url(f"{OUTGOING}?customer={waiting[0].pk}")
    message.refresh_from_db()
    assert message.status == "cancelled"
    assert alice.client.post(url).status_code == 404


@pytest.mark.parametrize(("narrowed", "left"), [(None, 0), ("workflow", 2), ("customer", 2), ("both", 3)])
def test_all_that_are_shown_are_cancelled_after_a_question(narrowed, left, alice, waiting):
    rule = Workflow.objects.get(name="Soon")
    parts = {"workflow": f"workflow={rule.pk}", "customer": f"customer={waiting[1].pk}"}
    query = "&".join(parts.values()) if narrowed == "both" else parts.get(narrowed, "")
    url = f"{OUTGOING}cancel/?{query}"
    page = text(alice, url)
    assert f"Cancel {4 - left} message" in page
    assert queued() == 4
    answer = alice.client.post(alice.url(url), follow=True)
    assert queued() == left
    assert "cancelled." in answer.content.decode()


def test_what_left_meanwhile_is_reported(alice, waiting, inside):
    for message in Message.objects.filter(status="queued"):
        queue.cancel(message=message, actor=alice.actor)
    answer = alice.client.post(alice.url(f"{OUTGOING}cancel/"), follow=True)
    assert "Nothing was cancelled" in answer.content.decode()
    assert "Nothing is to go out" in text(alice)


def test_who_sees_and_cancels_what(alice, bob, mona, charlie, waiting):
    customers.assign(customer=waiting[0], owner=bob.user, actor=alice.actor)
    customers.assign(customer=waiting[1], owner=alice.user, actor=alice.actor)
    page = text(mona)
    assert "Soon Ada" in page
    assert "Bea" not in page
    assert "Cancel" not in page
    assert mona.client.get(mona.url(f"{OUTGOING}?customer={waiting[1].pk}")).status_code == 404
    message = Message.objects.filter(status="queued").first()
    for path in ("cancel/", f"{message.pk}/cancel/"):
        assert mona.client.post(mona.url(f"{OUTGOING}{path}")).status_code == 403
        assert bob.client.post(bob.url(f"{OUTGOING}{path}")).status_code == 403
    assert bob.client.get(bob.url(OUTGOING)).status_code == 403
    assert "Ada" not in text(charlie)
    assert charlie.client.post(charlie.url(f"{OUTGOING}{message.pk}/cancel/")).status_code == 404
    charlie.client.post(charlie.url(f"{OUTGOING}cancel/"))
    assert queued() == 4


@pytest.mark.parametrize("count", [1, 12])
def test_the_same_number_of_queries_for_any_number(count, alice, make_rule, receive, django_assert_num_queries):
    for number in range(count):
        make_rule(
            "message.received", {"message_body": f"Message {number}"},
            [{"action": "send_text", "body": "x", "delay_minutes": 90}], name=f"R{number}",
        )  # fmt: skip
        receive(f"Message {number}", sender=f"+4477009008{number:02d}")
    work()
    assert queued() == count
    client = alice.client
    client.get(alice.url(OUTGOING))
    with django_assert_num_queries(9):
        client.get(alice.url(OUTGOING))
