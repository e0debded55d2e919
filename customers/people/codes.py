from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import F

from accounts.models import Organization
from customers.models import CustomerCounter


def next_code(*, organization: Organization) -> str:
    """The next customer code: C001 … C999, C1000. Unique, also for many callers at once; there may be gaps.

    The counter's row stays locked until the caller's transaction ends.
    """
    return reserve(organization=organization, count=1)[0]


def reserve(*, organization: Organization, count: int) -> list[str]:
    """That many codes in a row, as `next_code` returns one."""
    counters = CustomerCounter.objects.filter(organization=organization)
    if not counters.update(last_number=F("last_number") + count):
        try:
            with transaction.atomic():
                CustomerCounter.objects.create(organization=organization)
        except IntegrityError:
            pass  # somebody else made it by a moment
        counters.update(last_number=F("last_number") + count)
    last = counters.get().last_number
    return [f"C{number:03d}" for number in range(last - count + 1, last + 1)]
