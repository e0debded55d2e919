"""Personal data as a ZIP (data.json, index.html to read, and the files), and the jobs that export and erase."""

from __future__ import annotations

import json
import re
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import IO
from uuid import UUID

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from activity import jobs
from activity.actor import Actor
from activity.jobs import Work
from activity.ledger import record
from activity.models import Job
from core.ids import uuid7
from core.refused import Refused
from customers import events
from customers.data.personal_data import erasure
from customers.data.personal_data import registry as personal_data
from customers.data.personal_data.registry import PartData
from customers.models import Customer
from customers.people.files.downloads import StoredFile

EXPORT = "customers.personal_data_export"
ERASE = "customers.erase"
LINK_LIVES = timedelta(days=7)
CHUNK = 1024 * 1024
_UNSAFE = re.compile(r"[^\w.() -]+")


class NotConfirmed(Refused):
    """The customer's code is missing or wrong."""

    field = "confirm"

    def __init__(self) -> None:
        super().__init__("Type the customer’s code to confirm: erasing can’t be undone.")


def register() -> None:
    jobs.register(
        EXPORT, _export, label="Putting together personal data", url=_download_page,
        template="customers/data/personal_data/archive_result.html",
    )  # fmt: skip
    jobs.register(ERASE, _erase, label="Erasing a person", template="customers/data/personal_data/erasure_result.html")


@transaction.atomic
def start_export(*, customer: Customer, actor: Actor, user: User | None) -> Job:
    """Start the job whose result is a ZIP that can be downloaded for seven days."""
    return jobs.start(
        organization=customer.organization, kind=EXPORT, params={"customer": str(customer.pk)}, actor=actor, user=user
    )


@transaction.atomic
def start_erasure(*, customer: Customer, confirm: str, actor: Actor, user: User | None) -> Job:
    """Start the job that erases the person. `confirm` has to be the customer's code. Raises NotConfirmed."""
    if confirm.strip().casefold() != customer.code.casefold():
        raise NotConfirmed
    return jobs.start(
        organization=customer.organization, kind=ERASE, params={"customer": str(customer.pk)}, actor=actor, user=user
    )


def find_export(*, customer: Customer, job_id: UUID | str) -> StoredFile | None:
    """The job's ZIP of this customer; None when there is none, or its seven days are over."""
    job = Job.objects.filter(pk=job_id, kind=EXPORT, status=Job.Status.DONE).first()
    if job is None or job.params.get("customer") != str(customer.pk) or not job.state.get("path"):
        return None
    if job.finished_at is None or _expires_at(job.finished_at) <= timezone.now():
        return None
    return StoredFile(f"{customer.code}-personal-data.zip", default_storage, job.state["path"])


def purge_old_exports() -> int:
    """Delete the ZIPs of this organization whose seven days are over; how many."""
    old = Job.objects.filter(kind=EXPORT, finished_at__lt=timezone.now() - LINK_LIVES).exclude(state={})
    count = 0
    for job in old:
        if job.state.get("path"):
            default_storage.delete(job.state["path"])
            count += 1
        Job.objects.filter(pk=job.pk).update(state={})
    return count


def _expires_at(finished_at: datetime) -> datetime:
    return finished_at + LINK_LIVES


def _download_page(job: Job) -> str:
    if not job.state.get("path"):
        return ""
    return reverse(
        "customers:personal_data_download", args=[job.organization.slug, job.params["customer"], job.pk]
    )  # fmt: skip


def _export(work: Work) -> dict[str, object]:
    customer = _find(work)
    if "path" not in work.state:
        with work.step(total=1):
            # Known before it is written: what a worker that dies leaves behind is written over, not forgotten.
            work.state["path"] = f"personal-data/{customer.organization_id}/{uuid7()}.zip"
    path = work.state["path"]
    if "size" not in work.state:
        with tempfile.TemporaryFile() as draft:
            for _ in _write(customer, draft):
                with work.step():
                    pass  # it is alive: a file was written
            size = draft.tell()
            draft.seek(0)
            default_storage.delete(path)
            default_storage.save(path, File(draft))
        with work.step(done=1, total=1):
            work.state["size"] = size
            payload = {"code": customer.code}
            record(events.PERSONAL_DATA_EXPORTED, subject=customer, actor=work.actor, payload=payload)
    return {
        "customer": str(customer.pk),
        "size": work.state["size"],
        "expires_at": _expires_at(timezone.now()).isoformat(),
        "download_url": reverse("customer-personal-data-download", args=[customer.pk, work.job.pk]),
    }


def _erase(work: Work) -> dict[str, object]:
    customer = _find(work)
    if customer.erased_at is None:
        with work.step(done=1, total=1):
            erasure.erase(customer=customer, actor=work.actor, reason="asked")
    return {"customer": str(customer.pk), "code": customer.code}


def _find(work: Work) -> Customer:
    rows = Customer.objects.select_related("organization", "stage")
    row = rows.filter(pk=work.params["customer"]).first()
    if row is None:
        raise jobs.JobFailed("The customer is gone.")
    return row


def _write(customer: Customer, draft: IO[bytes]) -> Iterator[None]:
    """Write the archive file by file; yields after each, so that the job can stop."""
    parts = [(part, part.export(customer)) for part in personal_data.parts()]
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
        about = {"organization": customer.organization.name, "customer": customer.code, "made_at": timezone.now()}
        tables = {part.name: data.rows for part, data in parts}
        archive.writestr(
            "data.json", json.dumps({**about, **tables}, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)
        )
        sections = [{"title": part.title, "tables": [list(_plain(row)) for row in data.rows]} for part, data in parts]
        archive.writestr(
            "index.html",
            render_to_string(
                "customers/data/personal_data/personal_data.html", {**about, "name": customer.name, "parts": sections}
            ),
        )
        for path, file in _files(data for _, data in parts):
            with file.storage.open(file.path) as source, archive.open(path, "w", force_zip64=True) as target:
                while chunk := source.read(CHUNK):
                    target.write(chunk)
            yield
    draft.seek(0, 2)


def _plain(row: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Labels and texts of a row, without what is empty."""
    for name, value in row.items():
        if value not in (None, "", [], {}):
            if not isinstance(value, str):
                value = json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False).strip('"')
            yield name.replace("__", " ").replace("_", " "), value


def _files(parts: Iterator[PartData]) -> Iterator[tuple[str, StoredFile]]:
    """The files with safe and unique names."""
    number = 0
    for data in parts:
        for file in data.files:
            if not file.storage.exists(file.path):
                continue
            number += 1
            yield f"files/{number:03d} {_UNSAFE.sub('_', file.name)[-120:]}", file
