"""Everything held on a person, in one archive."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from activity import jobs
from activity.models import Event, Job
from core.claims import claim
from core.tenancy import every_organization
from customers.data.deletion import services as deletion
from customers.data.personal_data import registry as personal_data
from customers.data.personal_data import services as service
from customers.models import Customer
from customers.people.contacts import services as contacts
from customers.people.files import services as files
from customers.pipeline.deals import services as deals
from customers.work.interactions import services as interactions
from messaging.delivery import queue as outbound
from messaging.files import services as media
from messaging.models import Attachment, MailDetails, Message

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def storage(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def ann(inside: Any, alice: Any, make_conversation: Any) -> Customer:
    conversation = make_conversation(kind="sms", name="Ann <Lee>", email="ann@example.com", notes="Likes tea")
    ann: Customer = conversation.customer
    outbound.queue_message(conversation=conversation, body="See you & yours", actor=alice.actor)
    contacts.create(customer=ann, actor=alice.actor, name="Tim Lee")
    interactions.log(customer=ann, actor=alice.actor, channel="note", content="Said “<b>yes</b>”")
    deals.create(customer=ann, actor=alice.actor, title="Braces", amount=120)
    for name in ("x-ray.txt", "x-ray.txt", "../../etc/passwd"):
        files.add(customer=ann, content=ContentFile(b"bones"), name=name, content_type="text/plain", actor=alice.actor)
    return ann


def export(ann: Customer, alice: Any) -> tuple[Job, zipfile.ZipFile]:
    job = service.start_export(customer=ann, actor=alice.actor, user=alice.user)
    jobs.run_due()
    job.refresh_from_db()
    assert job.status == "done", job.error
    file = service.find_export(customer=ann, job_id=job.pk)
    assert file is not None
    with file.storage.open(file.path) as content:
        return job, zipfile.ZipFile(io.BytesIO(content.read()))


def test_the_archive_holds_every_part(ann: Customer, alice: Any):
    job, archive = export(ann, alice)
    told = json.loads(archive.read("data.json"))
    assert told["customer"] == ann.code
    assert set(told) == {"organization", "customer", "made_at", *(part.name for part in personal_data.parts())}
    assert told["profile"][0]["email"] == "ann@example.com"
    assert {row["value"] for row in told["identities"]} == {"ann@example.com", ann.phone}
    assert [row["name"] for row in told["contacts"]] == ["Tim Lee"]
    assert [row["body"] for row in told["messages"]] == ["See you & yours"]
    assert [row["content"] for row in told["interactions"]] == ["Said “<b>yes</b>”"]
    assert told["deals"][0]["amount"] == "120.00"
    assert {"customer.created", "deal.created"} <= {row["type"] for row in told["history"]}
    assert job.result["size"] == default_storage.size(job.state["path"])
    assert archive.testzip() is None


def test_it_can_be_read_by_a_person_and_nothing_in_it_runs(ann: Customer, alice: Any):
    _, archive = export(ann, alice)
    page = archive.read("index.html").decode()
    assert "Ann &lt;Lee&gt;" in page
    assert "&lt;b&gt;yes&lt;/b&gt;" in page
    assert "See you &amp; yours" in page
    for outside in ("<script", "http://", "https://", "src="):
        assert outside not in page


def test_files_come_along_under_names_of_their_own(ann: Customer, alice: Any):
    _, archive = export(ann, alice)
    names = [name for name in archive.namelist() if name.startswith("files/")]
    assert len(names) == len(set(names)) == 3
    assert all(".." not in name.split("/") and name.count("/") == 1 for name in names)
    assert {archive.read(name) for name in names} == {b"bones"}


def test_files_of_messages_and_mails_come_along(ann: Customer, alice: Any, make_conversation: Any):
    content = ContentFile(b"scan")
    scan = media.store(
        organization=ann.organization, content=content, name="scan.pdf", content_type="application/pdf", size=4
    )
    message = Message.objects.filter(customer=ann).get()
    Attachment.objects.create(organization=ann.organization, message=message, file=scan, filename="scan.pdf")
    MailDetails.objects.create(organization=ann.organization, message=message, folded="Quoted", cc=["x@example.com"])
    _, archive = export(ann, alice)
    told = json.loads(archive.read("data.json"))
    assert [(row["folded"], row["cc"]) for row in told["mails"]] == [("Quoted", ["x@example.com"])]
    assert b"scan" in {archive.read(name) for name in archive.namelist() if name.startswith("files/")}


def test_it_is_recorded_in_the_ledger(ann: Customer, alice: Any):
    export(ann, alice)
    (event,) = Event.objects.filter(type="customer.personal_data_exported")
    assert (event.actor_id, event.customer_id, event.payload) == (str(alice.user.pk), ann.pk, {"code": ann.code})


def test_the_link_lives_for_seven_days(ann: Customer, alice: Any):
    job, _ = export(ann, alice)
    path = job.state["path"]
    Job.objects.filter(pk=job.pk).update(finished_at=timezone.now() - timedelta(days=6, hours=23))
    assert service.find_export(customer=ann, job_id=job.pk) is not None
    assert service.purge_old_exports() == 0
    Job.objects.filter(pk=job.pk).update(finished_at=timezone.now() - timedelta(days=7, minutes=1))
    assert service.find_export(customer=ann, job_id=job.pk) is None
    assert default_storage.exists(path)
    assert service.purge_old_exports() == 1
    assert not default_storage.exists(path)
    assert service.purge_old_exports() == 0


def test_a_job_of_somebody_else_is_no_export_of_theirs(ann: Customer, alice: Any, make_customer: Any):
    job, _ = export(ann, alice)
    assert service.find_export(customer=make_customer(), job_id=job.pk) is None


def test_a_worker_that_dies_leaves_one_archive(ann: Customer, alice: Any, storage: Path, monkeypatch: Any):
    """Whatever was written by the one that died is written over."""
    job = service.start_export(customer=ann, actor=alice.actor, user=alice.user)
    kept = service.record

    def die(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("killed")

    monkeypatch.setattr(service, "record", die)
    jobs.run_due()
    monkeypatch.setattr(service, "record", kept)
    with every_organization("its lease is over"):
        Job.objects.filter(pk=job.pk).update(due_at=timezone.now())
    jobs.run_due()
    job.refresh_from_db()
    assert job.status == "done"
    assert len(list((storage / "personal-data").rglob("*.zip"))) == 1
    assert Event.objects.filter(type="customer.personal_data_exported").count() == 1
    assert claim(Job.objects.all(), limit=1, lease=jobs.LEASE) == []


def test_erasing_takes_the_typed_code(ann: Customer, alice: Any):
    for wrong in ("", "erase", "C999"):
        with pytest.raises(service.NotConfirmed):
            service.start_erasure(customer=ann, confirm=wrong, actor=alice.actor, user=alice.user)
    job = service.start_erasure(customer=ann, confirm=f" {ann.code.lower()} ", actor=alice.actor, user=alice.user)
    jobs.run_due()
    job.refresh_from_db()
    ann.refresh_from_db()
    assert (job.status, job.result["code"]) == ("done", ann.code)
    assert ann.erased_at


def test_a_deleted_customer_is_held_too(ann: Customer, alice: Any):
    deletion.delete(customer=ann, actor=alice.actor, force=True)
    _, archive = export(ann, alice)
    assert json.loads(archive.read("data.json"))["profile"][0]["deleted_at"]
