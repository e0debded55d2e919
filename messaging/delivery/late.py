"""What could not leave while its organization was suspended: never sent late without somebody having looked at it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import transaction

from activity.models import Event
from core import clock
from core.claims import released
from messaging.channels.base import Retry
from messaging.delivery import statuses
from messaging.delivery.statuses import Failure
from messaging.models import Message

# What is late by less leaves by itself, as after any short outage.
LATE_AFTER: Final = timedelta(minutes=10)
CODE: Final = "late"
TEXT: Final = (
    "This was not sent when it should have been, as the organization was suspended. Read it again: choose “Send again” "
    "if it still fits."
)
STEP: Final = 200


def stop_late(event: Event) -> None:
    """The organization goes on: what is late does not leave, from this transaction on. One statement."""
    rows = Message.objects.filter(
        organization=event.organization,
        status__in=[Message.Status.QUEUED, Message.Status.SENDING],
        request_began_at=None,
        due_at__lt=clock.now() - LATE_AFTER,
    )
    rows.update(status=Message.Status.QUEUED, due_at=None, **released())


def put_before_people(event: Event) -> None:
    """Each that was stopped is shown where failed messages are, with why."""
    rows = Message.objects.filter(organization=event.organization, status=Message.Status.QUEUED, due_at=None)
    failure = Failure(CODE, TEXT, Retry.NEVER)
    while keys := list(rows.order_by("pk").values_list("pk", flat=True)[:STEP]):
        with transaction.atomic():
            locked = Message.objects.select_for_update(of=("self",), no_key=True)
            for message in locked.select_related("customer__organization", "channel").filter(pk__in=keys):
                statuses.fail(message, failure)
