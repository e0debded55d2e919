"""Actions that put a customer into a sequence, and take them out."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.utils.translation import gettext as _

from customers.work.processes.services import AnotherOpen
from workflows.models import Workflow
from workflows.rules.performing import ActionFailed, ActionSkipped, Result, Run, performs
from workflows.sequences import services as sequences

Params = Mapping[str, object]


@performs("start_sequence")
def start_sequence(run: Run, params: Params) -> Result:
    sequence = _sequence(params)
    if not sequence.is_enabled:
        raise ActionSkipped(_("The sequence “%(name)s” is switched off.") % {"name": sequence.name})
    if sequence.pk == run.row.workflow_id:
        raise ActionSkipped(_("A sequence does not put anybody into itself."))
    try:
        process = sequences.enrol(sequence=sequence, customer=run.customer, actor=run.actor)
    except AnotherOpen as error:
        raise ActionSkipped(_("The customer is in “%(name)s” already.") % {"name": sequence.name}) from error
    return Result(_("Put into “%(name)s”.") % {"name": sequence.name}, process)


@performs("stop_sequence")
def stop_sequence(run: Run, params: Params) -> Result:
    sequence = _sequence(params)
    why = _("“%(name)s” ended it.") % {"name": run.actor.label}
    if sequence.pk == run.row.workflow_id or not sequences.stop(sequence=sequence.pk, customer=run.customer, why=why):
        raise ActionSkipped(_("The customer is not in “%(name)s”.") % {"name": sequence.name})
    return Result(_("Taken out of “%(name)s”.") % {"name": sequence.name}, run.customer)


def _sequence(params: Params) -> Workflow:
    rows = Workflow.objects.select_related("organization").filter(kind=Workflow.Kind.SEQUENCE)
    sequence: Workflow | None = rows.filter(pk=UUID(str(params["sequence"]))).first()
    if sequence is None:
        raise ActionFailed(_("There is no such sequence any more. Choose another one."))
    return sequence
