"""What a backup says of itself: when, of what, by which version, and how much of everything there is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from django.conf import settings

from core.registry import Registry


@dataclass(frozen=True)
class Mark:
    """`query` is SQL that both databases understand and that gives one value."""

    name: str
    query: str


FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
SUMS: Final = "SHA256SUMS"
DATABASE: Final = "database"
MEDIA: Final = "media"


# A value of the database by which a restored one is recognised, as SQL: with a backup it is written down in the same
# moment, and a rehearsal asks for it again.
MARKS: Registry[Mark] = Registry("Marks of backups", name=lambda mark: mark.name)


class InvalidBackup(Exception):
    """The folder is no backup, is damaged, or can't be used here; the text says what to do."""


@dataclass(frozen=True)
class Snapshot:
    """What was read of a database in one moment: its tables, the files that rows name, and its marks."""

    tables: dict[str, Table]
    names: list[str]
    marks: dict[str, str]


@dataclass(frozen=True)
class Table:
    """A table of the database: its columns in the order in which they were written, and how many rows."""

    columns: list[str]
    rows: int


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """`sums` is the digest of the file of digests. `missing` are files that rows name and that were not there."""

    made_at: datetime
    vendor: str
    versions: Mapping[str, str]
    migrations: list[tuple[str, str]]
    tables: Mapping[str, Table]
    files: int
    size: int
    missing: list[str]
    marks: Mapping[str, str]
    sums: str
    # Of keys, never the keys: whether those at hand are the right ones.
    encryption_keys: list[str]
    secret_key: str
    format: int = field(default=FORMAT)

    def write(self, folder: Path) -> None:
        data = asdict(self) | {"made_at": self.made_at.isoformat()}
        (folder / MANIFEST).write_text(json.dumps(data, indent=1), encoding="utf-8")


def read(folder: Path) -> Manifest:
    """Raises InvalidBackup."""
    try:
        data = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if data["format"] != FORMAT:
            raise InvalidBackup(f"{folder} has format {data['format']}, and this version reads {FORMAT}.")
        data["made_at"] = datetime.fromisoformat(data["made_at"])
        data["migrations"] = [(app, name) for app, name in data["migrations"]]
        data["tables"] = {name: Table(**table) for name, table in data["tables"].items()}
        return Manifest(**data)
    except FileNotFoundError:
        raise InvalidBackup(f"{folder} is no backup: it has no {MANIFEST}.") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidBackup(f"The {MANIFEST} of {folder} can’t be read ({type(error).__name__}).") from error


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def fingerprint(key: str) -> str:
    """Says whether a key is the same, and nothing else of it."""
    return hashlib.sha256(b"parley backup\0" + key.encode()).hexdigest()[:20]


def own_keys() -> tuple[list[str], str]:
    """The fingerprints of ENCRYPTION_KEYS and of SECRET_KEY."""
    return [fingerprint(key) for key in settings.ENCRYPTION_KEYS], fingerprint(settings.SECRET_KEY)


def verify(folder: Path) -> Manifest:
    """Read every file and compare it with its digest. Raises InvalidBackup, which names the first that differs."""
    manifest = read(folder)
    sums = folder / SUMS
    if not sums.is_file() or digest_of(sums) != manifest.sums:
        raise InvalidBackup(f"{SUMS} of {folder} is missing or was changed: the backup is damaged. Use another.")
    with sums.open(encoding="utf-8") as lines:
        for line in lines:
            digest, _, name = line.rstrip("\n").partition("  ")
            path = folder / name
            if not path.is_file() or digest_of(path) != digest:
                raise InvalidBackup(f"{name} of {folder} is missing or damaged. Use another backup.")
    return manifest


MARKS.register(Mark("newest message", "SELECT max(created_at) FROM messaging_message"))
MARKS.register(Mark("newest event", "SELECT max(occurred_at) FROM activity_event"))
# The chains of the audit log end where they ended: their rows are counted as all are, and this is what they say.
MARKS.register(Mark("positions of the audit chains", "SELECT coalesce(sum(position), 0) FROM activity_auditchain"))
MARKS.register(Mark("last link of the audit log", "SELECT max(hash) FROM activity_auditlink"))
