"""Lines are made from events, raised again, read, and forgotten. Every change of one wakes the pages of its member."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from accounts.models import Member, Organization
from activity import live
from activity.actor import ActorKind
from activity.models import Event
from core.tenancy import every_organization, organization_scope
from customers.models import Customer
from workflows.models import Notification
from workflows.notifications import digests, preferences, queries
from workflows.notifications.kinds.registry import KINDS, Kind, Notice, Way

LIVE: Final = "notifications"
# Of one member; beyond it the oldest are forgotten, read or not.
MAX_LINES: Final = 1000
MAX_PURGED_AT_ONCE: Final = 1000
MAX_PURGE_STEPS: Final = 100


def tell(event: Event) -> None:
    """What the event means to members becomes lines, and lines that it settles are read. Called with the event's
    receipt, so once; a second call would change nothing either."""
    with organization_scope(event.organization):
        for kind in KINDS:
            if event.type in kind.settled_by and (subject := kind.settled_by[event.type](event)) is not None:
                _settle(kind, event.organization, subject)
            if event.type in kind.begins and (notice := kind.begins[event.type](event)) is not None:
                raise_for_event(kind, notice, event)


def raise_for_event(kind: Kind, notice: Notice, event: Event) -> int:
    """Raise the line of everybody whom the notice tells, but for who did it; how many they are."""
    members = _recipients(event.organization, kind, notice, event)
    return raise_lines(kind, notice, members, event_id=event.pk) if members else 0


@transaction.atomic
def raise_lines(kind: Kind, notice: Notice, members: Sequence[Member], *, event_id: UUID | None = None) -> int:
    """Raise the line of each of these members who wants to be told at all; how many were raised.

    Nothing is written about a customer who was deleted or erased; of one who was merged it is about who stays.
    """
    organization = members[0].organization
    chosen = preferences.of_members(organization, members)
    told = [member for member in members if chosen[member.pk].ways(kind)]
    if not told:
        return 0
    customer_id = notice.customer_id
    if customer_id is not None:
        customer_id = _held_customer(customer_id)
        if customer_id is None:
            return 0
    raised = [member for member in told if _raise(kind, notice, member, customer_id, event_id)]
    if raised:
        live.announce_own(LIVE, organization_id=organization.pk, member_ids=[member.pk for member in raised])
        digests.schedule([member for member in raised if Way.EMAIL in chosen[member.pk].ways(kind)])
    return len(raised)


@transaction.atomic
def read(*, member: Member, line: Notification) -> Notification:
    """Note that the member has read a line; nothing changes where they had."""
    now = timezone.now()
    if Notification.objects.filter(pk=line.pk, read_at=None).update(read_at=now, changed_at=now):
        line.read_at = line.changed_at = now
        live.announce_own(LIVE, organization_id=member.organization_id, member_ids=[member.pk])
    return line


@transaction.atomic
def read_all(*, member: Member, kind: str = "") -> int:
    """Note that the member has read every line that they see, or those of a kind; how many were unread."""
    rows = queries.visible_to(member).unread()
    if kind:
        rows = rows.filter(kind=kind)
    ids = list(rows.values_list("pk", flat=True))
    now = timezone.now()
    count = Notification.objects.filter(pk__in=ids, read_at=None).update(read_at=now, changed_at=now)
    if count:
        live.announce_own(LIVE, organization_id=member.organization_id, member_ids=[member.pk])
    return int(count)


def forget_member(event: Event) -> None:
    """A member was removed: what they were told is nobody's any more."""
    with organization_scope(event.organization):
        member_id = UUID(event.subject_id)
        Notification.objects.filter(member=member_id).delete()
        preferences.forget(member_id)
        digests.forget(member_id)


def purge_old() -> int:
    """Delete lines that were read NOTIFICATION_DAYS ago, and of each member those beyond MAX_LINES; how many.

    What is told once for good stays: its line is how one knows.
    """
    once = [kind.name for kind in KINDS if kind.is_once]
    with every_organization("the old lines of all organizations are forgotten at once"):
        limit = timezone.now() - timedelta(days=settings.NOTIFICATION_DAYS)
        count = _purge(Notification.objects.filter(read_at__lt=limit).exclude(kind__in=once))
        full = Notification.objects.values("member").annotate(lines=Count("pk")).filter(lines__gt=MAX_LINES)
        for member in full.order_by().values_list("member", flat=True):
            count += _purge_beyond(member, once)
    return count


def changed_since(organization_id: str, since: datetime) -> list[tuple[str, str]]:
    """For the live feed: whose lines changed since, each with when; one query."""
    rows = Notification.objects.filter(organization=UUID(organization_id), changed_at__gte=since)
    pairs = rows.order_by("changed_at").values_list("member_id", "changed_at")
    return [(str(member), changed.isoformat()) for member, changed in pairs[: live.QUEUE_SIZE]]


# --- One line ---------------------------------------------------------------------------------------------------------


def _raise(kind: Kind, notice: Notice, member: Member, customer_id: UUID | None, event_id: UUID | None) -> bool:
    """Make the line, or raise the one that is there; False where the event did that already."""
    now = timezone.now()
    key = {"member": member, "kind": kind.name, "subject_id": notice.subject_id, "group": notice.group}
    values = {"customer_id": customer_id, "data": dict(notice.data), "event_id": event_id}
    line, is_new = Notification.objects.select_for_update(of=("self",), no_key=True).get_or_create(
        **key,
        defaults={
            "organization": member.organization, "created_at": now, "raised_at": now, "changed_at": now, **values
        },
    )  # fmt: skip
    if is_new:
        return True
    if kind.is_once or (event_id is not None and line.event_id == event_id):
        return False
    is_unread = line.read_at is None
    if is_unread and line.customer_id != customer_id:
        # It speaks of several by now.
        values["customer_id"] = None
    Notification.objects.filter(pk=line.pk).update(
        **values,
        count=line.count + 1 if is_unread and kind.is_counted else 1,
        raised_at=now,
        changed_at=now,
        read_at=None,
        # What was mailed and is unread is not mailed again, however often it is raised.
        mailed_at=line.mailed_at if is_unread else None,
    )
    return True


def _recipients(organization: Organization, kind: Kind, notice: Notice, event: Event) -> list[Member]:
    people = Member.objects.active().people().with_access().filter(organization=organization)
    if notice.is_for is None:
        if not notice.users and not notice.members:
            return []
        people = people.filter(Q(user__in=list(notice.users)) | Q(pk__in=list(notice.members)))
    named = {*notice.users, *notice.members}
    return [
        member
        for member in people.order_by("pk")
        if kind.is_open_to(member)
        and (kind.tells_actor or not _did_it(member, event))
        and (member.pk in named or member.user_id in named or (notice.is_for is not None and notice.is_for(member)))
    ]


def _did_it(member: Member, event: Event) -> bool:
    return event.actor_kind == ActorKind.USER and event.actor_id == str(member.user_id)


def _held_customer(pk: UUID) -> UUID | None:
    """The customer, or who they were merged into, locked: nobody erases them before the line is written. None for one
    who was deleted or erased."""
    rows = Customer.objects.select_for_update(of=("self",), no_key=True)
    while (row := rows.filter(pk=pk).only("merged_into_id", "erased_at", "deleted_at").first()) is not None:
        if row.merged_into_id is None:
            return None if row.erased_at or row.deleted_at else row.pk
        pk = row.merged_into_id
    return None


def _settle(kind: Kind, organization: Organization, subject: UUID) -> None:
    rows = Notification.objects.filter(organization=organization, subject_id=subject, kind=kind.name, read_at=None)
    members = list(rows.values_list("member_id", flat=True))
    if members:
        now = timezone.now()
        rows.update(read_at=now, changed_at=now)
        live.announce_own(LIVE, organization_id=organization.pk, member_ids=set(members))


def _purge(rows: QuerySet[Notification]) -> int:
    """In small steps, and as many at once as a day can bring."""
    count = 0
    for _step in range(MAX_PURGE_STEPS):
        keys = list(rows.values_list("pk", flat=True)[:MAX_PURGED_AT_ONCE])
        Notification.objects.filter(pk__in=keys).delete()
        count += len(keys)
        if len(keys) < MAX_PURGED_AT_ONCE:
            break
    return count


def _purge_beyond(member: UUID, once: Iterable[str]) -> int:
    rows = Notification.objects.filter(member=member)
    last = rows.newest_first()[MAX_LINES - 1 : MAX_LINES].values_list("raised_at", flat=True).first()
    return _purge(rows.filter(raised_at__lt=last).exclude(kind__in=once)) if last is not None else 0
