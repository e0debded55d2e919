"""Who sees a record and why; what a member sees. Never more than whoever asks sees themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Model
from django.utils.translation import gettext as _

from accounts.explanations.reasons import Reason
from accounts.explanations.subjects import SUBJECTS, Subject
from accounts.models import Member
from accounts.permissions import Reach
from core.ids import parse_uuid
from core.lines import Line
from core.refused import Invalid

EXAMPLES = 3
ACTIONS = ("view", "edit", "delete")


@dataclass(frozen=True, slots=True)
class Access:
    """What one member may do with a record. `reason` is None where they don't see it; then `sentence` says why not."""

    member: Member
    reason: Reason | None
    sentence: str
    may: dict[str, bool]

    @property
    def sees(self) -> bool:
        return self.reason is not None


@dataclass(frozen=True, slots=True)
class Explained:
    """A record with its kind, as whoever asks sees it."""

    subject: Subject[Model]
    row: Model
    line: Line


@dataclass(frozen=True, slots=True)
class Seen:
    """Of one kind: what the role permits, how many records the member sees, and some of them."""

    subject: Subject[Model]
    may: dict[str, bool]
    sentence: str
    count: int
    examples: list[Line]


def find(given: str, viewer: Member) -> Explained:
    """The record that `customer:<id>` names. Raises Invalid where the viewer sees none such."""
    name, _colon, pk = given.partition(":")
    subject, key = SUBJECTS.get(name), parse_uuid(pk)
    row = None
    if subject is not None and key is not None and viewer.may(f"{subject.resource}.view"):
        row = subject.visible(viewer).select_related(*subject.relations).filter(pk=key).first()
    if subject is None or row is None:
        raise Invalid(
            "subject",
            _("There is no such record, or it is not yours to see. Name one as %(kinds)s and its id: customer:<id>.")
            % {"kinds": ", ".join(SUBJECTS.names())},
        )
    return Explained(subject, row, subject.line(row))


def members_who_may_come_in() -> list[Member]:
    """The active members, by name."""
    rows = Member.objects.active().with_access()
    return sorted(rows, key=lambda one: (one.user.get_full_name().casefold(), one.user.email))


def who_sees(explained: Explained, members: Sequence[Member]) -> list[Access]:
    """Of these active members what each may do with the record, and why."""
    subject = explained.subject
    reasons = subject.reasons(explained.row, members)
    return [_access(subject, member, reasons.get(member.pk)) for member in members]


def access_of(member: Member, explained: Explained) -> Access:
    """What one member may do with a record; who was shut out sees nothing."""
    if not member.is_active:
        return Access(member, None, _("They were deactivated and can’t come in."), dict.fromkeys(ACTIONS, False))
    return who_sees(explained, [member])[0]


def seen_by(member: Member, viewer: Member) -> list[Seen]:
    """What a member sees, kind by kind; counts and examples are of what the viewer sees as well."""
    found = []
    for subject in SUBJECTS:
        may = _may(subject, member)
        if not member.is_active or not may["view"] or not viewer.may(f"{subject.resource}.view"):
            found.append(Seen(subject, may, _not_permitted(subject, member), 0, []))
            continue
        rows = subject.visible(member)
        if viewer.reach is not Reach.ALL:
            rows = rows.filter(pk__in=subject.visible(viewer).values("pk"))
        newest = rows.select_related(*subject.relations).order_by("-pk")[:EXAMPLES]
        found.append(Seen(subject, may, _reach_of(member), rows.count(), [subject.line(row) for row in newest]))
    return found


def _access(subject: Subject[Model], member: Member, reason: Reason | None) -> Access:
    may = _may(subject, member)
    if not may["view"]:
        return Access(member, None, _not_permitted(subject, member), dict.fromkeys(ACTIONS, False))
    if reason is None:
        words = _("The role %(role)s does not reach it: %(reach)s.")
        sentence = words % {"role": member.role.name, "reach": _reach_of(member)}
        return Access(member, None, sentence, dict.fromkeys(ACTIONS, False))
    return Access(member, reason, reason.sentence(member.role.name), may)


def _may(subject: Subject[Model], member: Member) -> dict[str, bool]:
    return {action: member.may(f"{subject.resource}.{action}") for action in ACTIONS}


def _not_permitted(subject: Subject[Model], member: Member) -> str:
    if not member.is_active:
        return _("They were deactivated and can’t come in.")
    words = _("The role %(role)s does not permit it (%(permission)s).")
    if member.may(f"{subject.resource}.view"):
        return _("Your own role does not show you these.")
    return words % {"role": member.role.name, "permission": f"{subject.resource}.view"}


def _reach_of(member: Member) -> str:
    return {
        Reach.ALL: _("every record"),
        Reach.TEAM: _("records of their own teams, and those that are nobody’s yet"),
        Reach.ASSIGNED: _("only what is theirs"),
    }[member.reach]
