"""Files on a disk of the test's own, and a clock that is wound on."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from core.tenancy import every_organization


@pytest.fixture
def disk(settings: Any, tmp_path: Path) -> Path:
    """Where files are kept; empty at first."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


def on_disk(folder: Path) -> list[Path]:
    """Every file that is kept there."""
    return sorted(path for path in folder.rglob("*") if path.is_file()) if folder.exists() else []


def picture(size: tuple[int, int] = (900, 600), form: str = "PNG") -> bytes:
    """A picture that a browser shows."""
    drawn = io.BytesIO()
    Image.new("RGB", size, (30, 120, 90)).save(drawn, form)
    return drawn.getvalue()


def all_of(model: Any, **filters: Any) -> list[Any]:
    """Rows of all organizations, oldest first."""
    with every_organization("the test looks at all"):
        return list(model.objects.filter(**filters).order_by("pk"))


def only(model: Any, **filters: Any) -> Any:
    """The one row; fails where there are none or more."""
    (row,) = all_of(model, **filters)
    return row
