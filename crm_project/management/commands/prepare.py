from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

from crm_project.demo import loader


class Command(BaseCommand):
    help = "Brings the database up to date: migrations, the cache's table, and with --demo the demo organization, once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--demo", action="store_true", help="with DEBUG, load the demo organization unless it was loaded before"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=options["verbosity"] - 1)
        call_command("createcachetable", verbosity=0)
        note = Path(settings.DATA_DIR) / "demo.txt"
        if not settings.DEBUG:
            # Nobody may sign in to production with a password that is printed in a README.
            note.unlink(missing_ok=True)
            for email in loader.close_public_accounts():
                self.stdout.write(f"{email} had the demo’s public password and can’t sign in any more.")
        elif options["demo"] and not note.exists():
            output = io.StringIO()
            call_command("load_demo", stdout=output)
            # The supervisor repeats at every start how to sign in.
            note.write_text(output.getvalue(), encoding="utf-8")
