"""What happened long ago, or while the organization was suspended, is answered by no rule without a person."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.organizations import life
from activity.actor import SYSTEM
from messaging.intake import inbound, processing
from messaging.models import Channel, Message
from tests.messaging.intake.test_inbound import a_message
from tests.workflows.conftest import work
from workflows.models import WorkflowRun

pytestmark = pytest.mark.django_db

ANSWER = [{"action": "send_text", "body": "We are here at once"}, {"action": "add_tag", "tag": "wrote"}]


def sent() -> list[str]:
    return list(Message.objects.filter(origin=Message.Origin.WORKFLOW).values_list("body", flat=True))


def steps() -> list[tuple[str, str]]:
    return [(step["status"], step["detail"]) for run in WorkflowRun.objects.all() for step in run.steps]


def test_what_came_while_it_was_suspended_waits_for_a_person(alice, make_rule, receive):
    make_rule("message.received", {}, ANSWER)
    life.suspend(organization=alice.organization, actor=SYSTEM, reason="The bill")
    channel = Channel.objects.get(kind="whatsapp")
    inbound.receive(channel=channel, received=a_message(1, to=channel.address), received_at=None)
    work()
    assert sent() == []
    with time_machine.travel(timezone.now() + timedelta(hours=3), tick=True):
        life.resume(organization=alice.organization, actor=SYSTEM)
        work()
        assert sent() == []
        [(status, words), (tagged, _detail)] = steps()
        assert (status, tagged) == ("skipped", "done"), "the rest is done"
        assert "before the organization went on" in words
        # What comes from now on is answered.
        receive("I write again")
        work()
        assert sent() == ["We are here at once"]


def test_what_happened_more_than_a_day_ago_is_answered_by_nobody(alice, make_rule, receive):
    make_rule("message.received", {}, ANSWER)
    receive("I write before the power fails")
    with time_machine.travel(timezone.now() + timedelta(hours=25), tick=True):
        processing.process_due()
        work()
        assert sent() == []
        assert "more than a day ago" in steps()[0][1]


def test_what_is_late_by_less_is_answered(alice, make_rule, receive):
    make_rule("message.received", {}, ANSWER)
    receive("I write before the power fails")
    with time_machine.travel(timezone.now() + timedelta(hours=3), tick=True):
        work()
        assert sent() == ["We are here at once"]
