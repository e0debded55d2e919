"""Packs: one data file each, read and checked once."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path

from customers.packs.reading import InvalidPack, Pack, read

__all__ = ["InvalidPack", "Pack", "packs", "read_file"]

FOLDER = Path(__file__).parent
# In the order in which they are offered.
ORDER = ("clinic", "school", "general")


@lru_cache(maxsize=1)
def packs() -> dict[str, Pack]:
    """Every pack by its key. Raises InvalidPack, which names file and place."""
    return {key: read_file(FOLDER / f"{key}.toml") for key in ORDER}


def read_file(path: Path) -> Pack:
    """One pack's file; the key is the file's name. Raises InvalidPack."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidPack(path.name, "the file", str(error)) from error
    return read(path.name, path.stem, data)
