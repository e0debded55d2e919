"""Workers that are killed while they fetch files or read a mailbox: each file and each mail is there once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from core import jobs
from core.tenancy import every_organization, organization_scope
from messaging.intake import mailboxes, processing
from messaging.models import Arrival, Attachment, Mailbox, MediaFile, Message
from tests.fakes.dovecot import PASSWORD, Dovecot, dovecot
from tests.fakes.twilio import FakeTwilio, File, inbound_webhook
from tests.messaging.conftest import OUR_NUMBER, Webhooks, make_channel, make_mailbox, picture, raw_mail
from tests.processes.conftest import Worker, wait_until

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

FILES = 40
MAILS = 60


def rung(task: str, is_so: Any, *, within: float) -> None:
    """Ring for a task again and again until it is so."""
    ticks = iter(range(10**9))

    def look() -> bool:
        if next(ticks) % 50 == 0:
            jobs.publish(task, {})
        return bool(is_so())

    wait_until(look, within=within, every=0.004)


def lease_over(model: Any) -> int:
    """What the dead worker held would be due again by itself in some minutes; how much that was."""
    with every_organization("a test's clock is everybody's"):
        held = model.objects.filter(claim_token__isnull=False)
        return int(held.update(due_at=timezone.now()))


def test_every_file_is_stored_once(worker: Worker, alice: Any, twilio: FakeTwilio, settings: Any):
    settings.TWILIO_WEBHOOK_BASE_URL = "http://testserver"
    make_channel(alice.organization)
    files = [File(picture((40 + n, 30)), "image/png", filename=f"{n}.png") for n in range(FILES)]
    for n, file in enumerate(files):
        sender = f"whatsapp:+1500555{n:04d}"
        message = twilio.receive(sender=sender, to=f"whatsapp:{OUR_NUMBER}", files=[file])
        assert Webhooks().whatsapp(inbound_webhook(message)).status_code == 200
    processing.process_due()

    def stored() -> int:
        with every_organization("the test counts"):
            return int(Attachment.objects.filter(state="stored").count())

    def at_work() -> bool:
        with every_organization("the test looks for a claim"):
            return bool(Attachment.objects.filter(claim_token__isnull=False).exists())

    worker.start()
    # Each file is claimed in the moment in which it is fetched: the kill has to come in one of these moments.
    rung("messaging.tasks.fetch_media", lambda: stored() >= FILES // 3 and at_work(), within=30)
    worker.kill()
    assert lease_over(Attachment) > 0, "the kill hit nobody at work"
    worker.start()
    rung("messaging.tasks.fetch_media", lambda: stored() == FILES, within=30)
    worker.kill()
    with organization_scope(alice.organization):
        rows = list(Attachment.objects.select_related("file"))
        assert MediaFile.objects.count() == FILES
        assert sorted(row.filename for row in rows) == sorted(file.filename for file in files)
        contents = {file.filename: file.content for file in files}
        assert all(Path(row.file.content.path).read_bytes() == contents[row.filename] for row in rows)


@pytest.fixture
def server() -> Iterator[Dovecot]:
    with dovecot() as running:
        yield running


def test_every_mail_is_kept_once(worker: Worker, alice: Any, server: Dovecot):
    reading = {
        "imap_host": "127.0.0.1", "imap_port": str(server.port), "imap_username": "desk", "imap_password": PASSWORD,
        "imap_use_ssl": "false",
    }  # fmt: skip
    make_mailbox(alice, credentials=reading)
    mailboxes.read_due()
    server.deliver("desk", *[raw_mail(f"mail {n}", Message_ID=f"<{n}@example.com>") for n in range(MAILS)])
    lease_over(Mailbox)

    def due_now() -> None:
        with every_organization("a test's clock is everybody's"):
            Mailbox.objects.update(due_at=timezone.now())

    due_now()
    worker.start()
    rung("messaging.tasks.read_mailboxes", lambda: Arrival.objects.count() >= MAILS // 3, within=30)
    worker.kill()
    assert lease_over(Mailbox) > 0, "the kill hit nobody at work"
    lease_over(Arrival)
    worker.start()
    due_now()
    rung("messaging.tasks.read_mailboxes", lambda: Arrival.objects.count() >= MAILS, within=30)
    wait_until(lambda: not Arrival.objects.exclude(state="done").exists(), within=30)
    worker.kill()
    with organization_scope(alice.organization):
        bodies = sorted(Message.objects.values_list("body", flat=True))
        assert bodies == sorted(f"mail {n}" for n in range(MAILS))
        assert Mailbox.objects.get().last_uid == MAILS
    assert Arrival.objects.count() == MAILS
