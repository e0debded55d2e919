from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.credentials import api_keys
from accounts.models import Member
from activity.actor import SYSTEM
from core.tenancy import every_organization, organization_scope


class Command(BaseCommand):
    help = "Make an API key that acts on behalf of a member. It is shown once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organization", help="The slug in its pages' addresses.")
        parser.add_argument("email", help="The member's.")
        parser.add_argument("name", help="What the key is for, such as “Website”.")
        parser.add_argument("--scope", action="append", default=[], help="A permission; repeatable. None: all.")

    def handle(self, *args: Any, **options: Any) -> None:
        with every_organization("the slug decides which organization is opened"):
            member = (
                Member.objects.active()
                .with_access()
                .filter(organization__slug=options["organization"], user__email__iexact=options["email"])
                .first()
            )
        if member is None:
            raise CommandError("There is no active member with this e-mail in that organization.")
        with organization_scope(member.organization):
            try:
                _, secret = api_keys.issue(member=member, name=options["name"], actor=SYSTEM, scopes=options["scope"])
            except api_keys.UnknownScope as error:
                raise CommandError(str(error)) from error
        self.stdout.write(secret)
