"""A queue that stands still is told on `/health/ready`; one that waits for good reason is not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from activity.models import Event, Job
from core.tenancy import every_organization, organization_scope
from crm_project import queues
from messaging.delivery import queue as outbound
from messaging.models import Arrival, Channel, Message

LONG_AGO = timedelta(minutes=2)


def wait_since(model: Any, ago: timedelta, **filters: Any) -> int:
    with every_organization("a test's clock is everybody's"):
        return int(model.objects.filter(**filters).update(due_at=timezone.now() - ago))


def test_queues_without_work_move(db: Any):
    assert [queues.events_move(), queues.arrivals_move(), queues.messages_move()] == ["", "", ""]


def test_events_that_nobody_dispatches_are_reported(alice: Any):
    assert wait_since(Event, timedelta(seconds=30)) > 0
    assert queues.events_move() == ""
    count = wait_since(Event, LONG_AGO)
    assert queues.events_move() == f"{count} are due for longer than a minute"


def test_jobs_that_nobody_does_are_reported_unless_one_has_its_turn(alice: Any):
    with organization_scope(alice.organization):
        for _ in range(2):
            Job.objects.create(organization=alice.organization, kind="test", due_at=timezone.now() - LONG_AGO)
        assert queues.jobs_move() == "2 are due for longer than a minute"
        first = Job.objects.newest_first().last()
        Job.objects.filter(pk=first.pk).update(claim_token=first.pk, due_at=timezone.now() + LONG_AGO)
        assert queues.jobs_move() == ""


@pytest.mark.django_db
def test_an_arrival_that_nobody_takes_in_is_reported_unless_it_waits_for_an_administrator():
    Arrival.objects.create(key="a", provider="twilio", kind="sms", type="message", body=b"", due_at=timezone.now())
    wait_since(Arrival, LONG_AGO)
    assert queues.arrivals_move() == "1 are due for longer than a minute"
    Arrival.objects.update(state=Arrival.State.UNROUTABLE)
    assert queues.arrivals_move() == ""


def test_messages_are_reported_unless_their_channels_pace_holds_them_back(queue_text: Any):
    message = queue_text()
    wait_since(Message, LONG_AGO, pk=message.pk)
    assert queues.messages_move() == "1 are due for longer than a minute"
    with every_organization("the test makes the channel wait"):
        Channel.objects.update(paced_until=timezone.now() + timedelta(seconds=5))
    assert queues.messages_move() == ""
    with every_organization("the test makes the channel wait"):
        Channel.objects.update(paced_until=timezone.now() - LONG_AGO)
    assert queues.messages_move() != ""


@pytest.fixture
def queue_text(alice: Any, make_conversation: Any) -> Any:
    """Queue a text in a thread that is open for it."""

    def queue() -> Message:
        thread = make_conversation(kind="sms")
        with organization_scope(alice.organization):
            return outbound.queue_message(conversation=thread, body="At nine.", actor=alice.actor)

    return queue
