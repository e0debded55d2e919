"""The providers' own documents, which lie beside the repository and not in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "twilio"


def document(name: str) -> Any:
    """A document of Twilio's; without it the test is skipped, and says what is missing."""
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"needs ../shared/twilio/{name}, which is not part of the repository")
    return json.loads(path.read_text())


def recorded_webhooks() -> list[dict[str, Any]]:
    """The recorded calls of Twilio to us; empty where they are not there."""
    paths = sorted((FOLDER / "payloads").glob("[0-9]*.json"))
    return [json.loads(path.read_text()) for path in paths]
