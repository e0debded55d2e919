"""A pack's contents in words, for the sign-up and the page that changes packs."""

from __future__ import annotations

from customers.packs.reading import Pack

MAX_NAMED = 6


def in_words(pack: Pack) -> tuple[tuple[str, str], ...]:
    """Part and its names, such as (“Stages”, “New, Engaged, …”); empty parts are left out."""
    result = (
        ("Stages", [row["name"] for row in pack.stages]),
        ("Outcomes", [row["name"] for row in pack.outcome_types]),
        ("Fields", [row["label"] for row in pack.custom_fields]),
        ("Templates", list(dict.fromkeys(row["name"] for row in pack.templates))),
        ("Tags", [row["name"] for row in pack.tags]),
        ("Views", [row["name"] for row in pack.segments]),
    )
    return tuple((part, _listed(names)) for part, names in result if names)


def _listed(names: list[str]) -> str:
    if len(names) <= MAX_NAMED + 1:
        return ", ".join(names)
    return f"{', '.join(names[:MAX_NAMED])} and {len(names) - MAX_NAMED} more"
