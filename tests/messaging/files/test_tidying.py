"""Files that nothing needs are thrown away, and no other."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError
from django.utils import timezone

from core.tenancy import organization_scope
from messaging.delivery import queue as outbound
from messaging.files import services as media
from messaging.models import Attachment, Conversation, MediaFile
from messaging.texts.templates import services as templates
from tests.messaging.conftest import all_of, on_disk, only
from tests.messaging.files.conftest import PDF, a_file

pytestmark = pytest.mark.usefixtures("disk")


def upload(person: Any, thread: Conversation, file: Any) -> Any:
    return person.client.post(person.url(f"inbox/{thread.pk}/upload/"), {"file": file})


class TestTidying:
    def test_only_what_nothing_needs_is_thrown_away(
        self, alice: Any, thread: Conversation, received: Any, queue: Any, disk: Path
    ):
        attached = received("a.pdf", PDF, "application/pdf").file
        unused = upload(alice, thread, a_file("b.pdf")).json()["id"]
        of_template = upload(alice, thread, a_file("c.pdf")).json()["id"]
        with organization_scope(alice.organization):
            templates.create(
                organization=alice.organization, actor=alice.actor, name="Plan", channel="email", body="Here it is.",
                files=[MediaFile.objects.get(pk=of_template)],
            )  # fmt: skip
        assert media.tidy() == 0, "it may still be sent"
        with time_machine.travel(timezone.now() + media.UNUSED_RETENTION + timedelta(minutes=1)):
            new = upload(alice, thread, a_file("d.pdf")).json()["id"]
            with pytest.MonkeyPatch.context() as patch, _committing():
                patch.setattr(media, "TIDIED_AT_ONCE", 10)
                assert media.tidy() == 1
        left = {str(row.pk) for row in all_of(MediaFile)}
        assert left == {str(attached.pk), of_template, new}
        assert unused not in left
        assert len(on_disk(disk)) == 3

    def test_one_that_is_sent_in_this_moment_stays_and_the_others_go(
        self, alice: Any, thread: Conversation, monkeypatch: Any
    ):
        first, _second = (upload(alice, thread, a_file(name)).json()["id"] for name in ("a.pdf", "b.pdf"))
        real = MediaFile.delete

        def delete(row: MediaFile) -> Any:
            if str(row.pk) == first:
                raise IntegrityError("a message has it by now")
            return real(row)

        monkeypatch.setattr(MediaFile, "delete", delete)
        with time_machine.travel(timezone.now() + timedelta(days=2)):
            assert media.tidy() == 1
        assert str(only(MediaFile).pk) == first

    def test_a_message_keeps_its_file(self, alice: Any, thread: Conversation, queue: Any):
        key = upload(alice, thread, a_file()).json()["id"]
        with organization_scope(alice.organization):
            message = outbound.queue_message(
                conversation=thread, actor=alice.actor, files=[MediaFile.objects.get(pk=key)]
            )
        with time_machine.travel(timezone.now() + timedelta(days=30)):
            assert media.tidy() == 0
        assert only(Attachment, message=message).file_id is not None


def _committing() -> Any:
    """What is done after a commit is done, though the test's own transaction never commits."""
    from django.test import TestCase

    return TestCase.captureOnCommitCallbacks(execute=True)
