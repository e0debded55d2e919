"""Imports of customers: uploading a file, mapping its columns, a dry run, the job, and reverting within 30 days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import IO, Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from accounts.models import Member
from activity import jobs
from activity.actor import Actor, current_actor
from activity.jobs import JobFailed, Work
from activity.ledger import record
from activity.models import Job
from core.refused import Refused
from customers import events
from customers.data import undo
from customers.data.imports import files as import_files
from customers.data.imports import mapping as import_mapping
from customers.data.imports.files import Parts, Rows, first_rows, store_rows, write_rejected
from customers.data.imports.mapping import Guess, InvalidMapping
from customers.data.imports.rows import ROWS_AT_ONCE, Importer, Outcome, as_seen
from customers.data.imports.values import Row, RowReader
from customers.data.tables.limits import RefusedFile
from customers.data.tables.reading import open_table
from customers.models import ChangeSet, CustomerImport, CustomField
from customers.models.change_set import UNDO_DAYS
from customers.people.custom_fields import services as custom_fields

__all__ = ["AlreadyRunning", "InvalidMapping", "RefusedFile", "guesses", "preview", "start", "upload"]

KIND = "customers.import"
PERMISSION = "customers.import"
SAMPLES = 50
PREVIEW_ROWS = 20
MAX_EXAMPLES = 20
COUNTS = ("created", "updated", "skipped", "rejected")

State = CustomerImport.State
OnDuplicate = CustomerImport.OnDuplicate


class AlreadyRunning(Refused):
    """The file is being imported, or has been."""

    status = 409


def upload(*, file: IO[bytes], name: str, member: Member) -> CustomerImport:
    """Store an uploaded file, read once from its first row to its last, with a guessed mapping. Raises RefusedFile."""
    purge_old()
    table = open_table(file)
    upload = CustomerImport(
        organization=member.organization, name=_file_name(name), format=table.format, dialect=table.dialect,
        headers=table.headers, created_by=member.user,
    )  # fmt: skip
    try:
        upload.row_count = store_rows(upload, table)
        if not upload.row_count:
            raise RefusedFile("The file has a first row and nothing below it.")
        upload.mapping = {guess.column: guess.field for guess in guesses(upload) if guess.field}
        upload.save(force_insert=True)
    except BaseException:
        if upload.source_file.name:
            default_storage.delete(str(upload.source_file.name))
        raise
    return upload


def guesses(upload: CustomerImport) -> list[Guess]:
    """What each column likely is."""
    samples = [cells for _, cells in first_rows(upload, SAMPLES)]
    return import_mapping.guess(upload.headers, samples, _definitions())


@dataclass(frozen=True, slots=True)
class Preview:
    """The first rows, each with its problems; `problems` counts them in all that were looked at."""

    rows: list[Row]
    problems: int


def preview(*, upload: CustomerImport, mapping: Mapping[str, str]) -> Preview:
    """How the first rows would be read by this mapping. Raises InvalidMapping."""
    definitions = _definitions()
    checked = import_mapping.check(mapping, upload.headers, definitions)
    reader = RowReader(upload.organization, upload.headers, checked, definitions)
    rows = []
    for number, cells in first_rows(upload, PREVIEW_ROWS):
        row = reader.read(number, cells)
        row.problems += reader.missing(row) if not row.problems else []
        rows.append(row)
    return Preview(rows, sum(bool(row.problems) for row in rows))


@transaction.atomic
def start(
    *,
    upload: CustomerImport,
    member: Member,
    actor: Actor,
    mapping: Mapping[str, object] | None = None,
    on_duplicate: str = OnDuplicate.SKIP,
    dry_run: bool = False,
) -> Job:
    """Start the import, or a dry run; without a mapping by the guessed one.

    Raises InvalidMapping, ValueError for an unknown choice on duplicates, and AlreadyRunning.
    """
    if on_duplicate not in OnDuplicate.values:
        raise ValueError(f"Use one of {', '.join(OnDuplicate.values)}.")
    checked = import_mapping.check(upload.mapping if mapping is None else mapping, upload.headers, _definitions())
    current = CustomerImport.objects.select_for_update(of=("self",), no_key=True).get(pk=upload.pk)
    if current.state in (State.DONE, State.UNDONE):
        raise AlreadyRunning("This file was imported already. Upload it again to import it once more.")
    if is_running(current):
        raise AlreadyRunning("This file is being worked on.")
    if current.change_set is not None and current.change_set.undone_at is not None:
        raise AlreadyRunning("What was imported from this file is being undone. Upload it again to import it.")
    job = jobs.start(
        organization=member.organization, kind=KIND, actor=actor, user=member.user, total=current.row_count,
        params={"import": str(current.pk), "member": str(member.pk), "dry_run": dry_run},
    )  # fmt: skip
    current.mapping, current.on_duplicate = checked, on_duplicate
    current.state, current.job_id, current.result = State.RUNNING, job.pk, {}
    if not dry_run and current.change_set is None:
        current.change_set = ChangeSet.objects.create(
            organization=member.organization, kind=ChangeSet.Kind.IMPORT, summary=f"Import of {current.name}"[:200],
            actor_kind=actor.kind, actor_id=actor.id, actor_label=actor.label, detail={"import": str(current.pk)},
        )  # fmt: skip
    current.save()
    upload.refresh_from_db()
    return job


def discard(*, upload: CustomerImport) -> None:
    """Delete an import of which nothing was written, with its files."""
    default_storage.delete(str(upload.source_file.name))
    import_files.delete_parts(upload)
    upload.delete()


def visible_imports(member: Member) -> Any:
    """The member's own imports, newest first; with access to the settings all, since a file may hold anybody."""
    rows = CustomerImport.objects.select_related("organization", "change_set", "created_by")
    own = rows if member.may("settings.view") else rows.filter(created_by=member.user_id)
    if member.looked_through_by is not None and not member.may("settings.view"):
        own = rows.none()
    return own.order_by("-created_at", "-id")


def can_be_undone(upload: CustomerImport) -> bool:
    """Whether the import wrote something, its job has ended, and the time to revert is not over."""
    return upload.change_set is not None and upload.change_set.can_be_undone and not is_running(upload)


def is_running(upload: CustomerImport) -> bool:
    """Whether its job is unfinished; one that was cancelled or failed leaves the import free to be started again."""
    if upload.state != State.RUNNING or upload.job_id is None:
        return False
    return Job.objects.unfinished().filter(pk=upload.job_id).exists()


def job_of(upload: CustomerImport) -> Job | None:
    """The last job that worked on it."""
    return Job.objects.filter(pk=upload.job_id).first() if upload.job_id else None


def undo_job_of(upload: CustomerImport) -> Job | None:
    """The job that puts back what the import did, where there is one."""
    if upload.change_set is None or upload.change_set.undone_at is None:
        return None
    rows = Job.objects.filter(kind=undo.KIND, params__change_set=str(upload.change_set_id))
    return rows.newest_first().first()


def is_being_undone(upload: CustomerImport) -> bool:
    job = undo_job_of(upload)
    return job is not None and not job.is_finished


def field_choices() -> list[tuple[str, str]]:
    """What a column can be, with the words for it."""
    return import_mapping.choices(_definitions())


def run(work: Work) -> dict[str, object]:
    """The job's handler: some hundred rows a step, from the byte where the last step ended."""
    upload, member = _load(work)
    state = work.state
    if not state:
        state.update(offset=0, parts=0, examples=[], columns={}, **dict.fromkeys(COUNTS, 0))
    parts = Parts(upload, work.job.pk)
    dry_run = bool(work.params["dry_run"])
    importer = Importer(
        reader=RowReader(upload.organization, upload.headers, upload.mapping, _definitions()),
        member=member, actor=current_actor(), on_duplicate=upload.on_duplicate, upload=upload,
        change_set=None if dry_run else upload.change_set, begun_at=work.job.created_at,
        seen=as_seen(parts.read(state["parts"])) if dry_run else None,
    )  # fmt: skip
    with closing(Rows(upload, state["offset"])) as rows:
        while batch := rows.take(ROWS_AT_ONCE):
            with work.step(done=work.job.done + len(batch), total=upload.row_count):
                _note(state, importer.work(batch), parts, keep_seen=dry_run)
                state["offset"] = rows.offset
    return _finish(work, upload, parts, dry_run=dry_run)


def rejected_rows_url(upload: CustomerImport) -> str | None:
    """Where the API gives the rejected rows; nothing where there are none."""
    if not upload.rejected_file:
        return None
    return f"{settings.PUBLIC_BASE_URL}/api/v1/customers/imports/{upload.pk}/rejected"


def purge_old() -> None:
    """Delete the files of imports that can't be undone any more: they hold people's data."""
    before = timezone.now() - timedelta(days=UNDO_DAYS)
    rows = CustomerImport.objects.filter(created_at__lt=before).exclude(source_file="", rejected_file="")
    for upload in rows[:100]:
        import_files.delete_parts(upload)
        for name in (upload.source_file.name, upload.rejected_file.name):
            if name:
                default_storage.delete(name)
        CustomerImport.objects.filter(pk=upload.pk).update(source_file="", rejected_file="")


def register() -> None:
    jobs.register(KIND, run, label="Import of customers", so_far=_result_so_far)


def _load(work: Work) -> tuple[CustomerImport, Member]:
    upload = (
        CustomerImport.objects.select_related("organization", "change_set").filter(pk=work.params["import"]).first()
    )
    if upload is None or upload.job_id != work.job.pk or not upload.source_file:
        raise JobFailed("The file is gone.")
    member = Member.objects.active().with_access().filter(pk=work.params["member"]).first()
    if member is None or not member.may(PERMISSION):
        raise JobFailed("Whoever began this import may not import any more.")
    return upload, member


def _note(state: dict[str, Any], outcome: Outcome, parts: Parts, *, keep_seen: bool) -> None:
    """Add a step's results to the job's state; what is too long for it goes into a part."""
    for name in ("created", "updated", "skipped"):
        state[name] += getattr(outcome, name)
    state["rejected"] += len(outcome.rejected)
    columns = Counter(state["columns"])
    for row in outcome.rejected:
        columns.update({problem.column or "The row" for problem in row.problems})
        if len(state["examples"]) < MAX_EXAMPLES:
            state["examples"].append({"row": row.number, "reasons": [str(problem) for problem in row.problems]})
    state["columns"] = dict(columns)
    seen = [[*key, owner] for key, owner in outcome.seen.items()] if keep_seen else []
    if outcome.rejected or seen:
        rejected = [[row.number, "; ".join(map(str, row.problems)), row.cells] for row in outcome.rejected]
        parts.write(state["parts"], {"rejected": rejected, "seen": seen})
        state["parts"] += 1


def _finish(work: Work, upload: CustomerImport, parts: Parts, *, dry_run: bool) -> dict[str, object]:
    state = work.state
    before = upload.rejected_file.name
    place = write_rejected(upload, _rejected(parts, state["parts"])) if state["rejected"] else ""
    with work.step(done=upload.row_count):
        upload.rejected_file = place
        upload.state = State.CHECKED if dry_run else State.DONE
        counts = {name: state[name] for name in COUNTS}
        upload.result = {**counts, "dry_run": dry_run, "examples": state["examples"], "columns": state["columns"]}
        upload.save(update_fields=["rejected_file", "state", "result"])
        if not dry_run:
            record(events.CUSTOMERS_IMPORTED, subject=upload, payload={"name": upload.name, **counts})
    parts.delete(state["parts"])
    for name in {str(before or ""), "" if dry_run else str(upload.source_file.name)} - {"", place}:
        # What was imported is in the customers now.
        default_storage.delete(name)
    return {
        **counts,
        "rows": upload.row_count,
        "dry_run": dry_run,
        "import_id": str(upload.pk),
        "rejected_rows_url": rejected_rows_url(upload),
    }


def _rejected(parts: Parts, count: int) -> Iterator[tuple[int, str, list[str]]]:
    for part in parts.read(count):
        yield from part["rejected"]


def _result_so_far(state: Mapping[str, object]) -> dict[str, object]:
    return {name: state.get(name, 0) for name in COUNTS}


def _definitions() -> list[CustomField]:
    return custom_fields.definitions(CustomField.Entity.CUSTOMER)


def _file_name(name: str) -> str:
    """The last part of a path without control characters; only for showing it."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(char for char in last if char.isprintable()).strip()[:255] or "file"
