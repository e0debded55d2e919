"""Packs: one data file each, read once."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Pack:
    """What a kind of organization starts with."""

    key: str
    name: str
    description: str
    stages: tuple[dict[str, Any], ...]


@lru_cache(maxsize=1)
def packs() -> dict[str, Pack]:
    """Every pack by its key, in the order in which they are offered."""
    order = ("clinic", "school", "general")
    return {key: _read(key) for key in order}


def _read(key: str) -> Pack:
    data = tomllib.loads((FOLDER / f"{key}.toml").read_text(encoding="utf-8"))
    return Pack(key, data["name"], data["description"], tuple(data["stages"]))
