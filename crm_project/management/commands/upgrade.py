from __future__ import annotations

import time
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from crm_project.backups import services, upgrade
from crm_project.backups.manifest import InvalidBackup, read


class Command(BaseCommand):
    help = (
        "Bring the database up to this version: take a backup, upgrade a copy of it first, and migrate only where that "
        "went well. With --rehearse nothing but the copy is upgraded, and the answer is yes or no, with times."
    )
    # The database is not up to date: that is why it is called.
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--rehearse", action="store_true", help="upgrade a copy, and change nothing")
        parser.add_argument(
            "--backup", type=Path, metavar="BACKUP", help="rehearse with this backup instead of taking one now"
        )
        parser.add_argument("--into", type=Path, help="the folder to put the backup into (default: BACKUP_DIR)")
        parser.add_argument(
            "--skip-rehearsal", action="store_true", help="take a backup and migrate without trying it on a copy"
        )

    def handle(
        self,
        *args: object,
        rehearse: bool,
        backup: Path | None,
        into: Path | None,
        skip_rehearsal: bool,
        **options: object,
    ) -> None:
        if rehearse and skip_rehearsal:
            raise CommandError("Either --rehearse or --skip-rehearsal.")
        if backup is not None and not rehearse:
            raise CommandError("--backup goes with --rehearse: an upgrade takes a backup of this moment.")
        pending = upgrade.pending()
        if not pending and not rehearse:
            # What else a start needs; it changes nothing where all is there.
            call_command("prepare", verbosity=1)
            self.stdout.write("The database is up to date: there is nothing to migrate.")
            return
        backup = backup or self._take(into)
        if not skip_rehearsal:
            self._rehearse(backup)
        if not rehearse:
            self._upgrade(backup, pending)

    def _take(self, into: Path | None) -> Path:
        begun = time.monotonic()
        try:
            path = services.take(into or Path(settings.BACKUP_DIR or Path(settings.DATA_DIR) / "backups"))
            size = read(path).size
        except (InvalidBackup, OSError) as error:
            raise CommandError(f"No backup could be taken, so nothing was changed. {error}") from error
        self.stdout.write(f"Backup {path}: {size / 1e6:,.1f} MB, {time.monotonic() - begun:.1f} s")
        return path

    def _rehearse(self, backup: Path) -> None:
        trial = upgrade.rehearse(backup)
        for part, seconds in trial.seconds.items():
            self.stdout.write(f"  {part}: {seconds:.1f} s")
        count = len(trial.migrations)
        self.stdout.write(f"Migrations: {count}{': ' + ', '.join(trial.migrations) if count else ''}")
        for name, (before, after) in trial.changed.items():
            now = "is gone" if after is None else f"{after:,} rows afterwards"
            self.stdout.write(f"  {name}: {before:,} rows before, {now}")
        for text in trial.warnings:
            self.stdout.write(f"  {text}")
        if trial.chains is not None:
            self.stdout.write(f"The audit logs are as they were written: {trial.chains.entries:,} entries.")
        if trial.problem:
            raise CommandError(f"No: the upgrade of the copy failed. {trial.problem} Your database was not changed.")
        self.stdout.write(self.style.SUCCESS("Yes: the copy was upgraded, and is whole."))

    def _upgrade(self, backup: Path, pending: list[str]) -> None:
        begun = time.monotonic()
        try:
            call_command("prepare", verbosity=1)
        except Exception:
            self.stderr.write(f"The upgrade failed. The backup of before is {backup}: manage.py restore puts it back.")
            raise
        seconds = time.monotonic() - begun
        self.stdout.write(self.style.SUCCESS(f"Upgraded: {len(pending)} migrations in {seconds:.1f} s."))
