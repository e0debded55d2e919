"""What waits for whoever runs the installation, of every queue: listed by ids, started again, or given up."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import Organization
from accounts.organizations.life import require_operator
from activity.actor import Actor
from activity.given_up import record_given_up
from activity.jobs import WENT_WRONG
from core.claims import Claimable
from core.fields import one_line
from core.queues import KILLED, TOO_LONG, AnyOperators, AnyQueue
from core.refused import Invalid
from core.tenancy import every_organization
from crm_project.queues import declared

logger = logging.getLogger(__name__)

# Of each queue so many are shown, the oldest first; the others follow once these are gone.
MAX_SHOWN: Final = 100
MAX_COUNTED: Final = 1000
MAX_NAMED: Final = 10
MAX_REASON_LENGTH: Final = 200
# The names that an error begins with, as in `messaging.thank: ValueError: …`; what follows may speak of people.
_NAMES: Final = re.compile(r"(?:[A-Za-z_][\w.]{0,80}: ){1,4}")
_OF_OURS: Final = (KILLED, TOO_LONG, WENT_WRONG)


@dataclass(frozen=True, slots=True)
class Waiting:
    """One row: what it is called on the page, and never what is in it."""

    key: str
    organization: str
    error: str
    attempts: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class OfMembers:
    """A queue about whose rows the organizations decide: where, how many there are (None: nobody counts them), in which
    organizations (the first MAX_NAMED), and the admin's list of them."""

    queue: str
    where: str
    url: str
    count: int | None
    organizations: list[str]


@dataclass(frozen=True, slots=True)
class Section:
    """A queue with rows that wait; `count` is cut at MAX_COUNTED."""

    queue: str
    model: str
    count: int
    rows: list[Waiting]


def sections() -> list[Section]:
    """Every queue in which something waits. Three statements for each queue at most, however many rows there are."""
    results = []
    with every_organization("whoever runs the installation sees what every queue has set aside"):
        names = dict(Organization.objects.values_list("pk", "slug"))
        for queue, waiting in _queues():
            rows = list(waiting.rows().order_by(waiting.since, "pk").defer(*_unread(queue))[:MAX_SHOWN])
            if rows:
                count = len(rows) if len(rows) < MAX_SHOWN else waiting.rows()[:MAX_COUNTED].count()
                shown = [_shown(queue, waiting, row, names) for row in rows]
                results.append(Section(queue.name, queue.model.__name__, count, shown))
    return results


def of_members() -> list[OfMembers]:
    """Every queue that the organizations decide about. Two statements for each that is counted."""
    results = []
    with every_organization("whoever runs the installation sees where organizations decide themselves"):
        for queue in declared():
            if queue.for_members is None:
                continue
            meta, count, names = queue.model._meta, None, []
            if queue.for_members.rows is not None:
                rows = queue.for_members.rows()
                count = rows[:MAX_COUNTED].count()
                slugs = rows.order_by("organization__slug").values_list("organization__slug", flat=True).distinct()
                names = list(slugs[:MAX_NAMED]) if count else []
            url = f"{reverse(f'admin:{meta.app_label}_{meta.model_name}_changelist')}?{queue.for_members.query}"
            results.append(OfMembers(queue.name, str(queue.for_members.where), url, count, names))
    return results


def counts() -> dict[str, int]:
    """How many wait in each queue that has some; cut at MAX_COUNTED."""
    with every_organization("the doctor counts what was set aside everywhere"):
        found = {queue.name: waiting.rows()[:MAX_COUNTED].count() for queue, waiting in _queues()}
    return {name: count for name, count in found.items() if count}


def retry(*, keys: Sequence[str], actor: Actor) -> tuple[int, int]:
    """Start rows again, by their keys; how many were, and how many do not wait any more or can't be tried.

    Raises OperatorsOnly.
    """
    require_operator(actor)
    done = 0
    with every_organization("whoever runs the installation starts work of any organization again"):
        for queue, waiting, row in _found(keys):
            if waiting.start_again(row):
                done += 1
                logger.warning("set_aside_retried", extra={"queue": queue.name, "row": str(row.pk), "by": actor.id})
    return done, len(keys) - done


def give_up(*, keys: Sequence[str], reason: str, actor: Actor) -> tuple[int, int]:
    """Have rows tried no more; the ledger of each one's organization says by whom and why. As `retry`.

    Raises OperatorsOnly or Invalid (reason).
    """
    require_operator(actor)
    reason = one_line(reason).strip()
    if not reason or len(reason) > MAX_REASON_LENGTH:
        raise Invalid("reason", _("Say why, in 1 to %(most)s characters.") % {"most": MAX_REASON_LENGTH})
    done = 0
    with every_organization("whoever runs the installation gives up work of any organization"):
        for queue, waiting, row in _found(keys):
            with transaction.atomic():
                if not waiting.end(row):
                    continue
                done += 1
                logger.warning("set_aside_given_up", extra={"queue": queue.name, "row": str(row.pk), "by": actor.id})
                organization = getattr(row, "organization", None)
                if organization is not None:
                    record_given_up(row=row, organization=organization, queue=queue.name, reason=reason, actor=actor)
    return done, len(keys) - done


def kind_of(error: str) -> str:
    """What may be shown of an error: our own sentence, or the names that it begins with."""
    for sentence in _OF_OURS:
        if error.startswith(sentence):
            return sentence
    names = _NAMES.match(error)
    return names.group().rstrip(": ") if names else _("An error; the log of the worker has it.")


def _queues() -> list[tuple[AnyQueue, AnyOperators]]:
    return [(queue, queue.for_operators) for queue in declared() if queue.for_operators is not None]


def _unread(queue: AnyQueue) -> list[str]:
    """Columns with content, which nobody asks for here."""
    shown = {"last_error", "error"}
    columns = queue.model._meta.concrete_fields
    heavy = ("TextField", "JSONField", "BinaryField")
    return [column.name for column in columns if column.get_internal_type() in heavy and column.name not in shown]


def _shown(queue: AnyQueue, waiting: AnyOperators, row: Claimable, names: dict[UUID, str]) -> Waiting:
    return Waiting(
        key=f"{queue.name}:{row.pk}",
        organization=names.get(getattr(row, "organization_id", None), ""),  # type: ignore[arg-type]
        error=kind_of(str(getattr(row, waiting.error))),
        attempts=row.attempts,
        since=getattr(row, waiting.since),
    )


def _found(keys: Sequence[str]) -> list[tuple[AnyQueue, AnyOperators, Claimable]]:
    known = {queue.name: (queue, waiting) for queue, waiting in _queues()}
    results = []
    for key in keys:
        name, _colon, pk = key.rpartition(":")
        if name in known:
            queue, waiting = known[name]
            try:
                row = waiting.rows().filter(pk=pk).first()
            except (ValueError, ValidationError):  # no id of this model
                row = None
            if row is not None:
                results.append((queue, waiting, row))
    return results
