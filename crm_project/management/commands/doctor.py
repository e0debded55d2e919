from __future__ import annotations

import json
import sys

from django.core.management.base import BaseCommand, CommandParser
from django.core.serializers.json import DjangoJSONEncoder

from activity.doctor import queries
from activity.doctor.checks import Status
from core.tenancy import every_organization


class Command(BaseCommand):
    help = "Run every check of the installation now and say what is wrong and what to do. Ends with 1 where one failed."
    # The doctor itself says what is wrong with the database.
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json", help="for programs")
        parser.add_argument(
            "--stored", action="store_true", help="do not wait for the network: the last results of such checks"
        )

    def handle(self, *args: object, as_json: bool, stored: bool, **options: object) -> None:
        with every_organization("the doctor looks at the whole installation"):
            report = queries.installation(run_slow=not stored)
        if as_json:
            self.stdout.write(json.dumps(_as_data(report), cls=DjangoJSONEncoder, indent=1, ensure_ascii=False))
        else:
            self._print(report)
        if report.is_failed:
            sys.exit(1)

    def _print(self, report: queries.Report) -> None:
        marks = {
            Status.GOOD: self.style.SUCCESS, Status.WARNING: self.style.WARNING, Status.FAILED: self.style.ERROR,
            Status.UNKNOWN: self.style.NOTICE,
        }  # fmt: skip
        for section in report.sections:
            self.stdout.write(str(section.label))
            for finding in section.findings:
                for line in finding.lines:
                    name = f"{finding.label}: {line.label}" if line.label else str(finding.label)
                    self.stdout.write(f"  {marks[line.status](f'{line.status.label:8}')} {name} · {line.message}")
                    if line.to_do:
                        self.stdout.write(f"           {line.to_do}")
        counts = report.counts()
        self.stdout.write(", ".join(f"{counts[status]} {status.label.lower()}" for status in Status))


def _as_data(report: queries.Report) -> dict[str, object]:
    return {
        "status": report.status,
        "checks": [
            {
                "name": finding.name,
                "label": str(finding.label),
                "status": finding.status,
                "lines": [
                    {
                        "key": line.key,
                        "about": line.label,
                        "status": line.status,
                        "text": line.message,
                        "advice": line.to_do,
                        "since": line.since,
                        "checked_at": line.checked_at,
                    }
                    for line in finding.lines
                ],
            }
            for finding in report.findings
        ],
    }
