"""What of a person is there to be handed over, and what a hand-over did."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db.models import Model
from django.utils.translation import gettext as _

from accounts.hand_over.parts import PARTS, Part
from accounts.models import HandedOver, Member
from activity.models import Job
from core import clock
from core.lines import Line
from core.safe_cells import csv_bytes
from core.tenancy import organization_scope

CSV = "text/csv; charset=utf-8"
FIRST_ROWS = 5
KEPT = timedelta(days=30)
ROWS_AT_ONCE = 500
_NOBODY = Line("", "")
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Belongings:
    """Of one kind: how many are the person's, and the first that whoever asks may see."""

    part: Part[Model]
    count: int
    first: list[Line]

    @property
    def more(self) -> int:
        return self.count - len(self.first)


def belongings(member: Member, *, seen_by: Member | None = None) -> list[Belongings]:
    """What the member owns, by kind; with the first rows of each as `seen_by` sees them. Two queries a kind at most."""
    found = []
    for part in PARTS:
        rows = part.rows(member.user)
        count = rows.count()
        first: list[Line] = []
        if count and seen_by is not None and seen_by.may(part.seen_by):
            visible = part.visible(seen_by).values("pk")
            first = [
                part.line(row)
                for row in rows.filter(pk__in=visible).select_related(*part.relations).order_by("pk")[:FIRST_ROWS]
            ]
        found.append(Belongings(part, count, first))
    return found


def possible_successors(member: Member) -> list[Member]:
    """The active members who could get what the member has, by name; who reaches more records stands no higher."""
    rows = Member.objects.active().with_access().exclude(pk=member.pk)
    return sorted(rows, key=lambda one: (one.user.get_full_name().casefold(), one.user.email))


def is_kept(job: Job) -> bool:
    """Whether the list of a hand-over's records is still there to be downloaded."""
    return job.finished_at is not None and job.finished_at > clock.now() - KEPT


def file_before(member: Member, viewer: Member) -> Generator[bytes]:
    """What the member has, as CSV: each record with code and title, as far as the viewer may see it, and its id."""
    yield BOM + csv_bytes([[_("Kind"), _("Code"), _("Title"), _("Whose"), _("Goes along with"), _("Id")]])
    for part in PARTS:
        along = str(PARTS[part.goes_with].label) if part.goes_with else ""
        last: UUID | None = None
        while True:
            with organization_scope(member.organization):
                rows = part.rows(member.user).order_by("pk")
                ids = list((rows.filter(pk__gt=last) if last else rows).values_list("pk", flat=True)[:ROWS_AT_ONCE])
                lines = _lines(part, ids, viewer)
                owner = member.user.get_full_name()
                piece = csv_bytes(
                    [str(part.label), lines.get(pk, _NOBODY).code, lines.get(pk, _NOBODY).title, owner, along, str(pk)]
                    for pk in ids
                )
            if not ids:
                break
            yield piece
            last = ids[-1]


def file_of(job: Job, viewer: Member) -> Generator[bytes]:
    """The list as CSV: each record with code, title, whose it was and whose it is, as the viewer may see them now.

    What the viewer may not see, and what was deleted or erased since, has its id and no title.
    """
    headers = [_("Kind"), _("Code"), _("Title"), _("Before"), _("After"), _("Outcome"), _("Id")]
    yield BOM + csv_bytes([headers])
    last: UUID | None = None
    while True:
        with organization_scope(job.organization):
            rows = HandedOver.objects.filter(job=job).select_related("before", "after").order_by("pk")
            batch = list((rows.filter(pk__gt=last) if last else rows)[:ROWS_AT_ONCE])
            piece = csv_bytes(_cells(batch, viewer)) if batch else b""
        if not batch:
            return
        yield piece
        last = batch[-1].pk


def _cells(batch: list[HandedOver], viewer: Member) -> list[list[str]]:
    lines: dict[tuple[str, UUID], Line] = {}
    labels: dict[str, str] = {}
    for kind in {row.kind for row in batch}:
        part = PARTS.get(kind)
        if part is None:
            continue
        labels[kind] = str(part.label)
        ids = [row.record_id for row in batch if row.kind == kind]
        lines |= {(kind, pk): line for pk, line in _lines(part, ids, viewer).items()}
    return [
        [
            labels.get(row.kind, row.kind),
            lines.get((row.kind, row.record_id), _NOBODY).code,
            lines.get((row.kind, row.record_id), _NOBODY).title,
            row.before.get_full_name() if row.before else "",
            row.after.get_full_name() if row.after else "",
            row.get_outcome_display(),
            str(row.record_id),
        ]
        for row in batch
    ]


def _lines(part: Part[Model], ids: list[UUID], viewer: Member) -> dict[UUID, Line]:
    """What the viewer may read of these records."""
    if not ids or not viewer.may(part.seen_by):
        return {}
    visible = part.visible(viewer).filter(pk__in=ids).select_related(*part.relations)
    return {one.pk: part.line(one) for one in visible}
