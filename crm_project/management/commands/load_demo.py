from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from crm_project.demo import loader


class Command(BaseCommand):
    help = "Make the demo organization, once."

    def handle(self, *args: Any, **options: Any) -> None:
        organization = loader.load()
        if organization is None:
            self.stdout.write("The demo organization is here already.")
            return
        self.stdout.write(f"Made {organization.name}: {loader.PEOPLE[0][2]}, password {loader.PASSWORD}")
