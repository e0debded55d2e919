"""The timeline's sources of the customers app."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.models import User
from activity.models import Event
from customers import events
from customers.models import Customer, CustomerFile, Deal, Interaction, Outcome, Process, StageChange, Task
from customers.page.timeline import queries as timeline

# Changes of fields; what has rows of its own (stages, contacts' lives) is not told twice.
CHANGES = (
    events.CUSTOMER_CREATED,
    events.CUSTOMER_UPDATED,
    events.CUSTOMER_ASSIGNED,
    events.TAG_ADDED,
    events.TAG_REMOVED,
    events.FOLLOW_UP_SET,
    events.CONSENT_CHANGED,
    events.IDENTITY_ADDED,
    events.IDENTITY_REMOVED,
    events.CONTACT_CREATED,
    events.CONTACT_UPDATED,
    events.CONTACT_DELETED,
)


def register() -> None:
    for source in (
        timeline.Source(
            "interaction", "Notes and calls", "notebook-pen", "occurred_at", "customers/page/timeline/interaction.html",
            lambda c: Interaction.objects.filter(customer=c).select_related("author"), _interaction,
        ),
        timeline.Source(
            "task", "Tasks", "square-check", "created_at", "customers/page/timeline/task.html",
            lambda c: Task.objects.filter(customer=c).select_related("assigned_to"), _task, "tasks.view",
        ),
        timeline.Source(
            "deal", "Deals", "handshake", "created_at", "customers/page/timeline/deal.html",
            lambda c: Deal.objects.filter(customer=c).select_related("owner", "stage"), _deal, "deals.view",
        ),
        timeline.Source(
            "stage_change", "Stages", "milestone", "changed_at", "customers/page/timeline/stage_change.html",
            lambda c: StageChange.objects.filter(customer=c).select_related("from_stage", "to_stage"), _stage_change,
        ),
        timeline.Source(
            "outcome", "Outcomes", "trophy", "occurred_at", "customers/page/timeline/outcome.html",
            lambda c: Outcome.objects.filter(customer=c).select_related("type"), _outcome,
        ),
        timeline.Source(
            "process", "Processes", "route", "created_at", "customers/page/timeline/process.html",
            lambda c: Process.objects.filter(customer=c), _process,
        ),
        timeline.Source(
            "file", "Files", "paperclip", "created_at", "customers/page/timeline/file.html",
            lambda c: CustomerFile.objects.filter(customer=c).select_related("uploaded_by"), _file,
        ),
        timeline.Source(
            "change", "Changes", "pencil", "occurred_at", "customers/page/timeline/change.html", changes_of, _change,
        ),
    ):  # fmt: skip
        timeline.register(source)


def changes_of(customer: Customer) -> QuerySet[Event]:
    return Event.objects.filter(customer_id=customer.pk, type__in=CHANGES)


def _person(user: User | None) -> dict[str, str] | None:
    return {"id": str(user.pk), "name": user.get_full_name()} if user else None


def _interaction(row: Interaction) -> dict[str, object]:
    return {
        "channel": row.channel,
        "direction": row.direction,
        "content": row.content,
        "duration_seconds": row.duration_seconds,
        "author": row.author_label,
    }


def _task(row: Task) -> dict[str, object]:
    return {
        "title": row.title,
        "status": row.status,
        "priority": row.priority,
        "due_at": row.due_at,
        "assigned_to": _person(row.assigned_to),
    }


def _deal(row: Deal) -> dict[str, object]:
    return {"title": row.title, "status": row.status, "amount": str(row.amount), "currency": row.currency}


def _stage_change(row: StageChange) -> dict[str, object]:
    return {
        "from": row.from_stage.key if row.from_stage else None,
        "to": row.to_stage.key if row.to_stage else None,
        "from_name": row.from_name,
        "to_name": row.to_name,
        "days": None if row.days is None else round(row.days, 2),
        "is_undone": row.undone_at is not None,
        "reason": row.reason,
        "actor": row.actor_label,
    }


def _outcome(row: Outcome) -> dict[str, object]:
    return {
        "outcome": row.type.key,
        "name": row.type.name,
        "amount": None if row.amount is None else str(row.amount),
        "currency": row.currency,
        "note": row.note,
        "author": row.author_label,
    }


def _process(row: Process) -> dict[str, object]:
    return {
        "name": row.name,
        "channel": row.channel,
        "status": row.status,
        "last_action_at": row.last_action_at,
        "next_followup_datetime": row.next_follow_up_at,
    }


def _file(row: CustomerFile) -> dict[str, object]:
    return {"name": row.name, "content_type": row.content_type, "size": row.size}


def _change(row: Event) -> dict[str, object]:
    return {"event": row.type, "actor": row.actor_label, "detail": row.payload}
