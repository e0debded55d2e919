"""A person in every place that there is, and looking in all of them: the database, and the folder of files."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.files.base import ContentFile
from django.db import connection
from django.utils import timezone

from activity import jobs
from activity.models import Job
from core.encryption import EncryptedJSONField
from core.tenancy import every_organization, organization_scope
from customers.data.exports import services as exports
from customers.data.imports.files import Parts
from customers.data.merging import services as merging
from customers.data.personal_data import services as personal_data_service
from customers.models import Change, ChangeSet, Customer, CustomerImport, DuplicatePair, Segment
from customers.people.customers import services as customers
from customers.work.interactions import services as interactions
from messaging.delivery import queue as outbound
from messaging.delivery import sending, suppressions
from messaging.intake import processing
from messaging.models import Arrival, Attachment, Channel, Conversation, MailDetails, Message, Reconciliation

MARK = "zzmarkerzz"
PHONE = "+447700912345"
DIGITS = "7700912345"
SENT = "2026-11-21T09:00:00Z"


# --- Looking everywhere -----------------------------------------------------------------------------------------------


def database() -> Iterator[tuple[str, str]]:
    """Every value of every column of every table, as text, with where it stands; secrets opened."""
    tables = connection.introspection.table_names()
    assert len(tables) > 30
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                for name, value in zip(names, row, strict=True):
                    yield f"{table}.{name}", as_text(value)
    with every_organization("the test looks at all"):
        for model in apps.get_models():
            for field in model._meta.fields:
                if isinstance(field, EncryptedJSONField):
                    for row in model._base_manager.all():
                        yield f"{model._meta.label}.{field.name}", json.dumps(getattr(row, field.name), default=str)


def as_text(value: Any) -> str:
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode("utf-8", "replace")
    return json.dumps(value, default=str, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def stored(folder: Path) -> Iterator[tuple[str, str]]:
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place) / name
            yield str(path.relative_to(folder)), name + path.read_bytes().decode("utf-8", "replace")


def places(folder: Path, *words: str) -> set[str]:
    """Where any of the words is found, in whatever case."""
    found = {place for place, text in database() if any(word in text.casefold() for word in words)}
    return found | {place for place, text in stored(folder) if any(word in text.casefold() for word in words)}


def talk(ann: Customer, alice: Any) -> None:
    """Messages in and out on every kind, a note, one that waits, a mail that the simulator wrote to a file."""
    for kind in ("whatsapp", "email"):
        channel = Channel.objects.get(kind=kind, provider="simulator")
        sender = PHONE if kind == "whatsapp" else f"{MARK}@example.com"
        body = {
            "message_id": f"in-{kind}", "from": sender, "from_name": f"Ann {MARK}", "subject": f"About {MARK}",
            "body": f"Hello, it is {MARK}", "to": channel.address, "sent_at": SENT, "firm": MARK,
            "attachments": [{"url": f"https://example.com/{MARK}.jpg", "content_type": "image/jpeg",
                             "filename": f"{MARK}.jpg"}],
            "files": [{"filename": f"{MARK}.txt", "content": base64.b64encode(MARK.encode()).decode()}],
        }  # fmt: skip
        if kind == "email":
            body |= {
                "html": f"<p>Hello, it is {MARK}</p>", "cc": [f"cc.{MARK}@example.com"],
                "body": f"Hello, it is {MARK}\n\n-- \nAnn {MARK}",
            }  # fmt: skip
        answer = alice.api.post(f"/api/v1/webhooks/{kind}", body, format="json", headers={"Idempotency-Key": kind})
        assert answer.status_code == 202, answer.json()
    processing.process_due()
    for conversation in Conversation.objects.filter(customer=ann).select_related("customer", "channel"):
        outbound.queue_message(
            conversation=conversation, body=f"Dear {MARK}", subject=f"Re {MARK}", actor=alice.actor
        )  # fmt: skip
        outbound.add_note(conversation=conversation, body=f"{MARK} sounds sad", actor=alice.actor)
    sending.deliver_due()
    conversation = Conversation.objects.filter(customer=ann).select_related("customer", "channel").first()
    outbound.queue_message(
        conversation=conversation, body=f"Later, {MARK}", actor=alice.actor,
        not_before_at=timezone.now() + timedelta(hours=1),
    )  # fmt: skip
    first = Message.objects.filter(customer=ann, direction="inbound").first()
    Message.objects.filter(pk=first.pk).update(
        location={"label": MARK}, button={"text": MARK}, referral={"headline": MARK}, error_message=MARK,
        content_variables={"1": MARK}, fallback_variables={"1": MARK},
    )  # fmt: skip
    MailDetails.objects.filter(message__customer=ann).update(references=[f"{MARK}@example.com"], reply_to=MARK)
    Attachment.objects.filter(message__customer=ann).update(content_id=MARK, reason=MARK)
    suppressions.suppress(
        message=Message.objects.filter(customer=ann, channel__kind="email").first(),
        address=f"{MARK}@example.com", code="5.1.1", reason=f"No mailbox {MARK}.",
    )  # fmt: skip
    Reconciliation.objects.create(
        organization=alice.organization, channel=first.channel, since=SENT, until="2026-11-22T09:00:00Z", state="done",
        found=[{"kind": "inbound", "id": "SM1", "other": PHONE}, {"kind": "inbound", "id": "SM2", "other": "+15"}],
    )  # fmt: skip


def merge_another(ann: Customer, alice: Any) -> None:
    """A second one of the same person, whose own row stays behind."""
    with organization_scope(alice.organization):
        other = customers.create(
            organization=alice.organization, actor=alice.actor, name=f"A. {MARK}", email=f"other.{MARK}@example.com",
            notes=f"{MARK} again", own_fields={"school": f"{MARK} Primary"},
        )  # fmt: skip
        interactions.log(customer=other, actor=alice.actor, channel="note", content=f"Other {MARK}")
        merging.merge(loser=other, survivor=ann, actor=alice.actor)


def remember(ann: Customer, alice: Any, records: list[Any]) -> None:
    """What speaks of them without being theirs: changes, pairs, jobs, the admin's log, kept answers, imports."""
    organization = alice.organization
    neighbour = Customer.objects.get(name="Neighbour")
    first, second = sorted([ann, neighbour], key=lambda one: one.pk)
    DuplicatePair.objects.create(organization=organization, first=first, second=second, reasons=["phone"])
    change_set = ChangeSet.objects.create(
        organization=organization, kind="import", summary="Imported 2 customers", actor_kind="user"
    )
    for row in [ann, *records]:
        Change.objects.create(
            organization=organization, change_set=change_set, model=row._meta.label_lower, object_id=str(row.pk),
            action="updated", before={"name": MARK}, after={"name": f"{MARK} 2"},
        )  # fmt: skip
    upload = CustomerImport(organization=organization, name="people.csv", format="csv", change_set=change_set)
    upload.source_file.save("", ContentFile(f"name\nAnn {MARK}\n".encode()), save=False)
    upload.rejected_file.save("", ContentFile(f"name,reason\nAnn {MARK},twice\n".encode()), save=False)
    upload.headers = ["name"]
    upload.save()
    # Another one, in which they were rejected and so nothing of theirs was changed.
    rejecting = CustomerImport(organization=organization, name="more.csv", format="csv")
    rejecting.rejected_file.save("", ContentFile(f"name,reason\nJo,{ann.email} is taken\n".encode()), save=False)
    rejecting.result = {"rejected": 1, "examples": [{"row": 2, "reasons": [f"{ann.email} belongs to {ann.name}"]}]}
    rejecting.source_file.save("", ContentFile(f'[2, "Jo", "{ann.email}"]\n'.encode()), save=False)
    rejecting.save()
    # A job that was cancelled on its way leaves its parts.
    Parts(rejecting, "cancelled").write(0, {"rejected": [[2, "twice", [ann.name]]], "seen": []})
    Segment.objects.create(organization=organization, owner=alice.user, name=ann.name, filter={"q": ann.email})
    content_type = ContentType.objects.get_for_model(Customer)
    LogEntry.objects.create(
        user=alice.user, content_type=content_type, object_id=str(ann.pk), object_repr=f"Ann {MARK}",
        action_flag=CHANGE, change_message=MARK,
    )  # fmt: skip
    Job.objects.create(
        organization=organization, kind="customers.bulk", status="done", params={"filters": {"q": ann.name}},
        state={"path": ""}, result={"told": ann.name},
    )  # fmt: skip
    personal_data_service.start_export(customer=ann, actor=alice.actor, user=alice.user)
    jobs.run_due()
    for path, body in (
        (f"/customers/{ann.pk}/tags/add", {"tag": "shared"}),
        (f"/customers/{ann.pk}/interactions", {"channel": "note", "direction": "internal", "content": f"Kept {MARK}"}),
    ):
        answer = alice.api.post(f"/api/v1{path}", body, format="json", headers={"Idempotency-Key": "a"})
        assert answer.status_code in (200, 201), answer.json()


def leave_traces(ann: Customer, alice: Any) -> None:
    """In what is no record of theirs: filters of views, exports and bulk changes, names of files, mails set aside."""
    from email.message import EmailMessage

    organization, owner = alice.organization, alice.user
    for number, asked in enumerate(
        [{"q": MARK[:7]}, {"search": f"annabel {MARK}"}, {"custom.school": f"{MARK}@example.com"}, {"q": DIGITS[:8]}]
    ):
        Segment.objects.create(organization=organization, owner=owner, name=f"View {number}", filter=asked)
    Segment.objects.create(organization=organization, owner=owner, name=f"For Annabel {MARK} only", filter={"q": "x"})
    for asked in ({"q": MARK}, {"q": MARK[:7], "status": "lead"}):
        exports.begin(member=alice.member, actor=alice.actor, filters=asked)
        Job.objects.create(organization=organization, kind="customers.bulk", status="done", params={"filter": asked})
    CustomerImport.objects.create(organization=organization, name=f"annabel {MARK}.csv", format="csv")
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = f"Ann <{MARK}@example.com>", "desk@clinic.example", "Again"
    mail["Message-ID"] = "<own@clinic.example>"
    mail.set_content(f"Annabel {MARK} wrote this, and it goes as base64.", cte="base64")
    form = urlencode({"From": f"whatsapp:{PHONE}", "Body": f"It is Annabel {MARK}"}).encode()
    channel = Channel.objects.get(kind="email", provider="simulator")
    for key, body, provider in (("own", mail.as_bytes(), "smtp"), ("form", form, "twilio")):
        Arrival.objects.create(
            key=key, provider=provider, kind="email" if provider == "smtp" else "whatsapp", type="message", body=body,
            state="set_aside", organization=organization, channel=channel, last_error="No.",
        )  # fmt: skip
