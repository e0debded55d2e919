"""Runs of rules that wait."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from core.tenancy import every_organization
from customers.models import Customer
from tests.workflows.conftest import work
from workflows.models import WorkflowRun
from workflows.rules import going_on

WAIT = {"action": "wait", "minutes": 60}
DONE = {"action": "add_tag", "tag": "chased"}


def go_on() -> None:
    with every_organization("the worker looks for all"):
        while going_on.go_on_due():
            pass


def later(**length: int) -> time_machine.travel:
    return time_machine.travel(timezone.now() + timedelta(**length), tick=True)


def chased(customer: Customer) -> bool:
    return customer.tags.filter(name="chased").exists()


def last(run: WorkflowRun) -> tuple[str, str, str]:
    run.refresh_from_db()
    step = run.steps[-1]
    return run.status, step["status"], step["detail"]


@pytest.fixture
def waiting(make_rule, receive):
    """`waiting(cancel_on=["reply"])`: a rule that waits an hour and tags, whose run waits for Ada."""

    def make(*steps, conditions=None, **more):
        rule = make_rule("message.received", conditions or {}, list(steps) or [WAIT, DONE], **more)
        ada = receive("Good morning")
        work()
        return rule, ada, rule.runs.get()

    return make
