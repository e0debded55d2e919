from __future__ import annotations

import argparse
import time

from django.core.management.base import BaseCommand, CommandParser

from crm_project.demo import loader

MAX_COUNT = 10_000_000


class Command(BaseCommand):
    help = (
        "Make the demo organization, once: a clinic with customers, conversations and work over half a year. "
        "In production its people get random passwords, which are printed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--size", type=_count, default=loader.SIZE, help="how many customers; from 20,000 on the pipeline only"
        )
        parser.add_argument("--seed", type=int, default=loader.SEED, help="another seed, other people")

    def handle(self, *args: object, size: int, seed: int, **options: object) -> None:
        begun = time.monotonic()
        if size >= loader.BRIEF_FROM:
            self.stdout.write(f"With {size:,} customers these are left out: {loader.LEFT_OUT}.")

        def report(written: int) -> None:
            if size > loader.SIZE:
                took = time.monotonic() - begun
                self.stdout.write(f"{written:,} of {size:,} customers after {took:.0f} s")

        passwords = loader.passwords()
        organization = loader.load(size=size, seed=seed, progress=report, user_passwords=passwords)
        if organization is None:
            self.stdout.write("The demo organization is here already.")
            return
        if len(set(passwords.values())) == 1:
            self.stdout.write(f"Made {organization.name}: {loader.PEOPLE[0][2]}, password {loader.PASSWORD}")
            return
        self.stdout.write(f"Made {organization.name}. These passwords are shown once:")
        for email, password in passwords.items():
            self.stdout.write(f"  {email}  {password}")


def _count(text: str) -> int:
    try:
        count = int(text.replace(",", "").replace("_", ""))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"“{text}” is not a number.") from error
    if not 0 <= count <= MAX_COUNT:
        raise argparse.ArgumentTypeError(f"0 to {MAX_COUNT:,} customers.")
    return count
