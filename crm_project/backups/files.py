"""Files of a backup: by hard links where the disk is the same, and their digests."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db import models

from crm_project.backups.manifest import SUMS, digest_of


def columns() -> list[tuple[str, str]]:
    """Table and column of everything that names a stored file."""
    return [
        (model._meta.db_table, field.column)
        for model in apps.get_models()
        for field in model._meta.local_concrete_fields
        if isinstance(field, models.FileField) and field.column
    ]


def below(folder: Path) -> Iterator[Path]:
    """Every file below a folder, in an order that stays."""
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            yield Path(place) / name


def collect(target: Path) -> None:
    """Bring every stored file below `target` that is not there as it is now.

    A link costs no room, and holds the bytes although the file is deleted: nothing of ours changes a file in place.
    """
    target.mkdir(exist_ok=True)
    root = Path(settings.MEDIA_ROOT)
    for source in below(root):
        place = target / source.relative_to(root)
        place.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):  # deleted in this moment, with its row
            if place.exists():
                if _is_same(source, place):
                    continue
                place.unlink()
            try:
                os.link(source, place)
            except OSError:  # another disk, or one without links
                shutil.copy2(source, place)


def _is_same(source: Path, place: Path) -> bool:
    one, other = source.stat(), place.stat()
    return one.st_ino == other.st_ino or (one.st_size, one.st_mtime_ns) == (other.st_size, other.st_mtime_ns)


def write_sums(folder: Path) -> tuple[int, int]:
    """Write the digests as `sha256sum --check` reads them; how many files there are, and their bytes."""
    count = size = 0
    with (folder / SUMS).open("w", encoding="utf-8") as lines:
        for path in list(below(folder)):
            name = path.relative_to(folder)
            if str(name) != SUMS:
                lines.write(f"{digest_of(path)}  {name}\n")
                count, size = count + 1, size + path.stat().st_size
    return count, size


def put_back(source: Path) -> None:
    """Copy the files of a backup to where files are stored."""
    root = Path(settings.MEDIA_ROOT)
    for path in below(source):
        place = root / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.copyfile(path, place)
        place.chmod(0o600)
