from __future__ import annotations

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q

from activity.audit import heads, sealing
from activity.audit.checking import check
from activity.audit.checks import sentence_of
from activity.models import AuditChain, AuditLink, Event
from core.ids import parse_uuid
from core.refused import Refused
from core.tenancy import every_organization


class Command(BaseCommand):
    help = (
        "Check that the audit log is as it was written: every event, the chain, its end and each signed head. "
        "Exit code 1 and the first wrong row where it is not."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", default="", help="Its id, or the slug in its pages' addresses.")
        parser.add_argument(
            "--against", default="", metavar="FILE", help="A signed head that somebody kept, or its mail."
        )

    def handle(self, *args: object, **options: object) -> None:
        head = self._head(str(options["against"]))
        chains = self._chains(head.organization if head else str(options["organization"]))
        is_wrong = False
        for chain in chains:
            fault = check(chain.organization_id)
            is_wrong = is_wrong or fault is not None
            found = "as it was written" if fault is None else sentence_of(fault)
            self.stdout.write(f"{chain.organization.slug}: {chain.position} events; {found}")
            if fault is not None and fault.event:
                self.stdout.write(f"  event {fault.event}")
        if head is not None and (reason := self._contradiction(head)):
            is_wrong = True
            self.stdout.write(f"The kept head of {head.signed_at}: {reason}")
        elif head is not None:
            self.stdout.write(f"The kept head of {head.signed_at} is position {head.position} of the chain.")
        if is_wrong:
            raise CommandError("The audit log is not as it was written.")

    def _head(self, name: str) -> heads.Head | None:
        if not name:
            return None
        try:
            return heads.Head.parse(Path(name).read_text(errors="replace"))
        except OSError as error:
            raise CommandError(f"--against {name} can’t be read: {error.strerror}.") from error
        except Refused as error:
            raise CommandError(str(error)) from error

    def _chains(self, wanted: str) -> list[AuditChain]:
        with every_organization("the command checks all organizations, or the one that is named"):
            waiting = Event.objects.filter(is_sealed=False).order_by().values_list("organization_id", flat=True)
            for organization_id in waiting.distinct():
                sealing.seal(organization_id)
            rows = AuditChain.objects.select_related("organization").order_by("organization__slug")
            if wanted:
                key = parse_uuid(wanted)
                named = Q(organization__slug=wanted)
                rows = rows.filter(named | Q(organization_id=key) if key else named)
            chains = list(rows)
        if wanted and not chains:
            raise CommandError(f"There is no audit log of an organization “{wanted}”.")
        return chains

    def _contradiction(self, head: heads.Head) -> str:
        if not heads.has_valid_signature(head):
            return "its signature is wrong: somebody changed the text."
        if not heads.is_signed(head):
            return "it was signed by another installation’s key."
        with every_organization("the kept head names its organization"):
            link = AuditLink.objects.filter(organization_id=head.organization, position=head.position).first()
        if link is None:
            return f"the chain has no position {head.position} any more: it was cut."
        if link.hash != head.hash:
            return f"the chain has another hash at position {head.position}: it was written anew."
        return ""
