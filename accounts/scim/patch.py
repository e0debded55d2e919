"""PATCH (RFC 7644, section 3.5.2) on a resource that is held in memory; knows no database.

Directories do not all keep to the letter. What Entra ID and Okta are known to send is understood: `Add` for `add`,
`"True"` for true, several attributes in one value with paths as their names, `members` removed by value without a
filter, `emails[type eq "work"].value` where there is no such element yet, an `id` among what is to be replaced.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Final

from accounts.scim import filters
from accounts.scim.errors import InvalidPath, InvalidSyntax, InvalidValue, NoTarget, NotMutable, TooLarge
from accounts.scim.filters import Path
from accounts.scim.schemas import IGNORED_PARTS, Attribute, Kind, Resource
from accounts.scim.values import elements_of, put, read_value

MAX_OPERATIONS: Final = 1_000
ADD, REPLACE, REMOVE = "add", "replace", "remove"
# The standard's, which nobody sets.
_COMMON: Final = frozenset({"id", "meta", "schemas"})


def apply(kind: Kind, resource: Resource, body: object) -> Resource:
    """The resource as the body of a PATCH makes it; the one that is given stays as it is.

    Raises InvalidSyntax, InvalidPath, InvalidFilter, InvalidValue, NoTarget, NotMutable, TooLarge.
    """
    changed = copy.deepcopy(resource)
    for operation in _operations(body):
        name = str(_get(operation, "op") or "").lower()
        if name not in (ADD, REPLACE, REMOVE):
            raise InvalidSyntax("op: one of add, replace and remove.")
        path, value = _get(operation, "path"), _get(operation, "value")
        if path is None or path == "":
            _without_path(kind, changed, name, value)
        elif isinstance(path, str):
            _at(kind, changed, name, filters.parse_path(path), value, is_named=True)
        else:
            raise InvalidPath("path: a text is expected.")
    return changed


def _operations(body: object) -> list[Mapping[str, object]]:
    operations = _get(body, "Operations") if isinstance(body, Mapping) else None
    if not isinstance(operations, list) or not operations:
        raise InvalidSyntax("Operations: a list of operations is expected.")
    if len(operations) > MAX_OPERATIONS:
        raise TooLarge(f"At most {MAX_OPERATIONS} operations at once.")
    read = [operation for operation in operations if isinstance(operation, Mapping)]
    if len(read) != len(operations):
        raise InvalidSyntax("Operations: each has to be an object.")
    return read


def _get(mapping: Mapping[str, object], name: str) -> object:
    if name in mapping:
        return mapping[name]
    return next((value for key, value in mapping.items() if str(key).lower() == name.lower()), None)


def _without_path(kind: Kind, resource: Resource, name: str, value: object) -> None:
    if name == REMOVE:
        raise NoTarget("path: what is to be removed is missing.")
    if not isinstance(value, Mapping):
        raise InvalidValue("value: without a path an object is expected.")
    for key, part in value.items():
        text = str(key)
        if text.lower() == kind.schema.lower() and isinstance(part, Mapping):
            _without_path(kind, resource, name, part)
        elif text.lower() not in _COMMON:
            _at(kind, resource, name, filters.parse_path(text), part, is_named=False)


def _at(kind: Kind, resource: Resource, name: str, path: Path, value: object, *, is_named: bool) -> None:
    """`is_named`: the path stands as such, and not as a name among others, where the unknown is passed over."""
    attribute = kind.by_name.get(path.attribute)
    if attribute is None or (path.schema and path.schema != kind.schema.lower()):
        whole = f"{path.schema}:{path.attribute}".strip(":")
        # A path may be the name of an extension alone, whose last part looks like an attribute.
        is_known = kind.is_ignored(path.schema, path.attribute) or kind.is_ignored(whole, "")
        if path.attribute in _COMMON and is_named:
            raise NotMutable(f"{path.attribute} can’t be changed.")
        if is_named and not is_known:
            raise InvalidPath(f"There is no attribute “{path.attribute[:40]}”.")
        return
    if attribute.is_read_only:
        if is_named:
            raise NotMutable(f"{attribute.name} can’t be changed.")
        return
    if attribute.type != "complex":
        _set_simple(attribute, resource, name, path, value)
    elif attribute.is_multiple:
        _set_elements(attribute, resource, name, path, value)
    else:
        _set_complex(attribute, resource, name, path, value)


def _set_simple(attribute: Attribute, resource: Resource, name: str, path: Path, value: object) -> None:
    if path.sub or path.filter is not None:
        raise InvalidPath(f"{attribute.name} has no parts.")
    new = None if name == REMOVE else read_value(attribute, value)
    if attribute.is_required and new in (None, ""):
        raise InvalidValue(f"{attribute.name} is required.")
    put(resource, attribute, new)


def _set_complex(attribute: Attribute, resource: Resource, name: str, path: Path, value: object) -> None:
    if path.filter is not None:
        raise InvalidPath(f"{attribute.name} has one value, which needs no filter.")
    current = resource.get(attribute.name)
    parts: Resource = dict(current) if isinstance(current, dict) else {}
    if not path.sub:
        new = None if name == REMOVE else read_value(attribute, value)
        put(resource, attribute, {**parts, **new} if isinstance(new, dict) else None)
        return
    if (sub := _sub(attribute, path.sub)) is None:
        return
    put(parts, sub, None if name == REMOVE else read_value(sub, value))
    put(resource, attribute, parts)


def _set_elements(attribute: Attribute, resource: Resource, name: str, path: Path, value: object) -> None:
    elements = elements_of(resource, attribute.name)
    if path.filter is None and not path.sub:
        result = _whole(attribute, elements, name, value)
    elif name == REMOVE:
        result = _remove(attribute, elements, path)
    else:
        result = _change(attribute, elements, name, path, value)
    if attribute.is_required and not result:
        raise InvalidValue(f"{attribute.name} is required.")
    put(resource, attribute, read_value(attribute, result))


def _whole(attribute: Attribute, elements: list[Resource], name: str, value: object) -> list[Resource]:
    given = elements_of({"given": read_value(attribute, value)}, "given")
    if name == REPLACE:
        return given
    if name == REMOVE:
        # Without a value all of them; with one, as Entra ID sends it, those.
        gone = {element.get("value") for element in given}
        return [element for element in elements if element.get("value") not in gone] if value is not None else []
    # What is there already is not there twice (RFC 7644, 3.5.2.1).
    has = {element.get("value") for element in elements}
    added = [element for element in given if element.get("value") not in has]
    return _with_one_primary(elements, added) + added


def _remove(attribute: Attribute, elements: list[Resource], path: Path) -> list[Resource]:
    """What is not there is gone already."""
    sub = _sub(attribute, path.sub) if path.sub else None
    left = []
    for element in elements:
        if path.filter is not None and not filters.matches(path.filter, element):
            left.append(element)
        elif sub is not None and sub.name != "value":
            left.append({name: part for name, part in element.items() if name != sub.name})
        elif path.sub and sub is None:
            left.append(element)
    return left


def _change(attribute: Attribute, elements: list[Resource], name: str, path: Path, value: object) -> list[Resource]:
    sub = _sub(attribute, path.sub) if path.sub else None
    if path.sub and sub is None:
        return elements
    new: Resource = {}
    if sub is not None:
        put(new, sub, read_value(sub, value))
    else:
        (new,) = elements_of({"given": read_value(attribute, value)}, "given")[:1] or [{}]
    chosen = [one for one in elements if path.filter is None or filters.matches(path.filter, one)]
    if not chosen:
        described = filters.equalities(path.filter) if path.filter is not None else {}
        if described is None:
            raise NoTarget(f"{attribute.name}: nothing is as the filter asks.")
        made = elements_of({"given": read_value(attribute, [{**described, **new}])}, "given")
        return _with_one_primary(elements, made) + made
    changed: list[Resource] = []
    for element in elements:
        if all(element is not one for one in chosen):
            changed.append(element)
        else:
            changed.append({**element, **new})
    return changed


def _with_one_primary(elements: list[Resource], added: list[Resource]) -> list[Resource]:
    """The elements of before, none of them the primary one where one that came is (RFC 7643, 2.4)."""
    if not any(element.get("primary") is True for element in added):
        return elements
    return [{**element, "primary": False} if element.get("primary") else element for element in elements]


def _sub(attribute: Attribute, name: str) -> Attribute | None:
    """The part of this name; None for one that the standard has and we don't keep. Raises InvalidPath, NotMutable."""
    sub = attribute.by_name.get(name)
    if sub is None and name not in IGNORED_PARTS:
        raise InvalidPath(f"{attribute.name} has no “{name[:40]}”.")
    if sub is not None and sub.is_read_only:
        raise NotMutable(f"{attribute.name}.{sub.name} can’t be changed.")
    return sub
