from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.invitations import founding
from accounts.organizations import packs
from activity.actor import SYSTEM
from core.refused import Refused


class Command(BaseCommand):
    help = (
        "Make an organization with its roles, pack and pipeline, and invite its first administrator by mail. The link "
        "of the mail is shown once, too."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="As people read it, such as “Harbour Clinic”.")
        parser.add_argument("administrator", help="The e-mail address of its first administrator.")
        parser.add_argument("--slug", default="", help="What stands in its pages’ addresses; made of the name.")
        parser.add_argument("--pack", default=packs.DEFAULT, help=", ".join(packs.keys()))
        parser.add_argument("--country", default="", help="Two letters; phones without + are read there.")
        parser.add_argument("--time-zone", default="", help="Such as Europe/London.")
        parser.add_argument("--currency", default="", help="Three letters (ISO 4217), such as GBP.")

    def handle(
        self,
        *args: object,
        name: str,
        administrator: str,
        slug: str,
        pack: str,
        country: str,
        time_zone: str,
        currency: str,
        **options: object,
    ) -> None:
        try:
            made = founding.found(
                name=name,
                administrator=administrator,
                actor=SYSTEM,
                slug=slug,
                pack=pack,
                country=country,
                timezone=time_zone,
                currency=currency,
            )
        except Refused as refused:
            raise CommandError(f"{refused.field}: {refused}" if refused.field else str(refused)) from refused
        self.stdout.write(f"Made {made.organization.name} at /o/{made.organization.slug}/.")
        self.stdout.write(f"{made.invitation.email} is invited until {made.invitation.expires_at:%Y-%m-%d %H:%M} UTC:")
        self.stdout.write(made.link)
