"""The personal data in the customers app, part by part: how each is exported, and how it is erased."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db.models import QuerySet

from activity.actor import Actor
from activity.models import Event
from customers.data.personal_data import registry as personal_data
from customers.data.personal_data.registry import Part, PartData
from customers.models import (
    Change,
    Consent,
    Contact,
    Customer,
    CustomerFile,
    CustomerImport,
    Deal,
    Identity,
    Interaction,
    Outcome,
    Process,
    StageChange,
    Tag,
    Task,
    TaskReminder,
)
from customers.people.fields import FIELDS, Kind
from customers.people.files.downloads import StoredFile

ERASED = "Erased"


def register() -> None:
    for part in (
        Part("profile", "Profile", 10, _profile, _nothing),
        Part("identities", "Phones and e-mail addresses", 20, _rows(
            Identity, "kind", "value", "created_at"), _identities),
        Part("contacts", "Contacts", 30, _rows(
            Contact, "name", "relationship", "email", "phone", "birth_date", "custom_fields", "created_at"), _contacts),
        Part("consents", "Consents", 40, _rows(
            Consent, "channel", "purpose", "is_granted", "how", "proof", "actor_label", "created_at"), _consents),
        Part("interactions", "Calls, meetings and notes", 60, _rows(
            Interaction, "channel", "direction", "content", "occurred_at", "duration_seconds", "author_label"),
            _interactions),
        Part("deals", "Deals", 70, _rows(
            Deal, "title", "amount", "currency", "status", "stage__name", "expected_close_on", "closed_at",
            "lost_reason", "custom_fields", "created_at"), _deals),
        Part("tasks", "Tasks", 80, _rows(
            Task, "title", "description", "due_at", "priority", "status", "completed_at", "created_at"), _tasks),
        Part("outcomes", "Outcomes", 82, _rows(
            Outcome, "type__name", "amount", "currency", "occurred_at", "note", "author_label"), _outcomes),
        Part("processes", "Processes", 84, _rows(
            Process, "name", "channel", "status", "last_action_at", "next_follow_up_at", "created_at"), _processes),
        Part("files", "Files", 90, _files, _erase_files),
        Part("stage_changes", "Moves in the pipeline", 100, _rows(
            StageChange, "from_name", "to_name", "reason", "actor_label", "changed_at"), _stage_changes),
        Part("imports", "Files that they were imported from", 110, _imports, _erase_imports),
        Part("history", "History", 120, _history, _nothing),
    ):  # fmt: skip
        personal_data.register(part)


def imports_of(customer: Customer) -> QuerySet[CustomerImport]:
    """The imports that created or changed the person; each has a file with their row."""
    sets = Change.objects.filter(model="customers.customer", object_id=str(customer.pk)).values("change_set")
    return CustomerImport.objects.filter(change_set__in=sets)


def _rows(model: Any, *fields: str) -> Callable[[Customer], PartData]:
    def export(customer: Customer) -> PartData:
        return PartData(list(model.objects.filter(customer=customer).order_by("pk").values(*fields)))

    return export


def _profile(customer: Customer) -> PartData:
    """The customer's fields, and what is left on the rows that were merged into it."""
    rows = Customer.objects.filter(pk=customer.pk) | Customer.objects.filter(merged_into=customer)
    # Who looks after them is nothing of theirs; tags come below, by name.
    exported = [one for one in FIELDS if one.is_personal or (one.is_exported and not one.stored_in)]
    columns = [one.column for one in exported if one.kind not in (Kind.STAGE, Kind.OWNER, Kind.TAGS)]
    results = list(rows.order_by("pk").values("pk", *columns, "stage__name", "former_codes", "deleted_at"))
    for row in results:
        pk = row.pop("pk")
        row["tags"] = list(Tag.objects.filter(customers=pk).values_list("name", flat=True))
    return PartData(results)


def _history(customer: Customer) -> PartData:
    rows = Event.objects.about_customer(customer.pk).order_by("occurred_at", "id")
    return PartData(list(rows.values("occurred_at", "type", "actor_label", "payload")))


def _files(customer: Customer) -> PartData:
    rows = list(CustomerFile.objects.filter(customer=customer).order_by("pk"))
    file_rows = [
        {"name": row.name, "type": row.content_type, "bytes": row.size, "added": row.created_at} for row in rows
    ]
    return PartData(
        file_rows, [StoredFile(row.name, row.content.storage, row.content.name) for row in rows if row.content.name]
    )


def _imports(customer: Customer) -> PartData:
    # The whole file holds other people too: it is named, not given out.
    rows = imports_of(customer).order_by("pk")
    return PartData([{"name": row.name, "created_at": row.created_at} for row in rows])


def _nothing(customer: Customer, actor: Actor) -> Iterable[StoredFile]:
    """Erases nothing: `erasure` handles the customer's row and the ledger."""
    return ()


def _identities(customer: Customer, actor: Actor) -> Iterable[StoredFile]:
    # The addresses are free again: who writes from one is a new lead.
    Identity.objects.filter(customer=customer).delete()
    return ()


def _contacts(customer: Customer, actor: Actor) -> Iterable[StoredFile]:
    Contact.objects.filter(customer=customer).delete()
    return ()


def _consents(customer: Customer, actor: Actor) -> Iterable[StoredFile]:
    Consent.objects.filter(customer=customer).update(how=ERASED, proof="")
    return ()


def _interactions(customer: Customer, actor: Actor) -> Iterable[StoredFile]:
    Interaction.objects.filter(customer=customer).update(content="")
    return ()


def _deals(customer: Customer, actor: Actor) -> Iterable[StoredFile]:
    Deal.objects.filter(customer=customer).update(title=ERASED, lost_reason="", custom_fields={})
    return ()


def _tasks(customer: Customer, actor: Actor) -> Iterable[StoredFile]:
    rows = Task.objects.filter(customer=customer)
    rows.open().update(status=Task.Status.CANCELLED)
    rows.update(title=ERASED, description="", remind_at=None)
    TaskReminder.objects.filter(task__customer=customer).delete()
    return ()


def _outcomes(customer: Customer, actor: Actor) -> Iterable[StoredFile]:
    # The result and its amount are counted; what was noted about the person is not.
    Outcome.objects.filter(customer=customer).update(note="")
    return ()


def _processes(customer: Customer, actor: Actor) -> Iterable[StoredFile]:
    rows = Process.objects.filter(customer=customer)
    rows.filter(status__in=Process.OPEN).update(status=Process.Status.CANCELLED, next_follow_up_at=None)
    rows.update(name=ERASED)
    return ()


def _erase_files(customer: Customer, actor: Actor) -> Iterable[StoredFile]:
    files = _files(customer).files
    CustomerFile.objects.filter(customer=customer).delete()
    return files


def _stage_changes(customer: Customer, actor: Actor) -> Iterable[StoredFile]:
    StageChange.objects.filter(customer=customer).update(reason="")
    return ()


def _erase_imports(customer: Customer, actor: Actor) -> Iterable[StoredFile]:
    """Delete the whole file: one row can't be removed, and a finished import does not need it."""
    files = [
        StoredFile(upload.name, content.storage, content.name)
        for upload in imports_of(customer)
        for content in (upload.source_file, upload.rejected_file)
        if content.name
    ]
    imports_of(customer).update(source_file="", rejected_file="", headers=[], mapping={})
    return files
