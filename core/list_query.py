"""The state of a list in its address: filters, order, view, page; the same class for every list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict


@dataclass(frozen=True, slots=True)
class ListQuery:
    """`values` in the order in which the address writes them; a value is a text, or a list of texts.

    What is empty, or as in `defaults`, is not written: the plain list has the plain address. It never changes; `with_`,
    `without` and `only` give another one. What a value means, and which are refused, is the list's to say.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, parameters: QueryDict, names: Iterable[str], defaults: Mapping[str, str] | None = None) -> ListQuery:
        """The values of these names in an address, stripped; the default where a name has none."""
        plain = defaults or {}
        return cls({name: parameters.get(name, "").strip() or plain.get(name, "") for name in names}, plain)

    def get(self, name: str) -> Any:
        """The value; the default where there is none, else an empty text."""
        return self.values.get(name, self.defaults.get(name, ""))

    def with_(self, changes: Mapping[str, Any] | None = None, **more: Any) -> ListQuery:
        """With other values in their places; new names stand at the end, and an empty value is none.

        `changes` is for names that Python doesn't take as keywords, such as `from`.
        """
        return replace(self, values={**self.values, **(changes or {}), **more})

    def without(self, name: str, value: str | None = None) -> ListQuery:
        """Without a name, or without one value of its list; the name goes with its last value."""
        value_list = self.values.get(name)
        rest = [one for one in value_list if one != value] if value is not None and isinstance(value_list, list) else []
        if rest:
            return self.with_({name: rest})
        return replace(self, values={other: one for other, one in self.values.items() if other != name})

    def only(self, *names: str) -> ListQuery:
        """With these names and no other."""
        return replace(self, values={name: value for name, value in self.values.items() if name in names})

    def pairs(self, *without: str) -> list[tuple[str, str]]:
        """The pairs for a form's hidden fields; `without` are the names that the form has inputs for."""
        results = [(name, value) for name, value in self.values.items() if name not in without]
        return [(name, one) for name, value in results for one in (value if isinstance(value, list) else [value])]

    def encoded(self) -> str:
        """The query without its question mark; empty for the plain list."""
        written = [
            (name, value)
            for name, value in self.values.items()
            if value and (name not in self.defaults or value != self.defaults[name])
        ]
        return urlencode(written, doseq=True)

    def address(self) -> str:
        """The query with its question mark, which alone leads to the plain list."""
        return f"?{self.encoded()}"
