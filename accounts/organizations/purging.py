"""Everything of a deleted organization is destroyed: rows of every model, their files, and who belongs nowhere else.

It goes model by model, whoever is pointed to last, in steps of STEP rows. A step is one short transaction behind the
claim's fence; the files of its rows go before it, so that a worker that dies leaves rows without a file and never a
file without a row. The next one goes on with what is left. The organization itself is last: while anything still points
to it the database refuses, and the work is tried again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Final, cast
from uuid import UUID

from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import FieldDoesNotExist
from django.core.files.storage import Storage
from django.db import models, transaction
from django.db.models.fields.files import FieldFile
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.credentials import browser_sessions
from accounts.models import Member, Organization, OrganizationDeletion, PasswordReset, SecurityNotice, User
from accounts.organizations.life import tell_operators
from activity import installation
from activity.audit import guard
from activity.models import Event
from core import clock, queues
from core.claims import backoff, reason_of, released, settle
from core.jobs import stopping
from core.registry import Registry
from core.sweeps import sweep
from core.tenancy import every_organization

logger = logging.getLogger(__name__)

STEP: Final = 500
# So long a claim works before it gives way to others.
SLICE_SECONDS: Final = 20.0
LEASE: Final = timedelta(minutes=2)
MAX_DURATION: Final = timedelta(minutes=10)
RETRY_AFTER: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 10, 60, 360))
FILES: Final = "files"

Model = type[models.Model]
# A storage and a name in it.
File = tuple[Storage, str]


@dataclass(frozen=True, slots=True)
class OtherFiles:
    """Files that rows of a model have beside those that its columns name: `of` gives them for the ids of rows."""

    name: str
    model: Model
    of: Callable[[Sequence[UUID]], Iterable[File]]


OTHER_FILES: Registry[OtherFiles] = Registry(
    "Files that a deleted organization’s rows have beside their columns", name=lambda one: one.name
)


@dataclass(frozen=True, slots=True)
class OtherRows:
    """Rows that belong with those of a model and name none of them: `delete` destroys those of the ids of rows, in the
    transaction in which these go, and returns how many there were of each model (by its label)."""

    name: str
    model: Model
    delete: Callable[[Sequence[UUID]], dict[str, int]]


OTHER_ROWS: Registry[OtherRows] = Registry(
    "Rows that go with a deleted organization’s and do not name it", name=lambda one: one.name
)


class _ClaimLost(Exception):
    """Another worker has it, or it was restored."""


def purge_due() -> int:
    """Go on with what is due; how many claims there were. In a restored copy nothing is destroyed before somebody has
    decided about it: it may have been restored for the very organization."""
    return 0 if installation.is_held() else sweep(QUEUE)


def set_aside(row: OrganizationDeletion, reason: str) -> None:
    """Not tried again by itself; the admin shows why, and begins it anew."""
    settle(row, last_error=reason)


def purge_again(row: OrganizationDeletion) -> bool:
    """Begin again with one that was set aside; False where it was not."""
    waiting = OrganizationDeletion.objects.filter(pk=row.pk, finished_at=None, due_at=None)
    return waiting.update(due_at=clock.now(), attempts=0, last_error="", **released()) == 1


@lru_cache(maxsize=1)
def plan() -> tuple[tuple[Model, str], ...]:
    """Every model with rows of an organization, and the look-up from it to the organization's id; in the order in which
    they go: what points to another before the other, as far as the reference may not be empty."""
    paths: dict[Model, str] = {}
    every = [m for m in apps.get_models(include_auto_created=True) if m._meta.managed and not m._meta.proxy]
    while True:
        added = {m: path for m in every if m not in paths and (path := _path_of(m, paths))}
        if not added:
            break
        paths |= added
    order: list[Model] = []
    left = sorted(paths, key=lambda model: model._meta.label)
    while left:
        free = [m for m in left if not any(o is not m and m in _needed_by(o) for o in left)]
        # A circle of references that may not be empty could never have been written.
        order += free or left
        left = [m for m in left if m not in order]
    # Members last, with what they need: a user is only lost once nothing of the organization names them any more.
    last = [m for m in order if m in {Member, *_needed_by(Member)}]
    order = [m for m in order if m not in last] + last
    return tuple((model, paths[model]) for model in order)


def _path_of(model: Model, known: Iterable[Model]) -> str:
    """The look-up to the organization: its own column, or by way of a record that the row can't be without."""
    if model is Organization:
        return ""
    try:
        field = model._meta.get_field("organization")
    except FieldDoesNotExist:
        pass
    else:
        return "organization_id" if field.related_model is Organization else ""
    for reference in _references(model):
        if not reference.null and reference.related_model in known:
            return f"{reference.name}__organization_id"
    return ""


def _references(model: Model) -> list[models.ForeignKey]:
    return [field for field in model._meta.local_fields if isinstance(field, models.ForeignKey)]


def _needed_by(model: Model) -> set[Model]:
    """What the model's rows can't be without."""
    return {field.related_model for field in _references(model) if not field.null}


def _pointing_to(model: Model) -> Iterator[tuple[Model, str]]:
    """Each column, of any model, that names rows of this one and may be empty."""
    for other in apps.get_models(include_auto_created=True):
        if other._meta.managed and not other._meta.proxy:
            for field in _references(other):
                if field.related_model is model and field.null:
                    yield other, field.attname


def _work(row: OrganizationDeletion) -> None:
    with every_organization("what is left of a deleted organization is destroyed"):
        try:
            if not _is_deleted(row):
                settle(row, last_error="The organization is not deleted: nothing was destroyed.")
                return
            if _purge(row):
                _finish(row)
            else:
                settle(row, due_at=clock.now(), attempts=max(row.attempts - 1, 0))
        except _ClaimLost:
            logger.warning("purge_claim_lost", extra={"organization": str(row.organization_id)})
        except Exception as error:
            pause = backoff(row.attempts, RETRY_AFTER)
            logger.exception("purge_failed", extra={"organization": str(row.organization_id), "again": bool(pause)})
            settle(row, due_at=None if pause is None else clock.now() + pause, last_error=reason_of(error))


def _is_deleted(row: OrganizationDeletion) -> bool:
    """Whether it may be destroyed by now: never on the word of this row alone."""
    organization = Organization.objects.filter(pk=row.organization_id).first()
    return organization is None or (organization.deleted_at is not None and row.purge_at <= clock.now())


def _purge(row: OrganizationDeletion) -> bool:
    """Work until all is gone; False where the time of this claim is over before."""
    until = time.monotonic() + SLICE_SECONDS
    _rest(row)
    for model, path in plan():
        if model is Member and not _purge_users(row, until):
            return False
        while keys := _keys(model, path, row):
            _purge_rows(row, model, keys)
            if stopping() or time.monotonic() > until:
                return False
    return True


def _keys(model: Model, path: str, row: OrganizationDeletion) -> list[object]:
    rows = model._base_manager.filter(**{path: row.organization_id})
    return list(rows.order_by().values_list("pk", flat=True)[:STEP])


def _purge_rows(row: OrganizationDeletion, model: Model, keys: list[object]) -> None:
    files = _delete_files(model, keys)
    with transaction.atomic():
        _require_claim(row)
        for other, column in _pointing_to(model):
            other._base_manager.filter(**{f"{column}__in": keys}).update(**{column: None})
        _forget_in_log(model, keys)
        for one in OTHER_ROWS:
            if one.model is model:
                _count(row, one.delete(cast("list[UUID]", keys)))
        rows = model._base_manager.filter(pk__in=keys)
        if model is Event:
            with guard.allowing("delete"):
                count = rows._raw_delete(rows.db)
        else:
            count = rows._raw_delete(rows.db)
        _count(row, {model._meta.label: count, FILES: files})


def _purge_users(row: OrganizationDeletion, until: float) -> bool:
    """Whoever belongs to no other organization goes with it, but for who runs the installation. False where the time
    is over before all are."""
    elsewhere = Member._base_manager.filter(user=models.OuterRef("pk")).exclude(organization=row.organization_id)
    here = Member._base_manager.filter(user=models.OuterRef("pk"), organization=row.organization_id)
    users = User.objects.filter(models.Exists(here), ~models.Exists(elsewhere), is_superuser=False, is_staff=False)
    while some := list(users.order_by("pk")[:50]):
        for user in some:
            files = _delete_files(User, [user.pk])
            with transaction.atomic():
                _require_claim(row)
                browser_sessions.end_silently(user)
                PasswordReset.objects.annotate(address=Lower("email")).filter(address=user.email.lower()).delete()
                _forget_in_log(User, [user.pk])
                user.delete()
                _count(row, {User._meta.label: 1, FILES: files})
            if stopping() or time.monotonic() > until:
                return False
    return True


def _delete_files(model: Model, keys: list[object]) -> int:
    files = [file for one in OTHER_FILES if one.model is model for file in one.of(cast("list[UUID]", keys))]
    columns = [field for field in model._meta.local_fields if isinstance(field, models.FileField)]
    if columns:
        for record in model._base_manager.filter(pk__in=keys).only(*[field.name for field in columns]):
            named = [cast("FieldFile", getattr(record, field.name)) for field in columns]
            files += [(held.storage, held.name) for held in named if held.name]
    for storage, name in files:
        storage.delete(name)
    return len(files)


def _forget_in_log(model: Model, keys: list[object]) -> None:
    """The admin's own log names records, by what they were called."""
    if model._meta.auto_created:
        return
    kind = ContentType.objects.get_for_model(model, for_concrete_model=False)
    LogEntry.objects.filter(content_type=kind, object_id__in=[str(key) for key in keys]).delete()


def _rest(row: OrganizationDeletion) -> None:
    """The organization's own references: none of it may be needed by what goes before it."""
    Organization.objects.filter(pk=row.organization_id).update(password_keeper=None)


def _finish(row: OrganizationDeletion) -> None:
    files = _delete_files(Organization, [row.organization_id])
    with transaction.atomic():
        _require_claim(row)
        _forget_in_log(Organization, [row.organization_id])
        rows = Organization._base_manager.filter(pk=row.organization_id)
        # The database refuses as long as anything points to it.
        _count(row, {Organization._meta.label: rows._raw_delete(rows.db), FILES: files})
        settle(row, finished_at=timezone.now(), last_error="")
        tell_operators(SecurityNotice.Kind.ORGANIZATION_PURGED, row.slug)
    logger.warning("organization_purged", extra={"organization": str(row.organization_id), "rows": row.rows})


def _require_claim(row: OrganizationDeletion) -> None:
    rows = OrganizationDeletion.objects.select_for_update(no_key=True)
    locked = rows.filter(pk=row.pk, claim_token=row.claim_token).first()
    if locked is None or row.claim_token is None:
        raise _ClaimLost
    row.counts = locked.counts


def _count(row: OrganizationDeletion, more: dict[str, int]) -> None:
    """Add to what was destroyed so far, in the transaction that does it."""
    for name, count in more.items():
        if count:
            row.counts[name] = row.counts.get(name, 0) + count
    OrganizationDeletion.objects.filter(pk=row.pk).update(counts=row.counts)


QUEUE = queues.register(
    queues.Queue(
        name="organization deletions",
        model=OrganizationDeletion,
        rows=OrganizationDeletion.objects.all,
        work=_work,
        set_aside=set_aside,
        why="a deleted organization is no tenant any more",
        lease=LEASE,
        longest=MAX_DURATION,
        for_operators=queues.ForOperators(
            rows=lambda: OrganizationDeletion.objects.filter(due_at=None, finished_at=None).exclude(last_error=""),
            given_up={"last_error": ""},
            since="requested_at",
        ),
        has_organizations=False,
    )
)
