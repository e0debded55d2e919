"""Filters of SCIM (RFC 7644, section 3.4.2.2), read into a tree; and the paths of PATCH, which have filters in them.

Knows no database. Reading takes time in proportion to the text, which is limited, as are depth and number of questions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from accounts.scim.errors import InvalidFilter, InvalidPath, ScimError, TooMany

MAX_LENGTH: Final = 4_000
MAX_DEPTH: Final = 20
MAX_COMPARISONS: Final = 60
OPERATORS: Final = frozenset({"eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"})

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """`path` in small letters, without a schema's name; `operator` is one of OPERATORS, or `pr` without a value."""

    path: str
    operator: str
    value: Scalar = None


@dataclass(frozen=True, slots=True)
class Not:
    inner: Node


@dataclass(frozen=True, slots=True)
class Both:
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Either:
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Inside:
    """`emails[…]`: an element of the attribute for which all of the filter is so."""

    path: str
    inner: Node


Node = Comparison | Not | Both | Either | Inside


@dataclass(frozen=True, slots=True)
class Path:
    """`attribute`, `attribute.sub`, `attribute[filter]` or `attribute[filter].sub`; names in small letters.

    `schema` is what stood before the attribute, in small letters; empty where nothing did.
    """

    attribute: str
    sub: str = ""
    filter: Node | None = None
    schema: str = ""


_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<bracket>[()\[\]])
      | (?P<text>"(?:[^"\\]|\\.)*")
      | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.])
      | (?P<word>[A-Za-z$][\w$:.\-]*)
      | (?P<sub>\.[A-Za-z$][\w$\-]*)
    )""",
    re.VERBOSE | re.ASCII,
)
_LITERALS: Final[Mapping[str, Scalar]] = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def parse(text: str) -> Node:
    """The filter as a tree. Raises InvalidFilter, or TooMany for one that is too large."""
    return _Reader(text, InvalidFilter).whole_filter()


def parse_path(text: str) -> Path:
    """The path of a PATCH. Raises InvalidPath, InvalidFilter for a wrong filter in it, TooMany."""
    return _Reader(text, InvalidPath).whole_path()


def without_schema(name: str) -> tuple[str, str]:
    """`urn:…:User:name.givenName` as the schema's name and the rest, both in small letters."""
    schema, _separator, rest = name.lower().rpartition(":")
    return schema, rest


class _Reader:
    """Reads by recursive descent: `or` binds least, then `and`, then `not` and brackets."""

    def __init__(self, text: str, wrong: type[ScimError]) -> None:
        if len(text) > MAX_LENGTH:
            raise TooMany(f"A filter or path has at most {MAX_LENGTH} characters.")
        self._wrong = wrong
        self._tokens = self._split(text)
        self._next = 0
        self._comparisons = 0

    def whole_filter(self) -> Node:
        node = self._either(0)
        if self._peek() is not None:
            raise self._unexpected()
        return node

    def whole_path(self) -> Path:
        schema, name = without_schema(self._take("word", "the name of an attribute").text)
        attribute, _dot, sub = name.partition(".")
        node: Node | None = None
        if not sub and self._is("bracket", "["):
            self._next += 1
            node = self._either(1)
            self._close("]")
            following = self._peek()
            if following is not None and following.kind == "sub":
                self._next += 1
                sub = following.text[1:].lower()
        if self._peek() is not None or not attribute or "." in sub:
            raise self._unexpected()
        return Path(attribute, sub, node, schema)

    def _split(self, text: str) -> list[_Token]:
        tokens, at, end = [], 0, len(text.rstrip())
        while at < end:
            found = _TOKEN.match(text, at)
            if found is None or found.lastgroup is None:
                raise self._wrong(f"Nothing is expected to begin with “{text[at : at + 20].strip()}”.")
            tokens.append(_Token(found.lastgroup, found[found.lastgroup]))
            at = found.end()
        return tokens

    def _either(self, depth: int) -> Node:
        node = self._both(depth)
        while self._is_word("or"):
            self._next += 1
            node = Either(node, self._both(depth))
        return node

    def _both(self, depth: int) -> Node:
        node = self._one(depth)
        while self._is_word("and"):
            self._next += 1
            node = Both(node, self._one(depth))
        return node

    def _one(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise TooMany(f"Brackets stand at most {MAX_DEPTH} deep.")
        if self._is_word("not"):
            self._next += 1
            return Not(self._group(depth))
        if self._is("bracket", "("):
            return self._group(depth)
        return self._question(depth)

    def _group(self, depth: int) -> Node:
        if not self._is("bracket", "("):
            raise self._unexpected()
        self._next += 1
        node = self._either(depth + 1)
        self._close(")")
        return node

    def _question(self, depth: int) -> Node:
        self._comparisons += 1
        if self._comparisons > MAX_COMPARISONS:
            raise TooMany(f"A filter asks at most {MAX_COMPARISONS} questions.")
        _schema, path = without_schema(self._take("word", "the name of an attribute").text)
        if self._is("bracket", "["):
            return self._inside(path, depth)
        return self._comparison(path)

    def _inside(self, path: str, depth: int) -> Node:
        self._next += 1
        node = self._either(depth + 1)
        self._close("]")
        following = self._peek()
        if following is not None and following.kind == "sub":
            # `emails[type eq "work"].value eq "…"`: no grammar has it, and Entra ID asks so.
            self._next += 1
            node = Both(node, self._comparison(following.text[1:].lower()))
        return Inside(path, node)

    def _comparison(self, path: str) -> Comparison:
        operator = self._take("word", "an operator such as eq").text.lower()
        if operator == "pr":
            return Comparison(path, operator)
        if operator not in OPERATORS:
            raise self._wrong(f"“{operator[:20]}” is no operator.")
        return Comparison(path, operator, self._value())

    def _value(self) -> Scalar:
        token = self._peek()
        if token is None:
            raise self._wrong("A value is missing at the end.")
        self._next += 1
        if token.kind in ("text", "number"):
            try:
                value = json.loads(token.text)
            except ValueError as error:
                raise self._wrong(f"{token.text[:40]} is no value.") from error
            return value if isinstance(value, str | int | float) else None
        if token.kind == "word" and token.text.lower() in _LITERALS:
            return _LITERALS[token.text.lower()]
        raise self._wrong(f"“{token.text[:20]}” is no value: texts stand in quotation marks.")

    def _peek(self) -> _Token | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def _is(self, kind: str, text: str) -> bool:
        token = self._peek()
        return token is not None and token.kind == kind and token.text == text

    def _is_word(self, word: str) -> bool:
        token = self._peek()
        return token is not None and token.kind == "word" and token.text.lower() == word

    def _take(self, kind: str, what: str) -> _Token:
        token = self._peek()
        if token is None:
            raise self._wrong(f"At the end {what} is missing.")
        if token.kind != kind:
            raise self._wrong(f"“{token.text[:20]}” stands where {what} should.")
        self._next += 1
        return token

    def _close(self, bracket: str) -> None:
        if not self._is("bracket", bracket):
            raise self._wrong(f"“{bracket}” is missing.")
        self._next += 1

    def _unexpected(self) -> ScimError:
        token = self._peek()
        return self._wrong(
            f"“{token.text[:20]}” is not expected here." if token else "Something is missing at the end."
        )


def matches(node: Node, element: Mapping[str, object]) -> bool:
    """Whether an element of a multi-valued attribute is as the filter asks. Raises InvalidFilter."""
    match node:
        case Both():
            return matches(node.left, element) and matches(node.right, element)
        case Either():
            return matches(node.left, element) or matches(node.right, element)
        case Not():
            return not matches(node.inner, element)
        case Inside():
            raise InvalidFilter("An element has no elements of its own.")
        case Comparison():
            return _holds(node, _find(element, node.path))


def equalities(node: Node | None) -> dict[str, Scalar] | None:
    """What a filter of nothing but `eq` and `and` says of an element; None for any other."""
    match node:
        case Both():
            left, right = equalities(node.left), equalities(node.right)
            return None if left is None or right is None else {**left, **right}
        case Comparison(operator="eq"):
            return {node.path: node.value}
        case _:
            return None


def _find(element: Mapping[str, object], path: str) -> object:
    return next((value for name, value in element.items() if name.lower() == path), None)


def _holds(question: Comparison, value: object) -> bool:
    if question.operator == "pr":
        return value not in (None, "", [])
    wanted = question.value
    if isinstance(wanted, str) and isinstance(value, bool):
        # As Entra ID asks: primary eq "True".
        wanted = {"true": True, "false": False}.get(wanted.lower(), wanted)
    if question.operator in ("eq", "ne"):
        return (_folded(value) == _folded(wanted)) is (question.operator == "eq")
    if isinstance(value, bool) or isinstance(wanted, bool) or value is None or wanted is None:
        raise InvalidFilter(f"“{question.operator}” can’t be asked of {question.path}.")
    left, right = str(value).lower(), str(wanted).lower()
    answers = {
        "co": right in left,
        "sw": left.startswith(right),
        "ew": left.endswith(right),
        "gt": left > right,
        "ge": left >= right,
        "lt": left < right,
        "le": left <= right,
    }
    return answers[question.operator]


def _folded(value: object) -> object:
    return value.lower() if isinstance(value, str) else value
