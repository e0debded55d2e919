"""Open pages learn of lines that were raised or read, whichever way signals come."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from activity.live import LOOK_BACK, signals_since
from workflows.models import Notification
from workflows.notifications import services

pytestmark = pytest.mark.django_db


def told(organization) -> list[tuple[str, str]]:
    """Of the signals of just now those of members' own: whose, and of what."""
    signals = signals_since(str(organization.pk), timezone.now())
    return [(signal.member, signal.type) for signal in signals if signal.member]


def long_ago() -> None:
    Notification.objects.update(changed_at=timezone.now() - LOOK_BACK - timedelta(seconds=5))


def test_a_line_that_is_raised_or_read_is_a_signal_to_its_member_alone(alice, bob, charlie, give, make_customer):
    row = give(bob, "follow_up_due", make_customer(bob))
    mine = (str(bob.member.pk), "notifications")
    assert mine in told(alice.organization)
    assert mine not in told(charlie.organization)
    long_ago()
    assert told(alice.organization) == []
    services.read(member=bob.member, line=row)
    assert told(alice.organization) == [mine]
    long_ago()
    give(bob, "follow_up_due", make_customer(bob))
    long_ago()
    assert services.read_all(member=bob.member) >= 1
    assert set(told(alice.organization)) == {mine}


def test_each_change_is_a_signal_of_its_own(alice, bob, give, make_customer):
    """By its mark a reader of the ledger tells a change that it has passed on from the next."""
    customer = make_customer(bob)
    marks = set()
    for _time in range(2):
        give(bob, "follow_up_due", customer)
        marks |= {s.event for s in signals_since(str(alice.organization.pk), timezone.now()) if s.type == services.LIVE}
    assert len([mark for mark in marks if str(bob.member.pk) in mark]) >= 2


@pytest.mark.parametrize("lines", [1, 40])
def test_a_look_takes_one_query_more_whatever_there_is(
    alice, bob, inside, make_customer, lines, django_assert_num_queries
):
    customer = make_customer(bob)
    Notification.objects.bulk_create(
        Notification(
            organization=inside, member=bob.member, kind="follow_up_due", subject_id=customer.pk, customer=customer,
            group=str(number),
        )
        for number in range(lines)
    )  # fmt: skip
    with django_assert_num_queries(2):
        signals_since(str(inside.pk), timezone.now())
