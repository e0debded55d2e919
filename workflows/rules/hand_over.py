"""The rules and sequences that name a person, for a hand-over: to whom they give customers, for whose they ask.

Nobody owns a rule. One that gives customers to somebody who left fails each time, so it is to name the successor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.hand_over import parts
from accounts.hand_over.parts import Handing, Part
from accounts.models import Member, User
from core.lines import Line
from workflows.models import Workflow
from workflows.rules import services as workflows


def register() -> None:
    parts.register(
        Part(
            "workflows", _("Rules and sequences that name them"), 80, "workflows.edit", "customers.view",
            rules_of, visible_rules, _line, give=give_rule, is_owned=False,
        )
    )  # fmt: skip


def rules_of(user: User) -> QuerySet[Workflow]:
    """Those whose actions or conditions name the user. An organization has a few hundred at most: each is looked at."""
    rows = Workflow.objects.values_list("pk", "actions", "conditions")
    named = [pk for pk, actions, conditions in rows if _names([actions, conditions], str(user.pk))]
    return Workflow.objects.filter(pk__in=named)


def visible_rules(member: Member) -> QuerySet[Workflow]:
    """All, to who may see rules."""
    return Workflow.objects.all() if member.may("workflows.view") else Workflow.objects.none()


def give_rule(row: Workflow, handing: Handing) -> bool:
    """Have the rule name the successor, also for runs that wait: nothing else of it is another.

    Raises InvalidWorkflow for one that can't be saved as it stands, ActsBeyondReach, or NotPermitted for an action that
    the actor may not do by hand.
    """
    current = Workflow.objects.select_for_update(of=("self",)).select_related("organization").filter(pk=row.pk).first()
    before, after = str(handing.leaver.pk), str(handing.successor.pk)
    if current is None or not _names([current.actions, current.conditions], before):
        return False
    changes: workflows.Values = {
        "actions": cast("Sequence[Mapping[str, object]]", _renamed(current.actions, before, after)),
        "conditions": cast("Mapping[str, object]", _renamed(current.conditions, before, after)),
    }
    move = workflows.WaitingRuns.MOVE
    workflows.update(workflow=current, actor=handing.actor, changes=changes, waiting=move)
    return True


def _names(value: object, user_id: str) -> bool:
    if isinstance(value, dict):
        return any(_names(inner, user_id) for inner in value.values())
    if isinstance(value, list):
        return any(_names(inner, user_id) for inner in value)
    return value == user_id


def _renamed(value: object, before: str, after: str) -> object:
    if isinstance(value, dict):
        return {name: _renamed(inner, before, after) for name, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(inner, before, after) for inner in value]
    return after if value == before else value


def _line(row: Workflow) -> Line:
    page = "workflows:sequence" if row.kind == Workflow.Kind.SEQUENCE else "workflows:rule"
    return Line("", row.name, reverse(page, args=[row.organization.slug, row.pk]))
