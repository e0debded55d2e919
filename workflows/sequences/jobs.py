"""Putting everybody whom a view of the list shows into a sequence, as a job."""

from __future__ import annotations

from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Member
from activity import jobs
from activity.actor import Actor, current_actor
from activity.jobs import JobFailed, Work
from activity.models import Job
from customers.models import Segment
from customers.models.querysets import CustomerQuerySet
from customers.people.customers.queries import customers_for
from customers.people.filters import parse as filters
from workflows.models import Workflow
from workflows.sequences import services as sequences

KIND: Final = "workflows.enrol"
STEP: Final = 50
MAX_REASONS: Final = 20


@transaction.atomic
def start(*, sequence: Workflow, segment: Segment, member: Member, actor: Actor) -> Job:
    """Start the job, for whom the view shows the member. Raises SequenceOff, and InvalidFilter for a view that means
    nothing any more."""
    if not sequence.is_enabled:
        raise sequences.SequenceOff
    params = {"sequence": str(sequence.pk), "filter": segment.filter, "member": str(member.pk)}
    return jobs.start(
        organization=member.organization, kind=KIND, params=params, actor=actor, user=member.user,
        total=_rows(member, segment.filter).count(),
    )  # fmt: skip


def run(work: Work) -> dict[str, object]:
    """In the order of ids. Each step of the job is one transaction, so nobody is put in twice after a kill."""
    member = Member.objects.active().with_access().filter(pk=work.params["member"]).first()
    if member is None or not member.may("conversations.edit"):
        raise JobFailed(_("Whoever began this may not do it any more."))
    try:
        found = _rows(member, work.params["filter"])
    except filters.InvalidFilter as error:
        raise JobFailed(_("The view means nothing any more: %(why)s") % {"why": error}) from error
    _sequence(work)
    state = work.state
    for name, value in (("enrolled", 0), ("skipped", 0), ("reasons", [])):
        state.setdefault(name, value)
    is_over = False
    while not is_over:
        after = found.filter(pk__gt=state["last"]) if state.get("last") else found
        batch = list(after.order_by("pk").select_related("organization")[:STEP])
        is_over = len(batch) < STEP
        if not batch:
            break
        sequence = _sequence(work)
        with work.step(done=work.job.done + len(batch)):
            count, refused = sequences.enrol_many(sequence=sequence, customers=batch, actor=current_actor())
            state["enrolled"] += count
            state["skipped"] += len(refused)
            codes = {customer.pk: customer.code for customer in batch}
            reasons = [f"{codes[pk]}: {why}" for pk, why in refused]
            state["reasons"] = [*state["reasons"], *reasons][:MAX_REASONS]
            state["last"] = str(batch[-1].pk)
    return {"enrolled": state["enrolled"], "skipped": state["skipped"], "reasons": state["reasons"],
            "sequence": work.params["sequence"]}  # fmt: skip


def _sequence(work: Work) -> Workflow:
    """As it is by now: it may be edited, switched off or deleted while the job runs. Raises JobFailed."""
    rows = Workflow.objects.select_related("organization").filter(kind=Workflow.Kind.SEQUENCE, is_enabled=True)
    sequence: Workflow | None = rows.filter(pk=work.params["sequence"]).first()
    if sequence is None:
        raise JobFailed(_("The sequence is switched off, or there is none any more."))
    return sequence


def _rows(member: Member, filter_values: dict[str, object]) -> CustomerQuerySet:
    # Without an order: tags join, and a row is asked for once only.
    return customers_for(member, filters.read(filter_values)).order_by().distinct()


def register() -> None:
    label = str(gettext_lazy("Putting customers into a sequence"))
    jobs.register(KIND, run, label=label, template="workflows/sequences/enrolled.html")
