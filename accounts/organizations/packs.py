"""The packs that a new organization chooses from. What is in one is said by the apps that own the things."""

from __future__ import annotations

from dataclasses import dataclass

from core.registry import Registry


@dataclass(frozen=True, slots=True)
class Pack:
    """`contents` says what is in it: part and its names."""

    key: str
    name: str
    description: str
    contents: tuple[tuple[str, str], ...] = ()


DEFAULT = "general"

_packs: Registry[Pack] = Registry("Packs", name=lambda pack: pack.key, describe=lambda pack: pack.name)
register = _packs.register


def offered() -> list[Pack]:
    """In the order in which they are offered."""
    return list(_packs)


def choices() -> list[tuple[str, str]]:
    """For forms and serializers: key and what it is for."""
    return [(pack.key, f"{pack.name} — {pack.description}") for pack in _packs]


def keys() -> list[str]:
    return _packs.names()
