"""Erasing a person: the rows that are counted stay, without the person, in the ledger too. It can't be reverted.

What stays: code, status, stage with its history, source, type, owner, times, amounts, and of each message that there
was one, in which direction, when, and what became of it. `registry` knows the parts; here is what belongs to no part:
the customer's row, the ledger, what undoing would bring back, jobs, the admin's log, answers kept for idempotency.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import TypeVar

from django.contrib.admin.models import LogEntry
from django.core.files.storage import default_storage
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import Q
from django.db.models.fields.files import FieldFile
from django.utils import timezone

from accounts.idempotency import services as idempotency
from activity.actor import Actor
from activity.audit import amending
from activity.ledger import record
from activity.models import Event, Job
from activity.registry import kept_of
from customers import events
from customers.data.deletion import blockers
from customers.data.imports import files as import_files
from customers.data.imports import services as imports
from customers.data.personal_data import registry as personal_data
from customers.data.personal_data import traces as traces_module
from customers.data.personal_data.traces import Traces
from customers.models import (
    Change,
    ChangeSet,
    Contact,
    Customer,
    CustomerImport,
    Deal,
    DuplicatePair,
    Identity,
    Interaction,
    Outcome,
    Tag,
    Task,
)
from customers.people.fields import FIELDS, Kind
from customers.people.files.downloads import StoredFile
from customers.people.keys import KEYS, set_keys

NAME = "Erased customer"
# What stands afterwards in fields that are not empty then.
_AFTERWARDS: Mapping[Kind, object] = {Kind.NAME: NAME, Kind.OPT_OUT: True}
STEP = 500
MIN_WORD_LENGTH = 4

Item = TypeVar("Item")


@transaction.atomic
def erase(*, customer: Customer, actor: Actor, reason: str = "") -> Customer:
    """Lose the person, and those merged into them; one who is erased already stays as they are.

    Open deals are lost, open tasks and queued messages cancelled. Files are deleted as the last thing before the
    commit: what fails before leaves everything, what fails after is to be called again.
    """
    current = _locked(customer)
    if current.erased_at is not None:
        return current
    blockers.release(current, actor)
    family = _family(current)
    words = _words(family)
    traces = Traces(family, words)
    records = _records(family)
    files = _erase_parts(family, actor)
    files += _forget_jobs(family, words, traces)
    files += _forget_imports(words)
    traces_module.purge_segments(traces)
    traces_module.purge_file_names(traces)
    traces_module.purge_events(traces)
    for sweep in personal_data.sweeps():
        files += sweep(current.organization, words)
    _forget_changes(family, records)
    _scrub_ledger(family)
    for some in _in_steps(records):
        LogEntry.objects.filter(object_id__in=some).update(object_repr="", change_message="")
    DuplicatePair.objects.filter(Q(first__in=family) | Q(second__in=family)).delete()
    idempotency.purge_about(organization=current.organization, words=[*words, *(str(one.pk) for one in family)])
    for one in family:
        _blank(one)
    payload = {"code": current.code, "reason": reason}
    record(events.CUSTOMER_ERASED, subject=current, actor=actor, payload=payload)
    for file in files:
        file.storage.delete(file.path)
    return next(one for one in family if one.pk == customer.pk)


def _locked(customer: Customer) -> Customer:
    rows = Customer.objects.select_for_update(of=("self",)).select_related("organization")
    return rows.get(pk=customer.pk)


def _family(customer: Customer) -> list[Customer]:
    """The customer, and all that were merged into them, one after the other."""
    result, newest = [customer], [customer]
    while newest:
        newest = list(Customer.objects.select_related("organization").filter(merged_into__in=newest))
        result += newest
    return result


def _words(family: Collection[Customer]) -> set[str]:
    """The names and addresses by which traces of the person are found in texts."""
    results = {word for one in family for word in (one.name, one.email, one.phone)}
    results |= set(Identity.objects.filter(customer__in=family).values_list("value", flat=True))
    for contact in Contact.objects.filter(customer__in=family):
        results |= {contact.name, contact.email, contact.phone}
    return {word for word in results if len(word) >= MIN_WORD_LENGTH and word != NAME}


def _records(family: Collection[Customer]) -> list[str]:
    """The ids of records that change sets and the admin's log may name."""
    results = [str(one.pk) for one in family]
    for model in (Identity, Contact, Deal, Task, Interaction, Outcome):
        results += [str(pk) for pk in model.objects.filter(customer__in=family).values_list("pk", flat=True)]
    return results


def _erase_parts(family: Collection[Customer], actor: Actor) -> list[StoredFile]:
    files: list[StoredFile] = []
    for one in family:
        for part in personal_data.parts():
            files += part.erase(one, actor)
    return files


def _forget_jobs(family: Collection[Customer], words: Collection[str], traces: Traces) -> list[StoredFile]:
    """Empty the jobs about the person; returns the files of exports of them."""
    files = []
    ids = {str(one.pk) for one in family}
    for job in Job.objects.exclude(status__in=Job.UNFINISHED).iterator(chunk_size=STEP):
        text = json.dumps([job.params, job.state, job.result, job.error], cls=DjangoJSONEncoder, ensure_ascii=False)
        is_of_customer = job.params.get("customer") in ids
        if is_of_customer and job.state.get("path"):
            files.append(StoredFile("", default_storage, job.state["path"]))
        filters = job.params.get("filters") or job.params.get("filter")
        is_about_them = isinstance(filters, dict) and traces.without(filters) != filters
        if is_of_customer or is_about_them or _mentions(text, words):
            Job.objects.filter(pk=job.pk).update(params={}, state={}, result={}, error="")
    return files


def _forget_imports(words: Collection[str]) -> list[StoredFile]:
    """Rows stand in the file that was given, wait in parts of jobs that ended early, and those that were rejected in a
    file of their own and, some of them, in the result: each with its cells and reasons."""
    files = []
    for upload in CustomerImport.objects.iterator(chunk_size=STEP):
        if not imports.is_running(upload):
            files += [StoredFile("", default_storage, name) for name in import_files.parts_of(upload)]
        source = upload.source_file
        if source.name and source.storage.exists(source.name) and _file_mentions(source, words):
            files.append(StoredFile(upload.name, source.storage, source.name))
            CustomerImport.objects.filter(pk=upload.pk).update(source_file="")
        if _mentions(json.dumps(upload.result, ensure_ascii=False), words):
            counts = {name: value for name, value in upload.result.items() if name not in ("examples", "columns")}
            CustomerImport.objects.filter(pk=upload.pk).update(result=counts)
        rejected = upload.rejected_file
        if rejected.name and rejected.storage.exists(rejected.name) and _file_mentions(rejected, words):
            files.append(StoredFile(upload.name, rejected.storage, rejected.name))
            CustomerImport.objects.filter(pk=upload.pk).update(rejected_file="")
    return files


def _file_mentions(file: FieldFile, words: Collection[str]) -> bool:
    with file.storage.open(str(file.name)) as content:
        return any(_mentions(line.decode("utf-8", "replace"), words) for line in content)


def _forget_changes(family: Collection[Customer], records: list[str]) -> None:
    """Remove the person from change sets: merges can't be reverted any more, other changes skip them."""
    ids = [str(one.pk) for one in family]
    merges = ChangeSet.objects.filter(Q(detail__loser__in=ids) | Q(detail__survivor__in=ids), kind=ChangeSet.Kind.MERGE)
    for change_set in merges:
        change_set.delete()
    for some in _in_steps(records):
        Change.objects.filter(object_id__in=some).delete()


def _scrub_ledger(family: Collection[Customer]) -> None:
    rows = Event.objects.filter(customer_id__in=[one.pk for one in family]).order_by("pk").values_list("pk", flat=True)
    amending.erase(ids=list(rows), remaining=lambda event: kept_of(event.type, event.payload))


def _blank(customer: Customer) -> None:
    """Empty the customer's row, which stays."""
    _take_tags_off(customer)
    now = timezone.now()
    personal = [field for field in FIELDS if field.is_personal]
    for field in personal:
        setattr(customer, field.column, _AFTERWARDS.get(field.kind, field.empty))
    customer.erased_at = customer.updated_at = now
    set_keys(customer)
    customer.is_duplicate_check_due = False
    columns = [field.column for field in personal]
    customer.save(update_fields=[*columns, "last_activity_at", "erased_at", "updated_at", *KEYS])


def _take_tags_off(customer: Customer) -> None:
    """Remove tags that nobody else has, since they may identify the person; others stay."""
    through = Customer.tags.through._base_manager
    own = set(through.filter(customer_id=customer.pk).values_list("tag_id", flat=True))
    shared = set(through.filter(tag_id__in=own).exclude(customer_id=customer.pk).values_list("tag_id", flat=True))
    Tag.objects.filter(pk__in=own - shared).delete()


def _mentions(text: str, words: Iterable[str]) -> bool:
    folded = text.casefold()
    return any(word.casefold() in folded for word in words)


def _in_steps(rows: Iterable[Item]) -> Iterator[list[Item]]:
    rest = iter(rows)
    while some := list(islice(rest, STEP)):
        yield some
