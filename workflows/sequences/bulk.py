"""Putting many customers into a sequence, from the list or a view of it: a change of many that can be undone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import Member
from activity import jobs
from activity.actor import Actor, current_actor
from activity.jobs import JobFailed, Work
from activity.models import Job
from core.ids import parse_uuid
from customers.data.bulk import services as changes
from customers.data.bulk.actions import ACTIONS, Action, InvalidBulk, Values, only
from customers.models import ChangeSet, Customer, Process, Segment
from customers.people.table.selection import MENUS, Menu
from customers.work.processes import services as processes
from messaging.models import Message
from workflows.models import RunMessage, Workflow
from workflows.sequences import services as sequences

NAME: Final = "enrol"
# A kind of job that was begun before this was a change of many; nobody knows its params any more.
OLDER_KIND: Final = "workflows.enrol"
PERMISSION: Final = "conversations.edit"
# As many names as a statement takes.
COUNTED_AT_ONCE: Final = 500


def start(*, sequence: Workflow, segment: Segment, member: Member, actor: Actor) -> Job:
    """Put in whom the view shows the member. Raises InvalidBulk where the sequence is off, InvalidFilter for a view
    that means nothing any more, and NotPermitted."""
    return changes.start(
        member=member, actor=actor, action=NAME, params={"sequence": str(sequence.pk)}, filter_values=segment.filter
    )


def _of_older_version(work: Work) -> dict[str, object]:
    raise JobFailed(_("This was begun by an older version. Put them in again: whoever is in it already stays as is."))


def register() -> None:
    jobs.register(OLDER_KIND, _of_older_version, label=str(gettext_lazy("Putting customers into a sequence")))
    ACTIONS.register(
        Action(
            NAME, _check, _enrol, _words, parameter="sequence", permission=PERMISSION, is_asked=True,
            sentence=_sentence, note=_note, finished=_finished, restore=_take_out, before_undo=_before_undo,
        )
    )  # fmt: skip
    MENUS.register(
        Menu(
            NAME, gettext_lazy("Sequence"), "list-checks", PERMISSION, gettext_lazy("No sequence is switched on."),
            _choices,
        )
    )  # fmt: skip


def _choices() -> Sequence[tuple[str, str]]:
    return [(str(pk), name) for pk, name in _enabled().order_by("name", "pk").values_list("pk", "name")]


def _enabled() -> QuerySet[Workflow]:
    rows: QuerySet[Workflow] = Workflow.objects.filter(kind=Workflow.Kind.SEQUENCE, is_enabled=True)
    return rows


def _check(params: Values) -> Values:
    key = parse_uuid(only(params, "sequence"))
    if key is None or not _enabled().filter(pk=key).exists():
        raise InvalidBulk("params.sequence", _("Choose a sequence that is switched on."))
    return {"sequence": str(key)}


def _enrol(customer: Customer, params: Mapping[str, str]) -> tuple[Values, Values]:
    """Raises JobFailed where the sequence was switched off or deleted meanwhile."""
    sequence = _enabled().select_related("organization").filter(pk=params["sequence"]).first()
    if sequence is None:
        raise JobFailed(_("The sequence is switched off, or there is none any more."))
    process = sequences.enrol(sequence=sequence, customer=customer, actor=current_actor())
    return {"process": None}, {"process": str(process.pk)}


def _take_out(customer: Customer, after: Mapping[str, object]) -> str:
    process = Process.objects.select_related("organization", "customer").filter(pk=str(after["process"])).first()
    if process is None or not process.is_open:
        return _("%(code)s is not in it any more.") % {"code": customer.code}
    processes.cancel(process=process, actor=current_actor())
    return ""


def _words(params: Values) -> str:
    return _("Put into “%(name)s”") % {"name": _name(str(params["sequence"]))}


def _sentence(value: str) -> str:
    return _("Put them into “%(name)s”") % {"name": _name(value)}


def _note() -> str:
    return _(
        "What is due at once is done at once. For 30 days this can be undone: whoever is still inside is taken out, "
        "and what was sent by then stays."
    )


def _finished(changed: int, kept: int) -> str:
    text = ngettext("%(count)d customer was put in.", "%(count)d customers were put in.", changed) % {"count": changed}
    if kept:
        text += " " + ngettext("%(count)d was not.", "%(count)d were not.", kept) % {"count": kept}
    return text


def _before_undo(change_set: ChangeSet) -> str:
    """How many it takes out, and how much was written to them by then."""
    inside = written = 0
    keys = [UUID(after["process"]) for after in change_set.changes.values_list("after", flat=True)]
    for begin in range(0, len(keys), COUNTED_AT_ONCE):
        some = keys[begin : begin + COUNTED_AT_ONCE]
        inside += Process.objects.filter(pk__in=some, status__in=Process.OPEN).count()
        messages = RunMessage.objects.filter(run__process__in=some)
        written += messages.exclude(message__status=Message.Status.CANCELLED).count()
    text = ngettext(
        "%(count)d customer that it put in is still inside, and is taken out.",
        "%(count)d customers that it put in are still inside, and are taken out.", inside,
    ) % {"count": inside}  # fmt: skip
    if written:
        text += " " + ngettext(
            "%(count)d message was written to them, and stays.", "%(count)d messages were written to them, and stay.",
            written,
        ) % {"count": written}  # fmt: skip
    return text


def _name(value: str) -> str:
    key = parse_uuid(value)
    rows = Workflow.objects.filter(kind=Workflow.Kind.SEQUENCE, pk=key) if key is not None else Workflow.objects.none()
    return str(rows.values_list("name", flat=True).first() or _("a sequence"))
