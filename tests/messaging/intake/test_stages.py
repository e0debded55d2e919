"""Intake as a line of stages: each touches only what it declares, and a message costs few statements."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.tenancy import organization_scope
from messaging.channels.base import Kind, ReceivedMessage
from messaging.intake import inbound, processing
from messaging.intake.stages.context import Inbound
from messaging.models import Channel
from tests.messaging.conftest import DESK, Webhooks, inbound_params, mail_arrives, make_mailbox, messages_of, raw_mail

MAX_STATEMENTS = 20


class Recorder:
    """Stands in for the value that goes through the stages, and writes down what a stage reads and sets."""

    def __init__(self, value: Inbound) -> None:
        object.__setattr__(self, "value", value)
        object.__setattr__(self, "read", set())
        object.__setattr__(self, "added", set())

    def __getattr__(self, name: str) -> Any:
        self.read.add(name)
        return getattr(self.value, name)

    def __setattr__(self, name: str, given: Any) -> None:
        self.added.add(name)
        setattr(self.value, name, given)


def run_recorded(value: Inbound) -> dict[str, Recorder]:
    recorders = {}
    for stage in inbound.STAGES:
        recorder: Any = Recorder(value)
        recorders[stage.name] = recorder
        stage.run(recorder)
    return recorders


@pytest.mark.parametrize("kind", ["whatsapp", "email"])
def test_a_stage_reads_and_adds_what_it_declares(alice, kind):
    with organization_scope(alice.organization):
        channel = Channel.objects.select_related("organization").get(kind=kind, provider="simulator")
        sender = "ada@example.com" if kind == "email" else "+447700900201"
        received = ReceivedMessage(
            kind=Kind(kind), provider_message_id="m1", to=channel.address, sender=sender, body="Stop"
        )
        recorders = run_recorded(Inbound(channel, received, alice.organization.created_at))
    for stage in inbound.STAGES:
        assert recorders[stage.name].read <= stage.reads, stage.name
        assert recorders[stage.name].added <= stage.adds, stage.name


def test_a_name_is_read_only_after_a_stage_has_added_it():
    known = {"channel", "received", "received_at", "is_automatic"}
    for stage in inbound.STAGES:
        assert stage.reads - stage.adds <= known, stage.name
        known |= stage.adds


def statements_of_another(deliver: Any) -> int:
    """What one more message of a known customer costs a worker, its claim and its transaction included."""
    counts = []
    for batch in (1, 4):
        for _ in range(batch):
            deliver()
        with CaptureQueriesContext(connection) as queries:
            processing.process_due()
        counts.append(len(queries))
    return (counts[1] - counts[0]) // 3


def test_a_message_of_a_known_customer_takes_few_statements(alice, whatsapp: Channel, webhooks: Webhooks):
    numbers = iter(range(100, 200))

    def deliver() -> None:
        webhooks.whatsapp(inbound_params(f"SM{next(numbers):032x}"))

    for _ in range(2):  # a new lead at first, then one who is engaged
        deliver()
        processing.process_due()
    assert statements_of_another(deliver) <= MAX_STATEMENTS
    assert len(messages_of(alice.organization)) == 7


def test_a_mail_of_a_known_customer_takes_the_same_statements_whatever_is_there(alice, settings):
    box = make_mailbox(alice)
    counts = []
    for number in range(4):
        with CaptureQueriesContext(connection) as queries:
            mail_arrives(box, raw_mail(f"Mail {number}", Message_ID=f"<m{number}@example.com>", To=DESK))
        counts.append(len(queries))
    assert counts[2] == counts[3]
