"""What the doctor says: the quick checks as they are now, the others as they were found last."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from django.db import Error
from django.utils.functional import Promise
from django.utils.translation import gettext_noop

from activity.doctor import checks
from activity.doctor.checks import CHECKS, GROUPS, ORGANIZATION_CHECKS, Check, Line, Status, Tenant
from activity.doctor.services import since_of
from activity.models import InstallationCheck
from activity.models import OrganizationCheck as Stored
from core import clock

# A result this much older than it should be says nothing about now.
GRACE: Final = timedelta(minutes=3)
NOT_CHECKED: Final = gettext_noop("Not checked yet.")
OUTDATED: Final = gettext_noop("Nobody has checked this since %(checked)s.")
START_WORKER: Final = gettext_noop("Results come from a worker: see whether one runs.")


@dataclass(frozen=True)
class Finding:
    """A check with its lines, and the worst status among them."""

    name: str
    label: str | Promise
    group: str
    lines: tuple[Line, ...]

    @property
    def status(self) -> Status:
        return checks.worst(list(self.lines))


@dataclass(frozen=True)
class Section:
    name: str
    label: str | Promise
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Report:
    """Everything found, by section."""

    sections: tuple[Section, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(finding for section in self.sections for finding in section.findings)

    @property
    def status(self) -> Status:
        return checks.worst([line for finding in self.findings for line in finding.lines])

    @property
    def is_failed(self) -> bool:
        return self.status == Status.FAILED

    def counts(self) -> dict[Status, int]:
        """How many lines there are of each status."""
        lines = [line.status for finding in self.findings for line in finding.lines]
        return {status: lines.count(status) for status in Status}


def installation(*, run_slow: bool = False, names: Collection[str] = ()) -> Report:
    """Everything about the installation, or the checks of these names.

    With `run_slow` also what waits for a network is asked now.
    """
    stored = _stored()
    findings = []
    for check in [check for check in CHECKS if not names or check.name in names]:
        rows = {row.key: row for row in stored.get(check.name, [])}
        lines = _asked(check, rows) if check.is_quick or run_slow else _kept(check, rows)
        findings.append(Finding(check.name, check.label, check.group, tuple(lines)))
    return _report(findings)


def organization(tenant: Tenant) -> Report:
    """Everything about the organization whose scope is open."""
    findings = []
    for check in ORGANIZATION_CHECKS:
        now = clock.now()
        lines = [
            replace(line, checked_at=line.checked_at or now)
            for line in checks.guarded(check.name, lambda run=check.run: run(tenant))  # type: ignore[misc]
        ]
        findings.append(Finding(check.name, check.label, check.group, tuple(lines)))
    return _report(findings)


def stored_of_organization(name: str) -> list[Line]:
    """What was found last by a check that waits for a network, in the organization that is open."""
    return [_line(row) for row in Stored.objects.filter(name=name).order_by("label", "key")]


def _report(findings: Sequence[Finding]) -> Report:
    by_group: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.lines:
            by_group[finding.group].append(finding)
    return Report(tuple(Section(name, GROUPS[name], tuple(by_group[name])) for name in GROUPS if by_group[name]))


def _stored() -> Mapping[str, list[InstallationCheck]]:
    stored: dict[str, list[InstallationCheck]] = defaultdict(list)
    try:
        for row in InstallationCheck.objects.order_by("label", "key"):
            stored[row.name].append(row)
    except Error:  # the check of the database says so, and of tables that are missing that of the migrations
        return {}
    return stored


def _asked(check: Check, before: Mapping[str, InstallationCheck]) -> list[Line]:
    lines = checks.run(check)
    try:
        now = clock.now()
    except Error:
        return lines
    return [replace(line, since=since_of(line, before.get(line.key), now), checked_at=now) for line in lines]


def _kept(check: Check, rows: Mapping[str, InstallationCheck]) -> list[Line]:
    if not rows:
        return [checks.unknown(NOT_CHECKED, START_WORKER)]
    overdue = clock.now() - check.every - GRACE
    return [_outdated(_line(row)) if row.checked_at < overdue else _line(row) for row in rows.values()]


def _outdated(line: Line) -> Line:
    return replace(
        line, status=Status.UNKNOWN, text=OUTDATED, advice=START_WORKER, values={"checked": line.checked_at},
        since=line.checked_at,
    )  # fmt: skip


def _line(row: InstallationCheck | Stored) -> Line:
    return Line(
        status=Status(row.status), text=row.text, advice=row.advice, values=row.values, key=row.key, label=row.label,
        url=row.url, since=row.since, checked_at=row.checked_at,
    )  # fmt: skip
