from __future__ import annotations

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from crm_project.backups import services
from crm_project.backups.manifest import InvalidBackup


class Command(BaseCommand):
    help = (
        "Put a backup into an empty database (DATABASE_URL) and an empty DATA_DIR, and bring it up to this version. "
        "Nothing leaves afterwards until accept_restored_copy has decided about what waits."
    )
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("backup", type=Path, help="the folder of the backup")
        parser.add_argument(
            "--without-keys", action="store_true", help="go on without the keys that read the stored secrets"
        )

    def handle(self, *args: object, backup: Path, without_keys: bool, **options: object) -> None:
        try:
            restored = services.restore(backup, without_keys=without_keys)
        except InvalidBackup as error:
            raise CommandError(str(error)) from error
        except (OSError, Error) as error:
            raise CommandError(
                f"{type(error).__name__}: {error}. What is there now is not whole: empty the database and the folder "
                "for files, correct the cause, and begin anew."
            ) from error
        manifest = restored.manifest
        rows = sum(table.rows for table in manifest.tables.values())
        self.stdout.write(f"Restored {rows:,} rows and every file, as of {manifest.made_at:%Y-%m-%d %H:%M} UTC.")
        if manifest.missing:
            self.stdout.write(f"{len(manifest.missing)} files were missing when it was made, as {manifest.missing[0]}.")
        if restored.has_other_secret:
            self.stdout.write("SECRET_KEY is another one: everybody signs in anew, and links in mails do not work.")
        if restored.due_since:
            self.stdout.write(
                f"{restored.due_since:,} messages became due after the backup was made: the original has probably sent "
                "them, and they would leave a second time."
            )
        self.stdout.write(
            "Nothing leaves until you decide: manage.py accept_restored_copy with --send, --cancel-due or --cancel-all."
        )
