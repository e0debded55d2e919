"""The names of a form's controls read as nested lists: `actions.0.params.tag` is the tag of the first action.

Reading is linear in what was sent; what is no name of the editor's is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.http import QueryDict

from workflows.rules.editor.rows import (
    ALL,
    ANY,
    ActionRow,
    BranchRow,
    ComparisonRow,
    ConditionRow,
    Draft,
    GroupRow,
    KeptRow,
    StepRow,
    line_feeds,
)

ROOTS: Final = ("conditions", "actions")
# The condition in a group of a branch in the third branch.
MAX_PARTS: Final = 24


class Node:
    """What stands below a name: other names, and the values of the name itself."""

    __slots__ = ("below", "texts")

    def __init__(self) -> None:
        self.below: dict[str, Node] = {}
        self.texts: list[str] = []

    def at(self, name: str) -> Node:
        """The node below, an empty one where there is none."""
        return self.below.get(name) or Node()

    def text(self, name: str) -> str:
        """The one value of a name, empty where there is none."""
        texts = self.at(name).texts
        return texts[-1] if texts else ""

    def rows(self) -> Iterator[Node]:
        """The nodes that have numbers for names, by their numbers."""
        numbers = sorted(
            (int(name), name) for name in self.below if name.isascii() and name.isdigit() and len(name) < 6
        )
        return (self.below[name] for _number, name in numbers)


def read(data: QueryDict) -> Draft:
    """The draft that a form sent."""
    root = Node()
    for name, texts in data.lists():
        parts = str(name).split(".", MAX_PARTS)
        if parts[0] not in ROOTS or len(parts) > MAX_PARTS:
            continue
        node = root
        for part in parts:
            node = node.below.setdefault(part, Node())
        node.texts = [line_feeds(str(text)) for text in texts]
    return Draft(_group(root.at("conditions")), _steps(root.at("actions")))


def _group(node: Node) -> GroupRow:
    how = node.text("how")
    return GroupRow(how if how in (ALL, ANY) else ALL, [_condition(below) for below in node.at("rows").rows()])


def _condition(node: Node) -> ConditionRow:
    if "json" in node.below:
        return KeptRow(node.text("json"))
    if "how" in node.below:
        return _group(node)
    return ComparisonRow(node.text("field"), node.text("op"), node.at("value").texts)


def _steps(node: Node) -> list[StepRow]:
    return [_step(below) for below in node.rows()]


def _step(node: Node) -> StepRow:
    if "json" in node.below:
        return KeptRow(node.text("json"))
    return ActionRow(
        node.text("action"),
        {name: below.texts for name, below in node.at("params").below.items()},
        _group(node.at("conditions")),
        [
            BranchRow(below.text("share"), _group(below.at("conditions")), _steps(below.at("actions")))
            for below in node.at("branches").rows()
        ],
        _steps(node.at("otherwise")),
    )
