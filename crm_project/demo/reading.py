"""The demo's words, which stand in TOML files beside the code."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any


@lru_cache
def read(path: Path) -> dict[str, Any]:
    """The file's data, read once."""
    return tomllib.loads(path.read_text(encoding="utf-8"))
