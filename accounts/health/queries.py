"""What an organization's administrators see of the installation: whether its parts work, and nothing of others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from activity.doctor import queries
from activity.doctor.checks import Status

_WORDS: dict[Status, str | Promise] = {
    Status.GOOD: _("Works."),
    Status.WARNING: _("Works, but whoever runs this installation should look at it."),
    Status.FAILED: _("Does not work. Whoever runs this installation is notified."),
    Status.UNKNOWN: _("Nobody knows just now."),
}
# What concerns everybody. What is left out counts other organizations' rows or names their servers.
GENERAL = frozenset(
    {
        "worker", "beat", "broker", "database", "migrations", "clock", "live", "restored copy", "queues",
        "public address", "certificate", "system mail", "disk",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Part:
    """A part of the installation in general words. `since` is the earliest of its lines with the worst status."""

    name: str
    label: str | Promise
    status: Status
    text: str | Promise
    since: datetime | None


def parts() -> list[Part]:
    """The parts of the installation that every organization depends on; the worst first."""
    results = []
    for finding in queries.installation(names=GENERAL).findings:
        times = [line.since for line in finding.lines if line.status == finding.status and line.since]
        since = min(times, default=None)
        results.append(Part(finding.name, finding.label, finding.status, _WORDS[finding.status], since))
    return sorted(results, key=lambda part: queries.checks.ORDER.index(part.status))
