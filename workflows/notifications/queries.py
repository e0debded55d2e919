"""The lines that a member sees: their own, of what they may still see. Asked anew each time that somebody looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.models import Member
from customers.models.querysets import within_reach
from workflows.models import Notification
from workflows.models.notification import NotificationQuerySet
from workflows.notifications.kinds.registry import KINDS, Kind, kinds_for


@dataclass(frozen=True, slots=True)
class Line:
    """A line in words: its sentence, a detail beside it, and where it leads."""

    row: Notification
    kind: Kind
    sentence: str
    detail: str
    url: str


def visible_to(member: Member) -> NotificationQuerySet:
    """The member's lines about what they may see, in no order. Whoever looks as the member would sees none: they are
    the person's own."""
    if member.looked_through_by is not None:
        nothing: NotificationQuerySet = Notification.objects.none()
        return nothing
    kinds = kinds_for(member)
    plain = [kind.name for kind in kinds if kind.reach is None]
    reachable = Q(kind__in=plain)
    for kind in kinds:
        if kind.reach is not None:
            reachable |= Q(kind=kind.name) & kind.reach(member)
    rows: NotificationQuerySet = Notification.objects.filter(reachable, member=member)
    return rows.filter(Q(customer__isnull=True) | within_reach(member))


def unread(member: Member) -> QuerySet[Notification]:
    """What the bell counts."""
    return visible_to(member).unread()


def filtered(member: Member, *, kind: str = "", is_unread: bool | None = None) -> QuerySet[Notification]:
    """The member's lines, newest first, with all that they need to be put into words."""
    rows = visible_to(member).select_related("customer").newest_first()
    if kind:
        rows = rows.filter(kind=kind)
    return rows if is_unread is None else rows.filter(read_at__isnull=is_unread)


def line_of(row: Notification, slug: str) -> Line:
    """A row in words. Raises KeyError for a kind that nobody registers any more; `visible_to` leaves those out."""
    kind = KINDS[row.kind]
    return Line(row, kind, kind.sentence(row), kind.detail(row), kind.url(row, slug))


def lines_of(rows: Sequence[Notification], slug: str) -> list[Line]:
    return [line_of(row, slug) for row in rows]


def find(member: Member, pk: UUID) -> Notification | None:
    """One line of the member's; None for somebody else's, and for one of what they may not see."""
    return visible_to(member).select_related("customer").filter(pk=pk).first()


def raised_since(member: Member, since: datetime, most: int) -> list[Notification]:
    """The unread lines that were raised since, newest first, `most` at most."""
    return list(filtered(member, is_unread=True).filter(raised_at__gt=since)[:most])
