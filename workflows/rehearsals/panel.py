"""What a rule's page says of its rehearsals."""

from __future__ import annotations

from typing import Final

from accounts.models import Member
from workflows.events import DATE_REACHED
from workflows.models import Rehearsal, Workflow
from workflows.rehearsals import queries, services

NEWEST: Final = 3


def of_rule(member: Member, rule: Workflow, count: int = NEWEST) -> dict[str, object]:
    """The newest rehearsals that the member sees, each with where it stands; whether the rule is off and nobody has
    rehearsed this version of it to the end. Two queries."""
    rows = [{"rehearsal": row, "state": services.state_of(row)} for row in queries.rehearsals(member, rule)[:count]]
    # Dates come only while a rule that asks for them is on: of them there is no past before.
    is_rehearsed = (
        rule.is_enabled
        or rule.trigger_event == DATE_REACHED
        or (Rehearsal.objects.filter(workflow=rule, version=rule.version, status=Rehearsal.Status.DONE).exists())
    )
    return {"rehearsals": rows, "is_unrehearsed": not is_rehearsed}
