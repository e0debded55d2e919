from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError, CommandParser

from activity import installation


class Command(BaseCommand):
    help = (
        "Decides about a restored copy, from which nothing leaves until then. Without an option it says how things are."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        choice = parser.add_mutually_exclusive_group()
        choice.add_argument("--send", action="store_true", help="go on, and send all that waits")
        choice.add_argument(
            "--cancel-due", action="store_true", help="go on, and cancel what came along and is due now"
        )
        choice.add_argument("--cancel-all", action="store_true", help="go on, and cancel all that came along and waits")

    def handle(self, *args: object, send: bool, cancel_due: bool, cancel_all: bool, **options: object) -> None:
        if not (send or cancel_due or cancel_all):
            self.stdout.write(installation.reason() or "This installation is not held: what is due leaves.")
            return
        try:
            cancelled = installation.decide(cancel_due=cancel_due, cancel_all=cancel_all)
        except installation.NotPaused as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"It goes on. {cancelled} messages and reminders were cancelled.")
