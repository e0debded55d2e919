"""Running the checks that are due, and keeping what they found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from activity.doctor import checks
from activity.doctor.checks import CHECKS, Check, Line
from activity.models import InstallationCheck, OrganizationCheck
from core import clock
from core.tenancy import current_organization

KEPT = ["label", "status", "text", "advice", "values", "url", "since", "checked_at"]


def run_due() -> int:
    """Run every check that is due and keep its lines; how many were run.

    Two workers that do so at once run a check twice, and the later result stays.
    """
    stored: dict[str, list[InstallationCheck]] = {}
    for row in InstallationCheck.objects.all():
        stored.setdefault(row.name, []).append(row)
    count = 0
    for check in CHECKS:
        rows = stored.get(check.name, [])
        if not rows or any(row.next_at <= clock.now() for row in rows):
            # No transaction is open while a check waits for a network.
            keep(check, checks.run(check), rows)
            count += 1
    InstallationCheck.objects.exclude(name__in=CHECKS.names()).delete()
    return count


def keep(check: Check, lines: Iterable[Line], before: Sequence[InstallationCheck]) -> None:
    """Write a check's lines; `since` of a line whose status is as it was stays."""
    now = clock.now()
    known = {row.key: row for row in before}
    rows = [
        InstallationCheck(
            name=check.name,
            key=line.key,
            next_at=now + check.every,
            **_columns(line, known.get(line.key), now),
        )
        for line in lines
    ]
    InstallationCheck.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["name", "key"], update_fields=[*KEPT, "next_at"]
    )
    InstallationCheck.objects.filter(name=check.name).exclude(key__in=[row.key for row in rows]).delete()


def keep_for_organization(name: str, line: Line) -> None:
    """Write a line about the organization that is open."""
    now = clock.now()
    before = OrganizationCheck.objects.filter(name=name, key=line.key).first()
    OrganizationCheck.objects.bulk_create(
        [
            OrganizationCheck(
                organization=current_organization(), name=name, key=line.key, **_columns(line, before, now)
            )
        ],
        update_conflicts=True,
        unique_fields=["organization", "name", "key"],
        update_fields=KEPT,
    )


def request_checks() -> None:
    """Have every check run soon that is not asked whenever somebody looks."""
    slow = [check.name for check in CHECKS if not check.is_quick]
    InstallationCheck.objects.filter(name__in=slow).update(next_at=clock.now())


def since_of(line: Line, before: InstallationCheck | OrganizationCheck | None, now: datetime) -> datetime:
    """Since when a line's status is as it is."""
    if line.since is not None:
        return line.since
    return before.since if before is not None and before.status == line.status else now


def _columns(line: Line, before: InstallationCheck | OrganizationCheck | None, now: datetime) -> dict[str, object]:
    return {
        "label": line.label,
        "status": line.status,
        "text": line.text,
        "advice": line.advice,
        "values": dict(line.values),
        "url": line.url,
        "since": since_of(line, before, now),
        "checked_at": now,
    }
