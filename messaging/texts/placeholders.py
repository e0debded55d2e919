"""Placeholders of templates: `{{ customer.name }}`, `{{ company|your company }}`, `{{ custom.treatment }}`.

A name stands for a value and for nothing else: no code, no way from one object to another. One renderer serves the
preview and the sending alike.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from core.refused import Refused

# What can always be named; the customers' own fields come as custom.<key>.
NAMES: Mapping[str, str] = {
    "customer.name": "The customer’s name",
    "customer_name": "The same",
    "customer.first_name": "The first word of the name",
    "company": "The customer’s company",
    "agent.name": "Who writes",
    "organization": "Your organization’s name",
}
CUSTOM = "custom."
MAX_COUNT = 40
_NAME = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)?|[A-Za-z0-9_]{1,40}")


@dataclass(frozen=True, slots=True)
class Placeholder:
    """`default` stands for a value that is empty; None where the template gives none."""

    name: str
    default: str | None
    start: int
    end: int


class InvalidPlaceholder(Refused):
    """A text can't be a template; the message says where and why."""

    field = "body"


class MissingValue(Refused):
    """A value is empty and the template gives no default; `names` are those that are missing."""

    status, code = 409, "missing_value"

    def __init__(self, names: Collection[str]) -> None:
        self.names = sorted(names)
        text = ", ".join(self.names)
        super().__init__(
            f"This customer has no {text}. Fill it in, or give the template a default: {{{{ {self.names[0]}|… }}}}."
        )


def parse(text: str) -> list[Placeholder]:
    """The placeholders of a text, in order. Raises InvalidPlaceholder for one that is no name, or is not closed."""
    result, rest, at = [], [], 0
    for start, end in _spans(text):
        inner = text[start + 2 : end - 2]
        rest.append(text[at:start])
        at = end
        name, bar, default = inner.partition("|")
        name = name.strip()
        if not _NAME.fullmatch(name):
            raise InvalidPlaceholder(
                f"“{{{{{inner[:40]}}}}}” is not a placeholder. Write {{{{ customer.name }}}}, for instance."
            )
        result.append(Placeholder(name, default.strip() if bar else None, start, end))
    left = "".join([*rest, text[at:]])
    if "{{" in left or "}}" in left:
        raise InvalidPlaceholder("A placeholder is not closed: write {{ and }} around its name.")
    if len(result) > MAX_COUNT:
        raise InvalidPlaceholder(f"A template has at most {MAX_COUNT} placeholders.")
    return result


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Where each placeholder begins and ends, by one look along the text."""
    end = 0
    while (start := text.find("{{", end)) >= 0 and (closed := text.find("}}", start + 2)) >= 0:
        end = closed + 2
        yield start, end


def check(text: str, *, fields: Collection[str], variables: Collection[str] = ()) -> None:
    """Whether every placeholder can be filled in: raises InvalidPlaceholder for an unknown name or an empty default.

    `fields` are the keys of the customers' own fields, `variables` those of an approved template.
    """
    for one in parse(text):
        is_own = one.name.startswith(CUSTOM) and one.name.removeprefix(CUSTOM) in fields
        if one.name not in NAMES and not is_own and one.name not in variables:
            known = ", ".join([*NAMES, *(f"{CUSTOM}{key}" for key in sorted(fields))])
            raise InvalidPlaceholder(f"“{one.name}” can’t be filled in. Use one of: {known}.")
        if one.default == "":
            raise InvalidPlaceholder(
                f"The default of “{one.name}” is empty: write a word after the |, or leave it out."
            )


def render(text: str, values: Mapping[str, str]) -> str:
    """The text with every placeholder filled in. Raises MissingValue where a value is empty and has no default.

    A value that looks like a placeholder stays what it is.
    """
    parts, at, missing = [], 0, set()
    for one in parse(text):
        value = " ".join(values.get(one.name, "").split()) or one.default
        if value is None:
            missing.add(one.name)
            value = ""
        parts += [text[at : one.start], value]
        at = one.end
    if missing:
        raise MissingValue(missing)
    return "".join([*parts, text[at:]])
