"""Files of messages that came: fetched once, by whomever, however often a worker dies over it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from PIL import Image

from core.tenancy import every_organization, organization_scope
from customers.models import Customer
from messaging.channels.twilio.adapter import TwilioProvider
from messaging.files import fetching
from messaging.files import services as media
from messaging.intake import processing
from messaging.models import Attachment, Channel, MediaFile, Message
from tests.fakes.twilio import FakeTwilio, File, inbound_webhook
from tests.messaging.conftest import OUR_NUMBER, THEIR_NUMBER, all_of, in_threads, make_due, on_disk, only, picture


class Killed(BaseException):
    """The worker is gone: nothing in it catches this."""


@pytest.fixture
def sent_in(twilio: FakeTwilio, webhooks: Any, whatsapp: Channel, disk: Path) -> Any:
    """A customer sends files by WhatsApp; the message is taken in, the files are not fetched yet."""

    def send(*files: File, sender: str = THEIR_NUMBER) -> list[Attachment]:
        message = twilio.receive(
            sender=f"whatsapp:{sender}", to=f"whatsapp:{OUR_NUMBER}", body="See this", files=files or [a_picture()]
        )
        assert webhooks.whatsapp(inbound_webhook(message)).status_code == 200
        processing.process_due()
        return all_of(Attachment, message__provider_message_id=message.sid)

    return send


def a_picture(**more: Any) -> File:
    return File(picture(), "image/png", filename="knee.png", **more)


def fetch() -> Attachment:
    """What a worker does when the file is due."""
    make_due(Attachment)
    fetching.fetch_due()
    return only(Attachment)


class TestFetching:
    def test_a_picture_is_there_after_a_404_at_first(self, sent_in: Any, disk: Path):
        (row,) = sent_in(a_picture(steps=[404]))
        assert (row.state, row.file, on_disk(disk)) == ("remote", None, [])
        first = fetch()
        assert (first.state, first.attempts, "not at Twilio yet" in first.reason) == ("remote", 1, True)
        assert first.due_at is not None
        then = fetch()
        assert (then.state, then.due_at, then.claim_token, then.reason) == ("stored", None, None, "")
        assert (then.content_type, then.filename, then.size) == ("image/png", "knee.png", len(picture()))
        kept = only(MediaFile)
        assert Path(kept.content.path).read_bytes() == picture()
        assert (kept.width, kept.height, kept.organization_id) == (900, 600, then.organization_id)
        with Image.open(kept.thumbnail.path) as thumbnail:
            assert (thumbnail.format, thumbnail.size) == ("WEBP", (480, 320))
        assert len(on_disk(disk)) == 2
        assert not any("knee" in str(path) for path in on_disk(disk)), "nobody's name stands on the disk"

    def test_only_twilio_is_asked_and_with_the_accounts_credentials(self, sent_in: Any):
        file = a_picture(steps=[307])
        sent_in(file)
        assert fetch().state == "stored"
        assert file.asked_with_credentials == [True, False]

    def test_a_file_that_lies_elsewhere_is_never_asked_for(self, sent_in: Any, twilio: FakeTwilio):
        file = a_picture()
        sent_in(file)
        with every_organization("the test changes it"):
            Attachment.objects.update(source_url="http://169.254.169.254/latest/meta-data")
        row = fetch()
        assert (row.state, row.due_at) == ("failed", None)
        assert "Twilio" in row.reason
        assert file.asked_with_credentials == []

    def test_what_is_too_large_is_not_kept(self, sent_in: Any, settings: Any, disk: Path):
        settings.MEDIA_MAX_BYTES = 1000
        sent_in(File(b"x" * 1001, "application/pdf"))
        row = fetch()
        assert (row.state, row.due_at, row.file, on_disk(disk)) == ("failed", None, None, [])
        assert row.reason == "The file has 1001 bytes; at most 1000 bytes are taken."

    @pytest.mark.parametrize("kind", ["application/x-msdownload", "application/vnd.android.package-archive"])
    def test_a_program_is_not_kept(self, sent_in: Any, kind: str, disk: Path):
        sent_in(File(b"MZ" + bytes(100), kind))
        row = fetch()
        assert (row.state, row.file, on_disk(disk)) == ("failed", None, [])
        assert "program" in row.reason

    def test_a_picture_that_is_none_becomes_a_download(self, sent_in: Any):
        sent_in(File(b"<script>alert(1)</script>", "image/png", filename="x.png"))
        row = fetch()
        assert (row.state, row.content_type) == ("stored", "application/octet-stream")
        assert not only(MediaFile).thumbnail

    def test_wrong_credentials_are_tried_again(self, sent_in: Any, twilio: FakeTwilio):
        sent_in()
        right = dict(twilio.tokens)
        twilio.tokens.update(dict.fromkeys(right, "another"))
        row = fetch()
        assert (row.state, row.attempts) == ("remote", 1)
        assert "Ask an administrator" in row.reason
        twilio.tokens.update(right)
        assert fetch().state == "stored"

    def test_it_is_given_up_after_the_last_try_and_can_be_tried_again_by_hand(self, sent_in: Any):
        file = a_picture(steps=[404] * (len(fetching.RETRIES) + 1))
        sent_in(file)
        for count in range(1, len(fetching.RETRIES) + 1):
            row = fetch()
            assert (row.state, row.attempts) == ("remote", count)
        last = fetch()
        assert (last.state, last.due_at, bool(last.reason)) == ("failed", None, True)
        assert len(file.asked_with_credentials) == len(fetching.RETRIES) + 1
        with organization_scope(last.organization):
            assert fetching.try_again(last)
            assert not fetching.try_again(last), "it is being fetched already"
        again = fetch()
        assert (again.state, again.attempts) == ("stored", 1)

    def test_the_pause_the_provider_asks_for_is_kept(self, sent_in: Any):
        sent_in(a_picture(steps=[429], retry_after="60"))
        before = all_of(Attachment)[0].due_at
        row = fetch()
        assert (row.due_at - before).total_seconds() > 50

    def test_the_thread_changes_when_the_file_is_there(self, sent_in: Any):
        (row,) = sent_in()
        before = only(Message).changed_at
        fetch()
        assert only(Message, pk=row.message_id).changed_at > before

    def test_nothing_is_fetched_for_a_deleted_customer(self, sent_in: Any, twilio: FakeTwilio, disk: Path):
        file = a_picture()
        sent_in(file)
        with every_organization("the test deletes them"):
            Customer.objects.update(deleted_at=timezone.now())
        row = fetch()
        assert (row.state, file.asked_with_credentials, on_disk(disk)) == ("failed", [], [])

    def test_one_that_fails_does_not_hold_up_the_others(self, sent_in: Any, monkeypatch: Any):
        sent_in(a_picture(), File(b"%PDF-1.7", "application/pdf", filename="plan.pdf"))
        keep = media.store

        def fails_once(**given: Any) -> MediaFile:
            if given["content_type"] == "image/png":
                raise RuntimeError("the disk is full")
            return keep(**given)

        monkeypatch.setattr(media, "store", fails_once)
        make_due(Attachment)
        fetching.fetch_due()
        assert sorted(row.state for row in all_of(Attachment)) == ["remote", "stored"]


class TestKilled:
    """A worker dies at a step; the next one, when the lease is over, leaves exactly one file."""

    @pytest.fixture(params=["after the fetch", "after the file was written", "before the settling", "at the ledger"])
    def dying(self, request: Any) -> Any:
        place: dict[str, tuple[Any, str, bool]] = {
            "after the fetch": (TwilioProvider, "fetch_media", True),
            "after the file was written": (media, "store", True),
            "before the settling": (fetching, "settle", False),
            "at the ledger": (fetching, "_report", True),
        }
        owner, name, is_after = place[request.param]
        real = getattr(owner, name)

        def die(*args: Any, **given: Any) -> Any:
            if is_after:
                real(*args, **given)
            raise Killed

        patch = pytest.MonkeyPatch()
        patch.setattr(owner, name, die)
        yield patch.undo
        patch.undo()

    def test_the_file_is_stored_once(self, sent_in: Any, dying: Any, disk: Path):
        sent_in()
        with pytest.raises(Killed):
            fetching.fetch_due()
        half = only(Attachment)
        assert (half.state, half.file_id, half.claim_token is not None) == ("remote", None, True)
        assert fetching.fetch_due() == 0, "the lease is not over"
        assert (all_of(MediaFile), on_disk(disk)) == ([], [])
        dying()
        assert fetch().state == "stored"
        assert len(all_of(MediaFile)) == 1
        assert len(on_disk(disk)) == 2
        assert fetching.fetch_due() == 0


class TestFence:
    def test_who_lost_the_claim_leaves_nothing_behind(self, sent_in: Any, monkeypatch: Any, disk: Path):
        """The first worker sleeps past its lease while it fetches; a second one does the work meanwhile."""
        sent_in()
        real = TwilioProvider.fetch_media
        inside: list[bool] = []

        def slow(self: Any, *args: Any, **given: Any) -> Any:
            found = real(self, *args, **given)
            if not inside:
                inside.append(True)
                make_due(Attachment)
                assert fetching.fetch_due() == 1
            return found

        monkeypatch.setattr(TwilioProvider, "fetch_media", slow)
        fetching.fetch_due()
        assert only(Attachment).state == "stored"
        assert only(MediaFile).pk == only(Attachment).file_id
        assert len(on_disk(disk)) == 2, "what the slow one wrote is gone"

    def test_a_failure_of_who_lost_the_claim_changes_nothing(self, sent_in: Any, monkeypatch: Any):
        sent_in(a_picture(steps=[200, 410]))
        real = TwilioProvider.fetch_media
        inside: list[bool] = []

        def slow(self: Any, *args: Any, **given: Any) -> Any:
            if not inside:
                inside.append(True)
                make_due(Attachment)
                fetching.fetch_due()
            return real(self, *args, **given)

        monkeypatch.setattr(TwilioProvider, "fetch_media", slow)
        fetching.fetch_due()
        assert only(Attachment).state == "stored"

    @pytest.mark.django_db(transaction=True)
    def test_three_workers_fetch_each_file_once(self, sent_in: Any, disk: Path):
        files = [File(picture((40 + n, 40)), "image/png") for n in range(9)]
        for n, file in enumerate(files):
            sent_in(file, sender=f"+1500555{n:04d}")
        in_threads(lambda _: fetching.fetch_due(), 3)
        assert {row.state for row in all_of(Attachment)} == {"stored"}
        assert len(all_of(MediaFile)) == 9
        assert len(on_disk(disk)) == 18
        assert [len(file.asked_with_credentials) for file in files] == [1] * 9
