from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from crm_project.backups import daily, services
from crm_project.backups.manifest import InvalidBackup, read


class Command(BaseCommand):
    help = (
        "Take a backup while everything runs: the database as it is in one moment, every file, digests and a manifest. "
        "Keys are not in it: keep ENCRYPTION_KEYS and SECRET_KEY elsewhere."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--into", type=Path, help="the folder to put it into (default: backups in DATA_DIR)")
        parser.add_argument(
            "--rehearse",
            type=Path,
            metavar="BACKUP",
            help="take none: see whether one could be restored, changing nothing",
        )

    def handle(self, *args: object, into: Path | None, rehearse: Path | None, **options: object) -> None:
        try:
            if rehearse is not None:
                self._rehearse(rehearse)
                return
            path = services.take(into or Path(settings.BACKUP_DIR or Path(settings.DATA_DIR) / "backups"))
        except (InvalidBackup, OSError) as error:
            raise CommandError(str(error)) from error
        manifest = read(path)
        rows = sum(table.rows for table in manifest.tables.values())
        self.stdout.write(f"{path}: {rows:,} rows, {manifest.files:,} files, {manifest.size / 1e6:,.1f} MB")
        if manifest.missing:
            self.stdout.write(f"{len(manifest.missing)} files that rows name were not there, as {manifest.missing[0]}.")

    def _rehearse(self, path: Path) -> None:
        manifest = read(path)
        result = daily.rehearse(path)
        if result.problem:
            raise CommandError(result.problem)
        self.stdout.write(f"{path} could be restored: {manifest.files:,} files, rows and references are whole.")
        if result.entries is None:
            self.stdout.write("The audit log was not checked: the backup is of another version, or has other keys.")
        else:
            self.stdout.write(f"The audit logs are as they were written: {result.entries:,} entries.")
