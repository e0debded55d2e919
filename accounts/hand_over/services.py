"""Handing everything of a person to a successor: a job, one kind of record after the other.

Each record goes by the service that changes owners anyway, so its own event is written and whoever watches it hears of
it. What somebody else gave away meanwhile stays as they left it. Begun again, it goes on with what is still there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Model
from django.http import Http404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import events, grants
from accounts.hand_over.parts import PARTS, Handing, Part, own_parts, parts_along
from accounts.hand_over.queries import KEPT
from accounts.members import services as members
from accounts.members.authority import Authority, NotYours, authority_of
from accounts.models import HandedOver, Member, User
from accounts.permissions import Reach
from activity import jobs
from activity.actor import Actor, current_actor
from activity.jobs import JobFailed, Work
from activity.ledger import record
from activity.models import Job
from core import clock
from core.ids import parse_uuid
from core.refused import Invalid, Refused
from core.tenancy import every_organization

KIND = "accounts.hand_over"
DEACTIVATE, REMOVE = "deactivate", "remove"
PERMISSION = "users.edit"
# So many records in one transaction; each takes a few statements.
STEP = 25
MAX_REASONS = 20
# In place of a successor.
LEAVE, END = "leave", "cancel"
Outcome = HandedOver.Outcome


class NeedsAllReach(Refused):
    """Somebody who does not see every record can't give them all away."""

    status = 403

    def __init__(self) -> None:
        super().__init__(_("Only who sees every record hands over everything of a person."))


class CannotReceive(Refused):
    """The successor's role does not permit to look at what they would get."""

    field, status = "successor", 409

    def __init__(self, successor: Member, part: Part[Model]) -> None:
        words = _("The role of %(name)s does not permit seeing this: %(kind)s (%(permission)s). Choose somebody else.")
        name = successor.user.get_full_name()
        super().__init__(words % {"name": name, "kind": part.label, "permission": part.seen_by})


@dataclass(frozen=True, slots=True)
class Plan:
    """Who gets what: `successor` all, but for the kinds in `by_kind`, each with a successor, LEAVE or END."""

    successor: Member
    by_kind: Mapping[str, Member | str]

    def of(self, part: Part[Model]) -> Member | str:
        return self.by_kind.get(part.name, self.successor)


def plan(
    *,
    member: Member,
    successor: UUID,
    kinds: Collection[str] | None = None,
    choices: Mapping[str, str] | None = None,
) -> Plan:
    """Read who is to get what: `kinds` limits it to some; `choices` are by kind a user's id, LEAVE or END.

    Raises Invalid for a kind that is none, or a successor who is no other active member.
    """
    names = [part.name for part in own_parts()]
    for name in [*(kinds or ()), *(choices or {})]:
        if name not in names:
            raise Invalid("kinds", _("There is no kind “%(name)s”. Use: %(names)s.") % _named(name, names))
    by_kind: dict[str, Member | str] = {}
    for name in names:
        choice = (choices or {}).get(name, "")
        if kinds is not None and name not in kinds:
            by_kind[name] = LEAVE
        elif choice == END and PARTS[name].end is None:
            raise Invalid("kinds", _("These can’t be cancelled: %(kind)s.") % {"kind": PARTS[name].label})
        elif choice in (LEAVE, END):
            by_kind[name] = choice
        elif choice:
            by_kind[name] = _successor(member, choice, name)
    return Plan(_successor(member, successor), by_kind)


@transaction.atomic
def start(*, member: Member, plan: Plan, actor: Actor, user: User, then: str = "") -> Job:
    """Start the job that hands over what is the member's, by the plan.

    `then` is "deactivate" or "remove": the member is shut out at once, in the same transaction, and what they own is
    handed over after that. Raises NotPermitted, NeedsAllReach or Above where the actor may not, CannotReceive, and what
    deactivating or removing refuses.
    """
    grants.lock(member.organization)
    leaver = Member.objects.with_access().get(pk=member.pk)
    _require_authority(leaver, authority_of(actor, leaver.organization), plan)
    total = 0
    for part in own_parts():
        choice = plan.of(part)
        if choice == LEAVE or not (count := part.rows(leaver.user).count()):
            continue
        total += count
        if isinstance(choice, Member) and part.seen_by not in choice.role.permissions:
            raise CannotReceive(choice, part)
    if then:
        {DEACTIVATE: members.deactivate, REMOVE: members.remove}[then](member=leaver, actor=actor)
    choices = {part.name: _stored(plan.of(part)) for part in own_parts()}
    return jobs.start(
        organization=leaver.organization,
        kind=KIND,
        actor=actor,
        user=user,
        total=total,
        params={"member": str(leaver.pk), "choices": choices},
    )


def run(work: Work) -> dict[str, object]:
    """The job: kind by kind, in the order of ids. What is done is known by the state and by whose the record is."""
    leaver = Member.objects.with_access().filter(pk=work.params["member"]).first()
    if leaver is None:
        raise JobFailed(_("This person is not known any more."))
    successors = _successors(work)
    try:
        authority = authority_of(current_actor(), leaver.organization)
        authority.require(PERMISSION)
        if authority.reach is not Reach.ALL:
            raise NeedsAllReach
    except (NotYours, grants.NotPermitted, NeedsAllReach) as refused:
        raise JobFailed(_("Whoever began this may not do it any more.")) from refused
    state = work.state
    state.setdefault("kinds", {})
    state.setdefault("reasons", [])
    for part in own_parts():
        choice = work.params["choices"].get(part.name, LEAVE)
        if choice == LEAVE:
            continue
        if part.permission not in authority.permissions:
            if not part.rows(leaver.user).exists():
                continue
            raise JobFailed(_("Whoever began this may not do it any more."))
        successor = None if choice == END else successors.get(choice)
        if choice != END and successor is None:
            raise JobFailed(_("The successor is no active member any more. Begin again with somebody else."))
        if successor is not None and part.seen_by not in successor.role.permissions:
            raise JobFailed(str(CannotReceive(successor, part)))
        _Handover(work, part, leaver, successor).run()
    path = f"/api/v1/admin/users/{leaver.user_id}/hand-over/{work.job.pk}/list"
    return so_far(state) | {"list_url": settings.PUBLIC_BASE_URL + path}


def so_far(state: dict[str, object]) -> dict[str, object]:
    """What was done, for the job's result: a row for each kind that had something."""
    kinds = state.get("kinds", {})
    assert isinstance(kinds, dict)  # noqa: S101 - it is written below
    rows = [
        {"kind": name, "label": str(PARTS[name].label)} | {key: counts[key] for key in COUNTED}
        for name, counts in kinds.items()
        if name in PARTS and any(counts[key] for key in COUNTED)
    ]
    return {"kinds": rows, "reasons": state.get("reasons", [])}


COUNTED = ("given", "cancelled", "kept", "unseen")


class _Handover:
    """One kind of a job; `successor` None: each is cancelled."""

    def __init__(self, work: Work, part: Part[Model], leaver: Member, successor: Member | None) -> None:
        self.work, self.part, self.leaver, self.successor = work, part, leaver, successor
        self.after = successor.user if successor is not None else None
        empty: dict[str, object] = dict.fromkeys(COUNTED, 0)
        self.counts = work.state["kinds"].setdefault(part.name, empty | {"last": "", "is_over": False})

    def run(self) -> None:
        """Hand over what is left, and record at the end what it came to."""
        while not self.counts["is_over"]:
            rows = self.part.rows(self.leaver.user).select_related(*self.part.relations).order_by("pk")
            batch = list((rows.filter(pk__gt=self.counts["last"]) if self.counts["last"] else rows)[:STEP])
            with self.work.step(done=self.work.job.done + len(batch)):
                # Looked up anew: a step that failed has put the state back.
                self.counts = self.work.state["kinds"][self.part.name]
                if batch:
                    self._take(batch)
                    self.counts["last"] = str(batch[-1].pk)
                if len(batch) < STEP:
                    self.counts["is_over"] = True
                    self._record(self.part.name, self.counts)

    def _take(self, batch: list[Model]) -> None:
        outcomes = [(row, self._one(row)) for row in sorted(batch, key=self.part.lock_order)]
        self._keep(self.part, outcomes)
        given = [row.pk for row, outcome in outcomes if outcome == Outcome.GIVEN]
        for outcome in (Outcome.GIVEN, Outcome.CANCELLED, Outcome.KEPT):
            self.counts[str(outcome)] += sum(1 for _row, one in outcomes if one == outcome)
        if self.successor is not None and given and self.part.is_owned:
            seen = self.part.visible(self.successor).filter(pk__in=given).count()
            self.counts["unseen"] += len(given) - seen
        for part in parts_along(self.part.name):
            along = list(part.along(given)) if part.along is not None and given else []
            self._keep(part, [(row, Outcome.ALONG) for row in along])

    def _one(self, row: Model) -> Outcome:
        give = self.part.end if self.after is None else self.part.give
        assert give is not None  # noqa: S101 - the plan was checked
        handing = Handing(self.leaver.user, self.after or self.leaver.user, current_actor())
        try:
            with transaction.atomic():
                if give(row, handing):
                    return Outcome.CANCELLED if self.after is None else Outcome.GIVEN
        except (Refused, Http404) as error:
            if len(self.work.state["reasons"]) < MAX_REASONS:
                code = self.part.line(row).code
                self.work.state["reasons"].append(f"{code or self.part.label}: {error}")
        return Outcome.KEPT

    def _keep(self, part: Part[Model], outcomes: list[tuple[Model, Outcome]]) -> None:
        HandedOver.objects.bulk_create(
            [
                HandedOver(
                    organization=self.leaver.organization,
                    job=self.work.job,
                    kind=part.name,
                    record_id=row.pk,
                    before=self.leaver.user,
                    after=self.after if outcome in (Outcome.GIVEN, Outcome.ALONG) else None,
                    outcome=outcome,
                )
                for row, outcome in outcomes
            ],
            ignore_conflicts=True,
        )

    def _record(self, name: str, counts: Mapping[str, object]) -> None:
        payload = {
            "kind": name,
            "successor": self.after.pk if self.after is not None else None,
            **{key: counts[key] for key in ("given", "kept", "cancelled")},
            "job": self.work.job.pk,
        }
        if any(payload[key] for key in ("given", "kept", "cancelled")):
            record(events.RECORDS_HANDED_OVER, subject=self.leaver, actor=current_actor(), payload=payload)


def begin_list(*, member: Member, actor: Actor, job: Job | None = None) -> None:
    """Record that somebody takes a list along: of what the member has, or of what the job handed over."""
    payload = {"job": job.pk if job is not None else None}
    record(events.RECORDS_LISTED, subject=member, actor=actor, payload=payload)


def leaver_of(job: Job) -> Member | None:
    """Of whom a hand-over was."""
    return Member.objects.filter(pk=job.params["member"]).first()


def purge_old() -> int:
    """Delete the lists that are no longer kept; returns how many rows."""
    with every_organization("what is over goes in all organizations"):
        return int(HandedOver.objects.filter(created_at__lt=clock.now() - KEPT).delete()[0])


def register() -> None:
    jobs.register(KIND, run, label=str(_LABEL), template="accounts/hand_over/result.html", so_far=so_far)


_LABEL = gettext_lazy("Handing over what is a person’s")


def _require_authority(leaver: Member, authority: Authority, plan: Plan) -> None:
    authority.require(PERMISSION)
    authority.require_not_above(leaver)
    if authority.reach != Reach.ALL:
        raise NeedsAllReach
    for part in own_parts():
        # What somebody may not give away holds up nothing where there is none of it.
        if plan.of(part) != LEAVE and part.permission not in authority.permissions and part.rows(leaver.user).exists():
            authority.require(part.permission)


def _successor(member: Member, given: UUID | str, kind: str = "") -> Member:
    rows = Member.objects.active().with_access().exclude(pk=member.pk)
    user_id = parse_uuid(str(given))
    row = rows.filter(organization=member.organization, user=user_id).first() if user_id is not None else None
    if row is None:
        field = f"by_kind.{kind}" if kind else "successor"
        raise Invalid(field, _("There is no other active member with this id in the organization."))
    return row


def _successors(work: Work) -> dict[str, Member]:
    """The active members whom the plan names, by their user's id."""
    ids = [choice for choice in work.params["choices"].values() if choice not in (LEAVE, END)]
    rows = Member.objects.active().with_access().filter(user__in=ids)
    return {str(row.user_id): row for row in rows}


def _stored(choice: Member | str) -> str:
    return choice if isinstance(choice, str) else str(choice.user_id)


def _named(name: str, names: Collection[str]) -> dict[str, str]:
    return {"name": name[:40], "names": ", ".join(names)}
