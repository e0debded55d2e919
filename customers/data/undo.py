"""Reverting a merge, a bulk change or an import, for 30 days.

Each kind says how by its own handler, which runs as a job: step by step, so that a worker that dies in the middle loses
and doubles nothing. Only values that are as the change left them are restored; the others are reported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import APIKey, Member, User
from activity import jobs
from activity.actor import Actor, ActorKind, current_actor
from activity.jobs import JobFailed, Work
from activity.ledger import record
from activity.models import Job
from core.refused import Refused
from core.registry import Registry, path_of
from customers import events
from customers.models import ChangeSet
from customers.models.change_set import UNDO_DAYS

KIND = "customers.undo"
# Reasons that a result lists; more are counted.
MAX_REASONS = 100

Handler = Callable[[Work, ChangeSet], dict[str, object]]

_handlers: Registry[tuple[str, Handler]] = Registry(
    "Changes that can be undone", name=lambda entry: entry[0], describe=lambda entry: path_of(entry[1])
)


class TooLate(Refused):
    """The change set was reverted already, or is too old."""

    status, code = 409, "too_late"


def register_undo(kind: str, handler: Handler) -> None:
    """Register the handler that reverts change sets of this kind; it returns the job's result."""
    _handlers.register((kind, handler))


def note_skipped(state: dict[str, Any], reason: str) -> None:
    """Count a skipped record in a job's state, with the reasons of the first ones."""
    state["kept"] += 1
    if len(state["reasons"]) < MAX_REASONS:
        state["reasons"].append(reason)


def visible_change_sets(member: Member, *, key: APIKey | None = None) -> QuerySet[ChangeSet]:
    """The change sets of the member, or of the calling API key; all of them with access to the settings.

    A key with scopes sees its own only.
    """
    rows = ChangeSet.objects.all()
    of_key = Q(actor_kind=ActorKind.API_KEY, actor_id=str(key.pk)) if key is not None else Q(pk__in=[])
    if key is not None and key.scopes:
        return rows.filter(of_key)
    if member.may("settings.view"):
        return rows
    return rows.filter(of_key | Q(actor_kind=ActorKind.USER, actor_id=str(member.user_id)))


def undo(*, change_set: ChangeSet, actor: Actor, user: User | None = None) -> Job:
    """Start the job that reverts a change set. Raises TooLate, also while the change itself is not done yet."""
    with transaction.atomic():
        current = ChangeSet.objects.select_for_update(of=("self",), no_key=True).get(pk=change_set.pk)
        if current.undone_at is not None:
            raise TooLate("This was undone already.")
        if not current.can_be_undone:
            raise TooLate(f"This is more than {UNDO_DAYS} days ago.")
        if _is_in_work(current):
            raise TooLate("This is still in work. Wait until it has ended, or cancel it first.")
        current.undone_at = change_set.undone_at = timezone.now()
        current.save(update_fields=["undone_at"])
        return jobs.start(
            organization=current.organization,
            kind=KIND,
            params={"change_set": str(current.pk)},
            actor=actor,
            user=user,
            total=current.changes.count(),
        )


def _is_in_work(change_set: ChangeSet) -> bool:
    """Whether the job that makes the changes has not ended."""
    reverts = Q(params__change_set=str(change_set.pk))
    if "import" in change_set.detail:
        reverts |= Q(params__import=change_set.detail["import"])
    return bool(Job.objects.unfinished().filter(reverts).exclude(kind=KIND).exists())


def run(work: Work) -> dict[str, object]:
    """The job's handler: calls the handler of the change set's kind."""
    change_set = ChangeSet.objects.select_related("organization").filter(pk=work.params["change_set"]).first()
    if change_set is None:
        raise JobFailed("What was to be undone is gone: a person in it was erased.")
    try:
        result = _handlers[change_set.kind][1](work, change_set)
    except JobFailed:
        # Refused as a whole: once what stood in the way is gone, it may be undone after all.
        ChangeSet.objects.filter(pk=change_set.pk).update(undone_at=None)
        raise
    with work.step(done=work.job.total):
        payload = {"kind": change_set.kind, "restored": result.get("restored", 0), "kept": result.get("kept", 0)}
        record(events.CHANGES_UNDONE, subject=change_set, actor=current_actor(), payload=payload)
    return result


def register() -> None:
    jobs.register(KIND, run, label="Undoing", template="customers/data/bulk/result.html")
