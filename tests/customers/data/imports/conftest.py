"""Files that are taken in, and imports that run."""

from __future__ import annotations

import io
from typing import Any

import pytest

from activity import jobs
from activity.models import Job
from customers.data.imports import services as imports
from customers.models import CustomerImport

HEADERS = "Name,Email,Phone,Company,Tags\n"
ROW = "Ada Lovelace,ada@example.com,+44 7700 900123,Analytical,vip; new\n"


@pytest.fixture
def take(inside: Any, alice: Any):
    def take(text: str | bytes, name: str = "people.csv", by: Any = None) -> CustomerImport:
        content = text if isinstance(text, bytes) else text.encode()
        return imports.upload(file=io.BytesIO(content), name=name, member=(by or alice).member)

    return take


@pytest.fixture
def run(alice: Any):
    def run(upload: CustomerImport, by: Any = None, **options: Any) -> dict[str, Any]:
        who = by or alice
        job = imports.start(upload=upload, member=who.member, actor=who.actor, **options)
        jobs.run_due()
        job.refresh_from_db()
        upload.refresh_from_db()
        assert job.status == Job.Status.DONE, job.error
        return job.result

    return run


def counts(result: dict[str, Any]) -> tuple[int, int, int, int]:
    return tuple(result[name] for name in ("created", "updated", "skipped", "rejected"))
