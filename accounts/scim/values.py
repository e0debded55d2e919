"""Bodies read by the declarations of `schemas`: names in any case, values as directories really write them.

What is declared as read-only is left out, as RFC 7644 (3.5.1) asks; what the standard has and we don't keep, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from accounts.scim.errors import InvalidSyntax, InvalidValue
from accounts.scim.filters import without_schema
from accounts.scim.schemas import Attribute, Kind, Resource

_BOOLEANS: Final = {"true": True, "false": False}


def read_resource(kind: Kind, body: object) -> Resource:
    """What of a body the kind has, by the names of its schema. Raises InvalidSyntax, InvalidValue."""
    if not isinstance(body, Mapping):
        raise InvalidSyntax("The body has to be a JSON object.")
    read: Resource = {}
    for name, value in body.items():
        _schema, key = without_schema(str(name))
        attribute = kind.by_name.get(key)
        if attribute is not None and not attribute.is_read_only:
            put(read, attribute, read_value(attribute, value))
    return read


def read_value(attribute: Attribute, value: object) -> object:
    """The value of an attribute, None for none. Raises InvalidValue, which names the attribute."""
    if value is None:
        return None
    if not attribute.is_multiple:
        return _one(attribute, value)
    elements = value if isinstance(value, list) else [value]
    if len(elements) > attribute.most:
        raise InvalidValue(f"{attribute.name}: at most {attribute.most} values.")
    read = [_one(attribute, element) for element in elements if element is not None]
    return [element for element in read if element]


def put(resource: Resource, attribute: Attribute, value: object) -> None:
    """Set the value; nothing, an empty text and an empty list are no value (RFC 7643, 2.5)."""
    if value in (None, "", [], {}):
        resource.pop(attribute.name, None)
    else:
        resource[attribute.name] = value


def require(kind: Kind, resource: Resource, *, but: Iterable[str] = ()) -> None:
    """Raises InvalidValue for the first attribute that is required and missing."""
    for attribute in kind.attributes:
        if attribute.is_required and attribute.name not in resource and attribute.name not in but:
            raise InvalidValue(f"{attribute.name} is required.")


def elements_of(resource: Mapping[str, object], name: str) -> list[Resource]:
    """The elements of a multi-valued attribute; none where it is not there."""
    value = resource.get(name)
    return [element for element in value if isinstance(element, dict)] if isinstance(value, list) else []


def text_of(resource: Mapping[str, object], name: str) -> str:
    """The text of an attribute; empty where it is not there."""
    value = resource.get(name)
    return value if isinstance(value, str) else ""


def _one(attribute: Attribute, value: object) -> object:
    match attribute.type:
        case "boolean":
            return _boolean(attribute, value)
        case "complex":
            return _complex(attribute, value)
        case _:
            return _text(attribute, value)


def _boolean(attribute: Attribute, value: object) -> bool:
    if isinstance(value, bool):
        return value
    # As Entra ID writes it, unless it is told not to: "True".
    if isinstance(value, str) and value.strip().lower() in _BOOLEANS:
        return _BOOLEANS[value.strip().lower()]
    raise InvalidValue(f"{attribute.name}: true or false is expected.")


def _text(attribute: Attribute, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InvalidValue(f"{attribute.name}: a text is expected.")
    text = " ".join(str(value).split())
    if len(text) > attribute.most:
        raise InvalidValue(f"{attribute.name}: at most {attribute.most} characters.")
    return text


def _complex(attribute: Attribute, value: object) -> Resource:
    if isinstance(value, str) and attribute.is_multiple:
        value = {"value": value}
    if not isinstance(value, Mapping):
        raise InvalidValue(f"{attribute.name}: an object is expected.")
    read: Resource = {}
    for name, part in value.items():
        sub = attribute.by_name.get(str(name).lower())
        if sub is not None and not sub.is_read_only and part is not None:
            put(read, sub, _one(sub, part))
    return read
