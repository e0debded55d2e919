"""The checks of the doctor: what each app registers, and the lines that a check answers with."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from django.utils import dateformat, timezone
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from activity.models import HealthStatus as Status
from core.registry import Registry

logger = logging.getLogger(__name__)

RUN_EVERY: Final = timedelta(minutes=1)
# The worst first.
ORDER: Final = (Status.FAILED, Status.WARNING, Status.UNKNOWN, Status.GOOD)

_DID_NOT_END: Final = gettext_noop("The check itself failed: %(error)s")
_SEE_LOG: Final = gettext_noop("Look into the log of the process that ran it.")

GROUPS: Final[Mapping[str, str | Promise]] = {
    "machinery": _("Machinery"),
    "queues": _("Work that waits"),
    "channels": _("Channels"),
    "outside": _("To the outside"),
    "storage": _("Storage"),
    "versions": _("Versions"),
}


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line: how something is, and what to do.

    `text` and `advice` are marked for translation and not yet translated; `values` stand in them. `key` tells the lines
    of a check apart, `label` names what this one is about. `since` is for what knows by itself since when it is so.
    """

    status: Status
    text: str
    advice: str = ""
    values: Mapping[str, object] = field(default_factory=dict)
    key: str = ""
    label: str = ""
    url: str = ""
    since: datetime | None = None
    checked_at: datetime | None = None

    @property
    def message(self) -> str:
        """What it means, in the reader's language."""
        return gettext(self.text) % _shown(self.values)

    @property
    def to_do(self) -> str:
        """What to do, in the reader's language; empty where nothing is."""
        return gettext(self.advice) % _shown(self.values) if self.advice else ""


def _shown(values: Mapping[str, object]) -> dict[str, object]:
    """The values as a person reads them: times in the time zone of the page."""
    return {
        name: dateformat.format(timezone.localtime(value), "j M Y, H:i T") if isinstance(value, datetime) else value
        for name, value in values.items()
    }


def good(text: str, **values: object) -> Line:
    return Line(status=Status.GOOD, text=text, values=values)


def warning(text: str, advice: str, **values: object) -> Line:
    return Line(status=Status.WARNING, text=text, advice=advice, values=values)


def failed(text: str, advice: str, **values: object) -> Line:
    return Line(status=Status.FAILED, text=text, advice=advice, values=values)


def unknown(text: str, advice: str = "", **values: object) -> Line:
    return Line(status=Status.UNKNOWN, text=text, advice=advice, values=values)


@dataclass(frozen=True, kw_only=True)
class Check:
    """A check of the installation. `run` gives its lines; what it raises is a failed line.

    `is_quick`: it asks nobody but the database and this machine, so it is asked whenever somebody looks. What is not is
    run by a worker each `every`, and its last results are shown.
    """

    name: str
    label: str | Promise
    group: str
    run: Callable[[], list[Line]]
    is_quick: bool = True
    every: timedelta = RUN_EVERY


class Tenant(Protocol):
    """The organization that is open."""

    slug: str


@dataclass(frozen=True, kw_only=True)
class OrganizationCheck:
    """A check of one organization, run in its scope while its page is waited for: it asks the database alone."""

    name: str
    label: str | Promise
    group: str
    run: Callable[[Tenant], list[Line]]


def _place(check: Check | OrganizationCheck) -> tuple[object, ...]:
    return (list(GROUPS).index(check.group),)


CHECKS: Registry[Check] = Registry(
    "Doctor: checks of the installation",
    name=lambda check: check.name,
    order=_place,
    describe=lambda check: "" if check.is_quick else f"every {int(check.every.total_seconds())} s",
)
ORGANIZATION_CHECKS: Registry[OrganizationCheck] = Registry(
    "Doctor: checks of an organization", name=lambda check: check.name, order=_place
)
register = CHECKS.register
register_for_organizations = ORGANIZATION_CHECKS.register


def run(check: Check) -> list[Line]:
    """The check's lines; one that says so where it raises."""
    return guarded(check.name, check.run)


def guarded(name: str, lines: Callable[[], list[Line]]) -> list[Line]:
    """The lines, or a failed one with the error's kind: its text may hold what is nobody's to read."""
    try:
        return lines()
    except Exception as error:
        logger.warning("check_failed", extra={"check": name}, exc_info=True)
        return [failed(_DID_NOT_END, _SEE_LOG, error=type(error).__name__)]


def worst(lines: list[Line]) -> Status:
    """The worst status among the lines; good where there is none."""
    return min((line.status for line in lines), key=ORDER.index, default=Status.GOOD)


def about(line: Line, key: str, label: str = "", *, url: str = "", since: datetime | None = None) -> Line:
    """The line with what it is about."""
    return replace(line, key=key, label=label, url=url, since=since)
