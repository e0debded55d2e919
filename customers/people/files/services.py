"""Documents on a customer's page."""

from __future__ import annotations

import re

from django.conf import settings
from django.core.files.base import File
from django.db import transaction

from activity.actor import Actor
from activity.ledger import record
from core.refused import Refused
from customers import events
from customers.models import Customer, CustomerFile
from customers.people import locking
from customers.people.customers import services as customers

_UNSAFE = re.compile(r"[\x00-\x1f\x7f/\\\u202a-\u202e\u2066-\u2069]")


class InvalidFile(Refused):
    """The document is empty or too large."""

    field = "file"


@transaction.atomic
def add(*, customer: Customer, content: File, name: str, content_type: str, actor: Actor) -> CustomerFile:
    """Store a document. Raises InvalidFile for one that is empty or over FILE_MAX_BYTES, and CustomerMissing."""
    locking.lock_customer(customer)
    size = content.size or 0
    if not size:
        raise InvalidFile("The file is empty.")
    if size > settings.FILE_MAX_BYTES:
        raise InvalidFile(f"A file may have {settings.FILE_MAX_BYTES // 1_000_000} MB at most.")
    row = CustomerFile(
        organization=customer.organization,
        customer=customer,
        name=_UNSAFE.sub("_", name).strip()[-255:] or "file",
        content_type=content_type[:100],
        size=size,
        uploaded_by_id=actor.user_id,
    )
    row.content.save("", content, save=False)
    row.save(force_insert=True)
    customers.touch(customer=customer, at=row.created_at)
    record(events.FILE_ADDED, subject=row, actor=actor, payload={"name": row.name})
    return row


@transaction.atomic
def delete(*, file: CustomerFile, actor: Actor) -> None:
    """Delete the row now, and its content from storage after the commit."""
    record(events.FILE_DELETED, subject=file, actor=actor, payload={"name": file.name})
    storage, stored = file.content.storage, str(file.content.name)
    file.delete()
    transaction.on_commit(lambda: storage.delete(stored), robust=True)
