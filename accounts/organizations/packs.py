"""The packs that a new organization chooses from. What is in one is said by the apps that own the things."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pack:
    """`contents` says what is in it: part and its names."""

    key: str
    name: str
    description: str
    contents: tuple[tuple[str, str], ...] = ()


DEFAULT = "general"

_packs: dict[str, Pack] = {}


def register(pack: Pack) -> None:
    _packs[pack.key] = pack


def offered() -> list[Pack]:
    """In the order in which they are offered."""
    return list(_packs.values())


def choices() -> list[tuple[str, str]]:
    """For forms and serializers: key and what it is for."""
    return [(pack.key, f"{pack.name} — {pack.description}") for pack in _packs.values()]


def keys() -> list[str]:
    return list(_packs)
