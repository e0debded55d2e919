"""Lines as members have them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import Person
from tests.workflows.conftest import work
from workflows.models import Notification
from workflows.notifications import queries
from workflows.notifications.kinds.registry import KINDS, Notice
from workflows.notifications.services import raise_lines

Lines = Callable[..., list[str]]


@pytest.fixture
def lines(inside: Any) -> Lines:
    """`lines(bob)`: what happened is dispatched, and the sentences of the unread lines that Bob sees, newest first;
    without the welcome."""

    def read(person: Person, kind: str = "") -> list[str]:
        work()
        rows = queries.filtered(person.member, kind=kind, is_unread=True).exclude(kind="onboarding")
        return [line.sentence for line in queries.lines_of(list(rows), person.organization.slug)]

    return read


@pytest.fixture
def give(inside: Any) -> Callable[..., Notification]:
    """`give(bob, "follow_up_due", customer)`: a line of a kind for somebody, about a customer or about themselves."""

    def make(person: Person, name: str, customer: Any = None, **data: Any) -> Notification:
        kind = KINDS[name]
        subject = customer.pk if customer is not None else person.member.pk
        notice = Notice(subject, customer_id=None if customer is None else customer.pk, data=data)
        raise_lines(kind, notice, [person.member])
        row: Notification = Notification.objects.get(member=person.member, kind=name, subject_id=subject)
        return row

    return make
