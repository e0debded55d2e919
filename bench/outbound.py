"""Outbound messages a second: one worker, a provider that takes 50 ms to answer."""

from __future__ import annotations

import os
import sys
import time

import django

DELAY_SECONDS = 0.05
COUNT = 800
WARM_UP = 100
COUNTED = 50
WITHIN_SECONDS = 60.0
GOAL = 80.0
# The rate that WhatsApp allows a sender, and one that nobody reaches, for the worker's own limit.
RATES = ((None, "at WhatsApp's rate of 80"), (1000.0, "without a limit"))


def queue(member: object, channel: object, count: int) -> None:
    """Texts to ten customers, due now."""
    from django.utils import timezone

    from activity.actor import SYSTEM
    from core.ids import uuid7
    from core.tenancy import organization_scope
    from customers.people.customers import services as customers
    from messaging.delivery import queue as outbound
    from messaging.models import Conversation
    from messaging.threads import services as conversations

    organization = member.organization
    with organization_scope(organization):
        threads = []
        for _ in range(10):
            phone = f"+1500{uuid7().int % 10**7:07d}"
            customer = customers.create(organization=organization, actor=SYSTEM, name="Ada", phone=phone)
            threads.append(conversations.begin(customer=customer, channel=channel))  # type: ignore[arg-type]
        Conversation.objects.update(last_inbound_at=timezone.now())
        for thread in Conversation.objects.filter(pk__in=[thread.pk for thread in threads]).select_related(
            "customer__organization", "channel", "organization"
        ):
            for number in range(count // 10):
                outbound.queue_message(conversation=thread, body=f"Your visit is at {number}.", actor=SYSTEM)


def queries() -> float:
    """The statements of a message, counted in this process over a batch."""
    from django.conf import settings
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from messaging.delivery import sending

    settings.OUTBOUND_CONCURRENCY = 1
    with CaptureQueriesContext(connection) as captured:
        done = sending.deliver_due()
    return len(captured) / max(done, 1)


def main() -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "crm_project.settings"
    os.environ["DATABASE_POOL_SIZE"] = "12"
    django.setup()
    from django.conf import settings

    from bench.environment import own_database
    from bench.parts import a_channel, an_organization, running
    from core import jobs
    from tests.fakes.twilio import FakeTwilio, Step

    is_good = True
    with own_database() as environment, FakeTwilio(default=Step(statuses=())) as twilio:
        settings.TWILIO_API_BASE_URL = twilio.url
        member = an_organization()
        counted_on = a_channel(member, rate=1000.0, address="+15005550009")
        queue(member, counted_on, COUNTED)
        counted = queries()
        twilio.delay = DELAY_SECONDS
        for position, (rate, label) in enumerate(RATES):
            twilio.reset()
            queue(member, a_channel(member, rate=rate, address=f"+1500555001{position}"), COUNT)
            with running("worker", {**environment, "TWILIO_API_BASE_URL": twilio.url}):
                end = time.monotonic() + WITHIN_SECONDS
                while len(twilio.store.requests) < COUNT and time.monotonic() < end:
                    jobs.publish("messaging.tasks.deliver_due", {})
                    time.sleep(1)
            times = sorted(one.created_at for one in twilio.store.all())[WARM_UP:]
            if len(times) < 2:
                sys.exit(f"  {label}: nothing was sent")
            measured = (len(times) - 1) / (times[-1] - times[0]).total_seconds()
            # At a limit of 80 the clocks of both sides round.
            is_good &= measured >= GOAL * 0.98
            print(f"  {label}: {measured:.1f} a second (goal: {GOAL:.0f}), {counted:.1f} queries a message")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
