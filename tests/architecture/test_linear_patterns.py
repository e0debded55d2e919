"""No pattern takes more than linear time, whatever it is given: one line of a mail must not stop everybody's work.

Every pattern that a module holds is looked for by importing all modules; those that are written in a function are read
out of the source. Each is fed with long repetitions of the signs that it names, in the ways in which the code uses it.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
APPS: Final = ("core", "activity", "accounts", "customers", "messaging", "workflows", "analytics", "crm_project")
LENGTH: Final = 4_000
QUICK: Final = 0.01  # seconds of CPU: so short a time is not worth a second look
MAX_SIGNS: Final = 16
MAX_PAIRS: Final = 40

WAYS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "match": lambda pattern, text: pattern.match(text),
    "fullmatch": lambda pattern, text: pattern.fullmatch(text),
    "search": lambda pattern, text: pattern.search(text),
    "finditer": lambda pattern, text: sum(1 for _ in pattern.finditer(text)),
    "findall": lambda pattern, text: pattern.findall(text),
    "sub": lambda pattern, text: pattern.sub(text[:0], text),
    "split": lambda pattern, text: pattern.split(text),
}
USED: Final = re.compile(r"\b([A-Za-z_]\w*)\.(match|fullmatch|search|finditer|findall|sub|split)\(")


def sources() -> Iterator[Path]:
    for app in APPS:
        yield from (path for path in sorted((ROOT / app).rglob("*.py")) if "migrations" not in path.parts)


@cache
def collected() -> dict[str, tuple[Any, frozenset[str]]]:
    """Each pattern with the ways in which it is used, by where it stands or is imported."""
    found: dict[str, tuple[Any, frozenset[str]]] = {}
    for app in APPS:
        package = importlib.import_module(app)
        for module in pkgutil.walk_packages(package.__path__, f"{app}."):
            if ".migrations" in module.name or module.name.endswith((".asgi", ".wsgi", ".__main__")):
                continue
            held = importlib.import_module(module.name)
            patterns = {name: value for name, value in vars(held).items() if isinstance(value, re.Pattern)}
            if not patterns:
                continue
            used = USED.findall(Path(str(held.__file__)).read_text())
            for name, value in patterns.items():
                found[f"{module.name}.{name}"] = (value, frozenset(way for one, way in used if one == name))
    found.update(_written_in_functions())
    return found


def _written_in_functions() -> dict[str, tuple[Any, frozenset[str]]]:
    """The patterns in calls as re.sub("…", …), where they are written as they stand."""
    found: dict[str, tuple[Any, frozenset[str]]] = {}
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
                continue
            is_re = isinstance(node.func.value, ast.Name) and node.func.value.id == "re" and node.func.attr in WAYS
            if is_re and isinstance(node.args[0], ast.Constant):
                place = f"{path.relative_to(ROOT)}:{node.lineno}"
                found[place] = (re.compile(node.args[0].value), frozenset([node.func.attr]))
    return found


def hostile(pattern: Any) -> list[str]:
    """Texts to repeat: the signs that a pattern names, pairs of them, and what is slow with many patterns."""
    signs: dict[str, None] = {}
    pairs: dict[str, None] = {}
    _walk(re._parser.parse(pattern.pattern, pattern.flags), signs, pairs)
    named = [*list(signs)[:MAX_SIGNS], *(sign for sign in " a1\n\t-_.<@{=\"'" if sign not in signs)]
    beside = list(pairs)[:14] + [one + other for one in named[:7] for other in named[:7] if one != other]
    return list(dict.fromkeys([*named, *beside]))[: MAX_SIGNS + MAX_PAIRS]


def _walk(tree: Any, signs: dict[str, None], pairs: dict[str, None]) -> None:
    before = ""
    for operation, value in tree:
        name, after = str(operation), ""
        if name in ("LITERAL", "NOT_LITERAL"):
            after = chr(value)
            signs[after] = None
            if before:
                pairs[before + after] = None
        elif name == "IN":
            named = [one for kind, one in value if str(kind) in ("LITERAL", "RANGE")]
            signs.update(dict.fromkeys(chr(one if isinstance(one, int) else one[0]) for one in named))
        for part in _parts(name, value):
            _walk(part, signs, pairs)
        before = after


def _parts(name: str, value: Any) -> list[Any]:
    """The patterns inside an operation."""
    if name == "BRANCH":
        return list(value[1][:60])
    if name == "ATOMIC_GROUP":
        return [value]
    place = {"MAX_REPEAT": 2, "MIN_REPEAT": 2, "POSSESSIVE_REPEAT": 2, "SUBPATTERN": 3, "ASSERT": 1, "ASSERT_NOT": 1}
    return [value[place[name]]] if name in place else []


def seconds(work: Callable[[Any, Any], Any], pattern: Any, text: Any) -> float:
    began = time.process_time()
    work(pattern, text)
    return time.process_time() - began


def growth(work: Callable[[Any, Any], Any], pattern: Any, sign: str, *, length: int = LENGTH) -> float:
    """How much longer twice the text takes: 2 is linear, 4 quadratic; 0 for what is quick at any rate."""
    texts = [sign * (long // len(sign)) for long in (length, 2 * length)]
    given = [text.encode("utf-8", "replace") if isinstance(pattern.pattern, bytes) else text for text in texts]
    short = seconds(work, pattern, given[0])
    if short < QUICK:
        return 0.0
    return min(seconds(work, pattern, given[1]) for _ in range(2)) / max(short, 0.000_001)


def test_there_are_patterns():
    assert len(collected()) > 120
    assert any(name.startswith("messaging.channels.mail") for name in collected())
    assert any(".py:" in name for name in collected())


@pytest.mark.parametrize("pattern", [re.compile(r"^[ \t>|-]*(?:-{2,}\s*)?x"), re.compile(r"\{\{(.*?)\}\}", re.DOTALL)])
def test_a_slow_pattern_is_noticed(pattern: Any):
    # Something else may have had the processor for a moment: three tries.
    signs = [sign for _ in range(3) for sign in hostile(pattern)]
    assert any(growth(WAYS["finditer"], pattern, sign, length=LENGTH // 2) > 3 for sign in signs)


@pytest.mark.parametrize("app", APPS)
def test_no_pattern_is_slower_than_linear(app: str):
    mine = {name: found for name, found in collected().items() if name.startswith((f"{app}.", f"{app}/"))}
    seen: set[tuple[Any, int, frozenset[str]]] = set()
    slow = []
    for name, (pattern, ways) in mine.items():
        if (key := (pattern.pattern, pattern.flags, ways)) in seen:
            continue  # imported from where it stands
        seen.add(key)
        for way in sorted(ways):
            for sign in hostile(pattern):
                if growth(WAYS[way], pattern, sign) > 3:
                    slow.append((name, way, sign))
                    break
    assert not slow, "\n".join(map(str, slow))


@pytest.mark.parametrize(
    ("name", "way", "before", "sign", "end"),
    [
        ("customers.data.imports.mapping._EMAIL", "fullmatch", "a@a.", ".", " "),
        ("core.safe_cells._NUMBER", "fullmatch", "-", "1", "!"),
        ("messaging.channels.mail.reply_lines._WEEKDAY", "match", " niedza.", "\t", "x"),
        ("messaging.channels.mail.reply_lines._CLOSES_ADDRESS", "match", " >", "\t", "x"),
    ],
)
def test_what_is_slow_only_behind_a_beginning_is_linear(name: str, way: str, before: str, sign: str, end: str):
    """These shared out a long middle in every way before they gave up at the end."""
    pattern, _ = collected()[name]
    times = [seconds(WAYS[way], pattern, before + sign * (length * LENGTH) + end) for length in (1, 2)]
    assert times[0] < QUICK or times[1] / times[0] < 3
