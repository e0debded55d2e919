"""The job that rehearses a rule: customer by customer, so that nothing has to be remembered from one batch to the
next but the figures, however many events there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Count, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Member
from activity import jobs
from activity.jobs import JobFailed, State, Work
from activity.models import Event, Job
from customers.models import Customer
from messaging.costs.estimates import Prices
from workflows.models import Rehearsal, RehearsedEvent, Workflow
from workflows.rehearsals import totals
from workflows.rehearsals.following import Follower, Report, Taken
from workflows.rehearsals.history import PastFacts, read_histories
from workflows.rehearsals.sending import Sender
from workflows.rehearsals.services import KIND
from workflows.rehearsals.today import judged_by_today
from workflows.rules import fields
from workflows.rules.causes import cause_of, runs_behind
from workflows.rules.dry_run import acted_by, unsaved
from workflows.rules.enabled import rule_of
from workflows.rules.facts import facts_of
from workflows.rules.log import kept_seen
from workflows.rules.planning import Reason
from workflows.rules.queries import visible_events

# Of a batch: the customers' events together, unless one alone has more.
MAX_EVENTS: Final = 500
MAX_CUSTOMERS: Final = 250
# So many of the newest are kept event by event: those on which the rule would have acted, and others.
KEPT: Final = 1_000
OTHERS_KEPT: Final = 200
MATCHED, NOTHING = "matched", "nothing"
LIMITS: Final = {MATCHED: KEPT, NOTHING: OTHERS_KEPT}


@dataclass(frozen=True, slots=True)
class _Rehearsed:
    """What every batch needs: the rule as it is rehearsed, the member's events, the follower, the prices."""

    rehearsal: Rehearsal
    rule: Workflow
    events: QuerySet[Event]
    follower: Follower
    prices: Prices


def run(work: Work) -> dict[str, object]:
    """Each step is one batch: a worker that is killed loses no more, and nothing is counted twice."""
    rehearsal = _rehearsal(work)
    member = Member.objects.active().with_access().filter(pk=work.params["member"]).first()
    if member is None or not member.may("workflows.edit"):
        raise JobFailed(_("Whoever began this may not do it any more."))
    with timezone.override(member.organization.zone):
        rehearsed = _prepare(rehearsal, member)
        state = work.state
        if "totals" not in state:
            with work.step(done=0, total=rehearsed.events.count()):
                state.update(totals=totals.empty(), last="", after=None, is_over=False, kept={}, oldest={})
                rehearsal.judged_by_today = judged_by_today(rehearsal, rehearsed.rule)
                rehearsal.save(update_fields=["judged_by_today"])
        while not state["is_over"]:
            _rehearsal(work)
            _take_batch(work, rehearsed)
        with work.step():
            for name in LIMITS:
                _prune(rehearsal, state, name, LIMITS[name])
            rehearsal.status, rehearsal.finished_at = Rehearsal.Status.DONE, timezone.now()
            rehearsal.is_complete = state["totals"]["matched"] <= KEPT
            rehearsal.save(update_fields=["status", "finished_at", "is_complete"])
    return {
        "rehearsal": str(rehearsal.pk), "events": state["totals"]["events"], "matched": state["totals"]["matched"]
    }  # fmt: skip


def _rehearsal(work: Work) -> Rehearsal:
    """Raises JobFailed where it went with its rule."""
    rows = Rehearsal.objects.select_related("workflow", "organization")
    rehearsal: Rehearsal | None = rows.filter(pk=work.params["rehearsal"]).first()
    if rehearsal is None:
        raise JobFailed(_("The rule was deleted meanwhile."))
    return rehearsal


def _prepare(rehearsal: Rehearsal, member: Member) -> _Rehearsed:
    rule = unsaved(rehearsal.content, of=rehearsal.workflow)
    trigger = fields.trigger_of(rule.trigger_event)
    if trigger is None:
        raise JobFailed(_("Nothing happens any more that begins this rule."))
    kinds = fields.kinds_for(trigger, fields.own_fields())
    events = visible_events(member).filter(
        type=rule.trigger_event, occurred_at__gte=rehearsal.since, occurred_at__lt=rehearsal.until
    )
    follower = Follower(rule_of(rule), kinds=kinds, sender=Sender(), ends_at=rehearsal.created_at)
    return _Rehearsed(rehearsal, rule, events, follower, Prices(rehearsal.organization))


def _take_batch(work: Work, rehearsed: _Rehearsed) -> None:
    state = work.state
    batch, place = _next(rehearsed.events, state)
    reports = reports_of(batch, rehearsed.rule, rehearsed.follower, rehearsed.rehearsal)
    with work.step(done=work.job.done + len(batch)):
        state.update(place)
        totals.add(state["totals"], reports)
        totals.add_costs(state["totals"], reports, rehearsed.prices)
        _keep(rehearsed.rehearsal, state, reports)
        Rehearsal.objects.filter(pk=rehearsed.rehearsal.pk).update(totals=state["totals"])


def _next(events: QuerySet[Event], state: State) -> tuple[list[Event], dict[str, object]]:
    """The events of the next customers, each customer's all together and oldest first; after them those about nobody.
    With where the batch after it begins."""
    if state["after"] is None:
        about = events.filter(customer_id__isnull=False)
        if state["last"]:
            about = about.filter(customer_id__gt=state["last"])
        rows = about.order_by("customer_id").values("customer_id").annotate(count=Count("pk"))
        chosen: list[UUID | None] = []
        taken = 0
        for customer, count in rows.values_list("customer_id", "count")[:MAX_CUSTOMERS]:
            if chosen and taken + count > MAX_EVENTS:
                break
            chosen.append(customer)
            taken += count
        if chosen:
            of_them = events.filter(customer_id__in=chosen).order_by("customer_id", "occurred_at", "id")
            return list(of_them), {"last": str(chosen[-1])}
        state["after"] = ""
    nobody = events.filter(customer_id__isnull=True).order_by("id")
    if state["after"]:
        nobody = nobody.filter(id__gt=state["after"])
    batch = list(nobody[:MAX_EVENTS])
    after = str(batch[-1].pk) if batch else state["after"]
    return batch, {"after": after, "is_over": len(batch) < MAX_EVENTS}


def reports_of(
    batch: Sequence[Event], rule: Workflow, follower: Follower, rehearsal: Rehearsal
) -> list[Report]:  # fmt: skip
    """What the rule would have done about each of the events, of each customer all and oldest first; a constant number
    of queries for all that is not merged."""
    for event in batch:
        event.organization = rehearsal.organization
    facts = facts_of(batch, PastFacts)
    read_histories(facts, rule.pk)
    behind = runs_behind(batch)
    acted: dict[UUID | None, list[datetime]] = acted_by(rule, batch)
    reports = []
    for one in facts:
        event = one.event
        is_done = rule.is_once and any(at < event.occurred_at for at in acted.get(event.customer_id, ()))
        report = follower.follow(one, cause_of(event, behind), frozenset([rule.pk] if is_done else []))
        # As for the engine: what was stopped on the way has not acted.
        has_acted = report.outcome in (RehearsedEvent.Outcome.ACTED, RehearsedEvent.Outcome.WAITING)
        if rule.is_once and has_acted and event.customer_id is not None:
            acted.setdefault(event.customer_id, []).append(event.occurred_at)
        reports.append(report)
    return reports


def _keep(rehearsal: Rehearsal, state: State, reports: Sequence[Report]) -> None:
    """Keep the newest one by one. What somebody was erased of meanwhile is not written down again."""
    newer = [report for report in reports if _is_newer(state, report)]
    ids = {report.event.customer_id for report in newer if report.event.customer_id is not None}
    locked = Customer.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=ids, erased_at__isnull=True)
    there = set(locked.order_by("pk").values_list("pk", flat=True))
    rows = [
        _row(rehearsal, report)
        for report in newer
        if report.event.customer_id is None or report.event.customer_id in there
    ]
    RehearsedEvent.objects.bulk_create(rows)
    for row in rows:
        name = NOTHING if row.outcome == RehearsedEvent.Outcome.NOTHING else MATCHED
        state["kept"][name] = state["kept"].get(name, 0) + 1
    for name, limit in LIMITS.items():
        if state["kept"].get(name, 0) > 2 * limit:
            _prune(rehearsal, state, name, limit)


def _is_newer(state: State, report: Report) -> bool:
    oldest = state["oldest"].get(MATCHED if report.decision.is_match else NOTHING)
    return oldest is None or report.event.occurred_at >= datetime.fromisoformat(oldest)


def _prune(rehearsal: Rehearsal, state: State, name: str, limit: int) -> None:
    rows = RehearsedEvent.objects.filter(rehearsal=rehearsal)
    nothing = RehearsedEvent.Outcome.NOTHING
    rows = rows.filter(outcome=nothing) if name == NOTHING else rows.exclude(outcome=nothing)
    newest = rows.order_by("-occurred_at", "-pk").values_list("pk", "occurred_at")
    if (last := newest[limit - 1 : limit].first()) is None:
        return
    state["oldest"][name] = last[1].isoformat()
    rows.filter(pk__in=[pk for pk, _at in newest[limit:]]).delete()
    state["kept"][name] = limit


def _row(rehearsal: Rehearsal, report: Report) -> RehearsedEvent:
    decision = report.decision
    # Of a rule that its conditions held up those that did; of one that acts all that it saw.
    seen = decision.reasons if decision.reason == Reason.CONDITIONS else decision.seen
    return RehearsedEvent(
        organization=rehearsal.organization,
        rehearsal=rehearsal,
        event=report.event,
        occurred_at=report.event.occurred_at,
        outcome=report.outcome,
        reason=decision.reason.value,
        is_answered=report.is_answered,
        conditions=[kept_seen(one) for one in seen],
        steps=[_step(taken) for taken in report.steps],
    )


def _step(taken: Taken) -> dict[str, object]:
    return {
        "action": taken.action, "path": taken.path, "at": taken.at, "status": taken.status.value,
        "detail": taken.detail, "is_answered": taken.is_answered,
    }  # fmt: skip


def _so_far(state: State) -> dict[str, object]:
    figures = state.get("totals") or totals.empty()
    return {"events": figures["events"], "matched": figures["matched"]}


def _url(job: Job) -> str:
    from django.urls import reverse

    return reverse("workflows:rehearsal", args=[job.organization.slug, job.params["rehearsal"]])


def register() -> None:
    jobs.register(KIND, run, label=str(gettext_lazy("Rehearsing a rule")), url=_url, so_far=_so_far)
