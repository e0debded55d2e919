"""The versions of a rule: who made each, when, and what it changed, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from workflows.models import Workflow, WorkflowVersion
from workflows.rules.reading import CONTENT
from workflows.rules.words import Words


@dataclass(frozen=True, slots=True)
class Change:
    """A version with the lines that it took away and those that it added; the first has neither."""

    version: WorkflowVersion
    removed: Sequence[str]
    added: Sequence[str]
    is_first: bool
    is_current: bool


def newest(workflow: Workflow, words: Words, *, count: int, before: int | None = None) -> list[Change]:
    """So many versions, the newest first; those before a number where one is given. One query."""
    rows = WorkflowVersion.objects.filter(workflow=workflow).order_by("-number")
    if before is not None:
        rows = rows.filter(number__lt=before)
    versions = list(rows[: count + 1])
    lines = [_lines(version, words) for version in versions]
    changes = []
    for at, version in enumerate(versions[:count]):
        former = lines[at + 1] if at + 1 < len(lines) else None
        changes.append(
            Change(
                version,
                [] if former is None else [line for line in former if line not in lines[at]],
                [] if former is None else [line for line in lines[at] if line not in former],
                is_first=former is None,
                is_current=version.number == workflow.version,
            )
        )
    return changes


def _lines(version: WorkflowVersion, words: Words) -> list[str]:
    """The whole rule, a line for each part. What an older version does not know is as it is without it."""
    content = {name: version.content[name] for name in CONTENT if name in version.content}
    sentences = words.of(Workflow(**content))
    conditions = [_("if %(condition)s") % {"condition": line} for line in sentences.conditions]
    actions = [f"{number}. {line}" for number, line in enumerate(sentences.actions, 1)]
    return [f"“{content.get('name', '')}”", sentences.when, *conditions, *actions]
