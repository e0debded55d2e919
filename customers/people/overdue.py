"""Overdue customers: without activity for longer than their stage allows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from customers.models import Stage


def overdue(stages: Iterable[Stage] | None = None, *, at: datetime | None = None) -> Q:
    """The condition on customers who are; `stages` are the organization's, where they are known already.

    A range of the board's index for each stage: the database need not look at a row.
    """
    now = at or timezone.now()
    late = Q()
    for stage in Stage.objects.all() if stages is None else stages:
        if not stage.is_terminal and stage.sla_hours is not None:
            late |= Q(stage=stage.pk, last_activity_at__lt=now - timedelta(hours=stage.sla_hours))
    return late or Q(pk__in=[])
