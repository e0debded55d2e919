"""Values of custom fields: checked, read from text, shown. Pure; the definitions are given.

Stored as JSON: text, choice, url and date (ISO) as text, number as a number, boolean as true or false, multi_choice as
a list of texts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date
from urllib.parse import urlsplit

from core.refused import Invalid
from customers.models import CustomField

MAX_TEXT = 2000
MAX_NUMBER = 1e15
_TRUE = frozenset({"true", "yes", "y", "1", "x", "on", "ja", "oui", "si", "sí"})
_FALSE = frozenset({"false", "no", "n", "0", "off", "nein", "non", "-"})
_DAY = re.compile(r"(\d{1,2})[./](\d{1,2})[./](\d{4})")


class InvalidValue(Invalid):
    """Not a value of its field; `key` is the field's, `field` its place in a body: `custom_fields.<key>`."""

    def __init__(self, key: str, detail: str) -> None:
        super().__init__(f"custom_fields.{key}", detail)
        self.key = key


def is_empty(value: object) -> bool:
    """Whether the value is empty: it is then not stored."""
    return value is None or value == "" or value == []


def clean(field: CustomField, value: object, *, current: object = None) -> object:
    """The value as it is stored; None for no value. Raises InvalidValue.

    `current` is what the record has: a choice of it that was taken off the list since may stay.
    """
    if is_empty(value):
        return None
    if field.type == CustomField.Type.CHOICE and value == current:
        return value
    if field.type == CustomField.Type.MULTI_CHOICE and isinstance(value, list) and isinstance(current, list):
        chosen = [one if one in current else _choice(field, one) for one in value]
        return list(dict.fromkeys(chosen)) or None
    return _CLEANERS[CustomField.Type(field.type)](field, value)


def read_text(field: CustomField, text: str, *, current: object = None) -> object:
    """A value from a form, a cell or an address, where everything is text. Raises InvalidValue."""
    text = text.strip()
    if not text:
        return None
    if field.type == CustomField.Type.NUMBER:
        return clean(field, _number_of(field, text))
    if field.type == CustomField.Type.BOOLEAN:
        return clean(field, _boolean_of(field, text))
    if field.type == CustomField.Type.DATE and (match := _DAY.fullmatch(text)):
        return clean(field, "{2}-{1:0>2}-{0:0>2}".format(*match.groups()))
    if field.type == CustomField.Type.MULTI_CHOICE:
        return clean(field, [part.strip() for part in re.split(r"[;|\n]|,(?! )|, ", text) if part.strip()])
    return clean(field, text, current=current)


def show(field: CustomField, value: object) -> str:
    """The value in words; `read_text` reads it back."""
    if is_empty(value):
        return ""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, list):
        return "; ".join(str(part) for part in value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _text(field: CustomField, value: object) -> str:
    if not isinstance(value, str):
        raise InvalidValue(field.key, f"{field.label}: a text is needed.")
    if len(value) > MAX_TEXT:
        raise InvalidValue(field.key, f"{field.label}: at most {MAX_TEXT} characters.")
    return value


def _number(field: CustomField, value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidValue(field.key, f"{field.label}: a number is needed.")
    if not math.isfinite(value) or abs(value) > MAX_NUMBER:
        raise InvalidValue(field.key, f"{field.label}: this number is too large.")
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _date(field: CustomField, value: object) -> str:
    try:
        if not isinstance(value, str) or len(value) != len("2000-01-31"):
            raise ValueError
        return date.fromisoformat(value).isoformat()
    except ValueError as error:
        raise InvalidValue(field.key, f"{field.label}: a day such as 2026-03-31 is needed.") from error


def _boolean(field: CustomField, value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidValue(field.key, f"{field.label}: true or false is needed.")
    return value


def _choice(field: CustomField, value: object) -> str:
    text = _text(field, value)
    for choice in field.choices:
        if choice.casefold() == text.casefold():
            return str(choice)
    raise InvalidValue(field.key, f"{field.label}: “{text[:40]}” is not one of {', '.join(field.choices)}.")


def _choices(field: CustomField, value: object) -> list[str]:
    if not isinstance(value, list):
        raise InvalidValue(field.key, f"{field.label}: a list is needed.")
    return list(dict.fromkeys(_choice(field, part) for part in value))


def _url(field: CustomField, value: object) -> str:
    text = _text(field, value).strip()
    try:
        parts = urlsplit(text)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"\s", text)
    except ValueError:
        is_good = False
    if not is_good:
        raise InvalidValue(field.key, f"{field.label}: a link that begins with https:// is needed.")
    return text


def _number_of(field: CustomField, text: str) -> int | float:
    # 1 234,5 and 1,234.5 and 1.234,5: the last of the two signs is the decimal one.
    compact = re.sub(r"[\s'’ ]", "", text)
    if "," in compact and compact.rfind(",") > compact.rfind("."):
        thousands = re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+", compact)
        compact = compact.replace(",", "") if thousands else compact.replace(".", "").replace(",", ".")
    else:
        compact = compact.replace(",", "")
    try:
        return int(compact) if re.fullmatch(r"[+-]?\d{1,16}", compact) else float(compact)
    except ValueError as error:
        raise InvalidValue(field.key, f"{field.label}: “{text[:40]}” is not a number.") from error


def _boolean_of(field: CustomField, text: str) -> bool:
    word = text.casefold()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise InvalidValue(field.key, f"{field.label}: “{text[:40]}” is neither yes nor no.")


_CLEANERS: dict[CustomField.Type, Callable[[CustomField, object], object]] = {
    CustomField.Type.TEXT: _text,
    CustomField.Type.NUMBER: _number,
    CustomField.Type.DATE: _date,
    CustomField.Type.BOOLEAN: _boolean,
    CustomField.Type.CHOICE: _choice,
    CustomField.Type.MULTI_CHOICE: _choices,
    CustomField.Type.URL: _url,
}
