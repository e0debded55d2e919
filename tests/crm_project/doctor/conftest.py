from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from activity.doctor import queries
from activity.doctor.checks import CHECKS, Line
from activity.models import Heartbeat
from core.tenancy import every_organization
from messaging.models import ContentSync

# A check that waits for a network is run where a test asks for it: the others need no answer from outside.
SLOW = ("public address", "certificate", "system mail", "mail certificates")


@pytest.fixture
def heartbeats(db: Any) -> None:
    for name in Heartbeat.Name:
        Heartbeat.objects.beat(name)


@pytest.fixture
def lines(heartbeats: None) -> Callable[[str], list[Line]]:
    """What the doctor says of a check, asked now."""

    def of(name: str) -> list[Line]:
        with every_organization("the test asks as the operator does"):
            # The cast was made once a process, maybe long ago: what it has due would look late.
            ContentSync.objects.update(due_at=None)
            if name in SLOW:
                return CHECKS[name].run()
            found = {finding.name: finding for finding in queries.installation().findings}
            return list(found[name].lines)

    return of


@pytest.fixture
def line(lines: Callable[[str], list[Line]]) -> Callable[[str], Line]:
    """The one line of a check."""

    def of(name: str) -> Line:
        (one,) = lines(name)
        return one

    return of
