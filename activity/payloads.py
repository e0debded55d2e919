"""The fields of an event's payload: each is declared with its kind, and whether it stays when a person is erased."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from django.utils.functional import Promise


class Kind(StrEnum):
    """The kind of a value, which decides the operators for it."""

    KEY = "key"  # one word that programs know: a stage's key, a status, a code
    ID = "id"
    NUMBER = "number"
    AMOUNT = "amount"  # of money, a decimal as text
    BOOLEAN = "boolean"
    TIME = "time"
    LIST = "list"  # of keys and names
    LABEL = "label"  # what the organization calls something of its own: a stage, a channel, a template
    SETTINGS = "settings"  # of the organization's own: each name with what it was and is
    TEXT = "text"  # what people wrote, or what they are called
    CHANGES = "changes"  # of a record: each field with from and to
    OBJECT = "object"  # values that people chose, such as a list's filters


# The values before the row is written; a text may stand for what JSON has as one.
_TYPES: dict[Kind, tuple[type, ...]] = {
    **dict.fromkeys((Kind.KEY, Kind.LABEL, Kind.TEXT), (str,)),
    **dict.fromkeys((Kind.SETTINGS, Kind.CHANGES, Kind.OBJECT), (dict,)),
    Kind.ID: (UUID, str, int),
    Kind.NUMBER: (int, float),
    Kind.AMOUNT: (Decimal, str),
    Kind.BOOLEAN: (bool,),
    Kind.TIME: (datetime, str),
    Kind.LIST: (list, tuple),
}
# What may say who somebody is.
PERSONAL = frozenset({Kind.TEXT, Kind.CHANGES, Kind.OBJECT})
KEEPABLE = frozenset({Kind.KEY, Kind.ID, Kind.NUMBER, Kind.AMOUNT, Kind.BOOLEAN, Kind.TIME})
_PLAIN = re.compile(r"[\w:.+-]{0,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class PayloadField:
    """A field of a payload. `is_optional`: it may be missing, or null. `is_kept`: it outlives the person.

    Raises ValueError for a kept field of a kind that can hold words.
    """

    name: str
    kind: Kind
    description: str | Promise = ""
    is_kept: bool = False
    is_optional: bool = False

    def __post_init__(self) -> None:
        if self.is_kept and self.kind not in KEEPABLE:
            raise ValueError(f"{self.name}: a {self.kind} can say who somebody is, and is not kept.")

    def accepts(self, value: object) -> bool:
        """Whether the value is of the field's kind."""
        if value is None:
            return self.is_optional
        return isinstance(value, _TYPES[self.kind]) and (self.kind == Kind.BOOLEAN or not isinstance(value, bool))

    def keeps(self, value: object) -> bool:
        """Whether the value stays when the person is erased: only a word, an id, a number or a time, also in a row that
        was written by an older version."""
        if isinstance(value, str):
            return self.is_kept and _PLAIN.fullmatch(value) is not None
        return self.is_kept and (value is None or isinstance(value, int | float))
