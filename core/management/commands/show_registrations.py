from __future__ import annotations

from django.core.management.base import BaseCommand

from core import registry


class Command(BaseCommand):
    help = "Print what apps register with one another: the one way in which a lower app reaches an upper one."

    def handle(self, *args: object, **options: object) -> None:
        for one in registry.every():
            self.stdout.write(f"{one.title} ({len(one)})")
            for entry in one:
                self.stdout.write(f"  {one.name(entry):40} {one.describe(entry)}".rstrip())
