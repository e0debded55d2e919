"""`attributes` and `excludedAttributes` (RFC 7644, section 3.9): which parts of a resource are answered."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from accounts.scim.errors import InvalidValue
from accounts.scim.filters import without_schema
from accounts.scim.schemas import Resource

_ALWAYS: Final = frozenset({"schemas", "id"})
_MAX_NAMES: Final = 100


@dataclass(frozen=True, slots=True)
class Selection:
    """Names in small letters: `username`, `name.givenname`. With `only` nothing else is answered."""

    only: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()

    def has(self, name: str) -> bool:
        """Whether any of the attribute, in small letters, is answered."""
        if self.only:
            return any(one == name or one.startswith(f"{name}.") for one in self.only)
        return name not in self.without

    def of(self, resource: Resource) -> Resource:
        """The resource with what is asked for, and what is always answered."""
        chosen: Resource = {}
        for name, value in resource.items():
            key = name.lower()
            if name in _ALWAYS or (not self.only and key not in self.without) or key in self.only:
                kept: object = value if name in _ALWAYS or key in self.only else _parts(value, key, self.without, False)
            elif self.only and self.has(key):
                kept = _parts(value, key, self.only, True)
            else:
                continue
            if kept not in ({}, []):
                chosen[name] = kept
        return chosen


def selection_of(attributes: object, excluded: object) -> Selection:
    """What a request asks for; each a list, or a text with commas. Raises InvalidValue for more than can be meant."""
    only, without = _names(attributes, "attributes"), _names(excluded, "excludedAttributes")
    return Selection(only, without - _ALWAYS if not only else frozenset())


def _names(given: object, what: str) -> frozenset[str]:
    if given is None:
        return frozenset()
    texts = given if isinstance(given, list) else str(given).split(",")
    if len(texts) > _MAX_NAMES:
        raise InvalidValue(f"{what}: at most {_MAX_NAMES} names.")
    names = (without_schema(str(text).strip())[1] for text in texts)
    return frozenset(name for name in names if name)


def _parts(value: object, name: str, names: Collection[str], is_only: bool) -> object:
    """Of a complex value the parts that are named, or those that are not."""
    if not any(one.startswith(f"{name}.") for one in names):
        return value
    if isinstance(value, list):
        return [part for part in (_parts(element, name, names, is_only) for element in value) if part]
    if isinstance(value, Mapping):
        return {key: part for key, part in value.items() if (f"{name}.{key.lower()}" in names) is is_only}
    return value
