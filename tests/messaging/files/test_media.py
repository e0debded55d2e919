"""Files: uploaded, sent, served to whom they belong, thrown away when nothing needs them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from core.tenancy import every_organization, organization_scope
from messaging.delivery import sending
from messaging.files import links
from messaging.files import services as media
from messaging.inbound_deliveries.store import store
from messaging.intake import processing
from messaging.models import Attachment, Channel, Conversation, MediaFile, Message
from messaging.threads import services as conversations
from tests.fakes.twilio import FakeTwilio, Step
from tests.messaging.conftest import all_of, make_channel, messages_of, on_disk, only, open_thread, picture
from tests.messaging.files.conftest import PDF, a_file

API = "/api/v1"
pytestmark = pytest.mark.usefixtures("disk")


def body_of(response: Any) -> bytes:
    return b"".join(response.streaming_content)


class TestServing:
    def test_who_may_see_the_conversation_gets_the_file(
        self, received: Any, alice: Any, bob: Any, mona: Any, charlie: Any
    ):
        row = received("knee.png", picture(), "image/png")
        of_alice = received("else.pdf", PDF, "application/pdf", alice)
        for person in (alice, bob, mona):
            answer = person.client.get(person.url(f"attachments/{row.pk}/"))
            assert (answer.status_code, body_of(answer)) == (200, picture())
            by_api = person.api.get(f"{API}/attachments/{row.pk}")
            assert (by_api.status_code, body_of(by_api)) == (200, picture())
        for person, key in ((charlie, row.pk), (bob, of_alice.pk), (mona, of_alice.pk)):
            assert person.client.get(person.url(f"attachments/{key}/")).status_code == 404
            assert person.api.get(f"{API}/attachments/{key}").status_code == 404
        assert charlie.client.get(alice.url(f"attachments/{row.pk}/")).status_code == 404
        assert Client().get(alice.url(f"attachments/{row.pk}/")).status_code == 302

    def test_a_browser_can_only_show_or_save_it(self, received: Any, alice: Any):
        row = received("knee.png", picture(), "image/png")
        answer = alice.client.get(alice.url(f"attachments/{row.pk}/"))
        body_of(answer)
        assert answer.headers["Content-Type"] == "image/png"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Content-Disposition"] == 'inline; filename="knee.png"'
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        small = alice.client.get(alice.url(f"attachments/{row.pk}/?thumbnail"))
        assert (small.headers["Content-Type"], body_of(small)[8:12]) == ("image/webp", b"WEBP")

    @pytest.mark.parametrize(
        ("name", "content_type", "served"),
        [
            ("x.svg", "image/svg+xml", "application/octet-stream"),
            ("x.html", "text/html", "application/octet-stream"),
            ("x.xhtml", "application/xhtml+xml", "application/octet-stream"),
            ("x.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", None),
            ("x.png", "image/png", "application/octet-stream"),  # no picture inside
            ("x", "no type at all", "application/octet-stream"),
        ],
    )
    def test_everything_else_is_a_download(
        self, received: Any, alice: Any, name: str, content_type: str, served: str | None
    ):
        row = received(name, b"<script>alert(1)</script>", content_type)
        answer = alice.client.get(alice.url(f"attachments/{row.pk}/"))
        body_of(answer)
        assert answer.headers["Content-Disposition"].startswith("attachment;")
        assert answer.headers["Content-Type"] == "application/octet-stream"
        public = Client().get(links.file_path(row.file))
        body_of(public)
        assert public.headers["Content-Disposition"].startswith("attachment;")
        assert public.headers["Content-Type"] == (served or content_type), "a provider needs the type"

    def test_a_name_can_not_break_out_of_its_header(self, received: Any, alice: Any):
        row = received('a"\r\nSet-Cookie: x=1\u202egnp.exe', PDF, "application/pdf")
        answer = alice.client.get(alice.url(f"attachments/{row.pk}/"))
        body_of(answer)
        assert "Set-Cookie" not in answer.headers
        assert "\u202e" not in row.filename

    def test_a_file_that_is_gone_from_the_disk_is_a_404(self, received: Any, alice: Any, disk: Path):
        row = received("plan.pdf", PDF, "application/pdf")
        for path in on_disk(disk):
            path.unlink()
        assert alice.client.get(alice.url(f"attachments/{row.pk}/")).status_code == 404


class TestPublicLink:
    def test_it_needs_no_session_and_expires(self, received: Any, settings: Any):
        url = links.file_path(received("plan.pdf", PDF, "application/pdf").file)
        answer = Client().get(url)
        assert (answer.status_code, body_of(answer)) == (200, PDF)
        hours = settings.MEDIA_LINK_HOURS
        with time_machine.travel(timezone.now() + timedelta(hours=hours, minutes=-1)):
            assert body_of(Client().get(url)) == PDF
        with time_machine.travel(timezone.now() + timedelta(hours=hours, minutes=1)):
            assert Client().get(url).status_code == 404

    def test_a_changed_address_is_a_404(self, received: Any):
        first, second = received("a.pdf", PDF, "application/pdf"), received("b.pdf", PDF, "application/pdf")
        url = links.file_path(first.file)
        token = url.split("/")[2]
        for changed in (token[:-1] + ("A" if token[-1] != "A" else "B"), "", "x", token.replace(":", ";")):
            assert Client().get(f"/files/{changed}/a.pdf").status_code == 404
        payload, rest = token.split(":", 1)
        other = links.file_path(second.file).split("/")[2].split(":", 1)[0]
        assert payload != other
        assert Client().get(f"/files/{other}:{rest}/a.pdf").status_code == 404

    def test_an_address_for_something_else_is_not_one_for_a_file(self, received: Any, queue: Any):
        received("plan.pdf", PDF, "application/pdf")
        path = urlsplit(links.unsubscribe_url(queue())).path.rpartition("/")[2]
        assert Client().get(f"/files/{path}/plan.pdf").status_code == 404


def upload(person: Any, thread: Conversation, file: Any) -> Any:
    return person.client.post(person.url(f"inbox/{thread.pk}/upload/"), {"file": file})


class TestUpload:
    def test_by_page_and_sent(self, alice: Any, thread: Conversation, twilio: FakeTwilio, settings: Any, disk: Path):
        settings.TWILIO_WEBHOOK_BASE_URL = "http://testserver"
        twilio.plan(Step(statuses=()))
        kept = upload(alice, thread, a_file())
        assert (kept.status_code, kept.json()["name"], kept.json()["size"]) == (201, "plan.pdf", len(PDF))
        answer = alice.htmx.post(
            alice.url(f"inbox/{thread.pk}/reply/"), {"mode": "reply", "body": "Your plan", "files": kept.json()["id"]}
        )
        assert answer.status_code == 200, answer.content
        with every_organization("taken back for ten seconds"):
            Message.objects.update(due_at=timezone.now())
        sending.deliver_due()
        (request,) = twilio.store.requests
        assert request["Body"] == "Your plan"
        (url,) = request["MediaUrl"]
        parts = urlsplit(url)
        assert (parts.scheme, parts.netloc) == ("http", "testserver")
        fetched = Client().get(parts.path)
        assert (fetched.status_code, fetched.headers["Content-Type"]) == (200, "application/pdf")
        assert body_of(fetched) == PDF
        assert only(Message).status == "sent"
        assert only(Attachment).file_id == only(MediaFile).pk

    def test_by_api_and_sent(self, alice: Any, thread: Conversation, twilio: FakeTwilio):
        kept = alice.api.post(f"{API}/media", {"file": a_file("knee.png", picture(), "image/png")}, format="multipart")
        assert kept.status_code == 201, kept.data
        answer = alice.api.post(
            f"{API}/conversations/{thread.pk}/messages", {"attachments": [kept.data["id"]]}, format="json"
        )
        assert answer.status_code == 201, answer.data
        (told,) = answer.data["attachments"]
        assert (told["content_type"], told["state"]) == ("image/png", "stored")
        sending.deliver_due()
        (request,) = twilio.store.requests
        assert ("Body" in request, len(request["MediaUrl"])) == (False, 1)

    @pytest.mark.parametrize(
        ("file", "words"),
        [
            (("plan.pdf", b"", "application/pdf"), "is empty"),
            (("run.exe", b"MZ", "application/pdf"), "is a program"),
            (("page.html", b"<p>", "text/html"), "does not take"),
            (("x.svg", b"<svg/>", "image/svg+xml"), "does not take"),
            (("film.pdf", bytes(16_000_001), "application/pdf"), "at most 16 MB"),
        ],
    )
    def test_limits_are_reported_in_words(self, alice: Any, thread: Conversation, file: Any, words: str, disk: Path):
        by_page = upload(alice, thread, SimpleUploadedFile(*file))
        assert (by_page.status_code, words in by_page.json()["error"]) == (422, True), by_page.json()
        by_api = alice.api.post(
            f"{API}/media", {"file": SimpleUploadedFile(*file), "channel": "whatsapp"}, format="multipart"
        )
        assert by_api.status_code == 400
        assert words in str(by_api.data)
        assert on_disk(disk) == []

    def test_a_picture_that_is_none_is_refused_when_it_is_to_be_sent(self, alice: Any, thread: Conversation):
        kept = upload(alice, thread, a_file("x.png", b"<script>", "image/png")).json()["id"]
        answer = alice.api.post(f"{API}/conversations/{thread.pk}/messages", {"attachments": [kept]}, format="json")
        assert (answer.status_code, "does not take" in str(answer.data)) == (400, True)

    def test_where_no_files_go_that_is_reported(self, alice: Any, make_conversation: Any):
        thread = make_conversation(kind="sms")
        answer = upload(alice, thread, a_file())
        assert (answer.status_code, "Send a link instead" in answer.json()["error"]) == (422, True)

    def test_somebody_elses_upload_does_not_leave_by_its_id(
        self, alice: Any, bob: Any, charlie: Any, whatsapp: Channel, make_customer: Any
    ):
        thread = open_thread(whatsapp, make_customer(bob))
        of_alice = upload(alice, thread, a_file()).json()["id"]
        of_charlie = charlie.api.post(f"{API}/media", {"file": a_file()}, format="multipart").data["id"]
        for key in (of_alice, of_charlie, "00000000-0000-0000-0000-000000000000"):
            answer = bob.api.post(f"{API}/conversations/{thread.pk}/messages", {"attachments": [key]}, format="json")
            assert (answer.status_code, "Attach it again" in str(answer.data)) == (400, True)
            by_page = bob.htmx.post(bob.url(f"inbox/{thread.pk}/reply/"), {"mode": "reply", "body": "x", "files": key})
            assert by_page.status_code == 422
        assert all_of(Message) == []

    def test_a_file_leaves_once(self, alice: Any, thread: Conversation):
        key = upload(alice, thread, a_file()).json()["id"]
        url = f"{API}/conversations/{thread.pk}/messages"
        assert alice.api.post(url, {"attachments": [key]}, format="json").status_code == 201
        assert alice.api.post(url, {"attachments": [key]}, format="json").status_code == 400

    def test_who_may_not_see_the_conversation_can_not_upload_there(
        self, bob: Any, charlie: Any, thread: Conversation, disk: Path
    ):
        assert upload(bob, thread, a_file()).status_code == 404
        assert upload(charlie, thread, a_file()).status_code == 404
        assert on_disk(disk) == []


class TestSeveralFiles:
    def reply(self, alice: Any, thread: Conversation, body: str, *files: SimpleUploadedFile) -> list[Message]:
        answer = alice.htmx.post(
            alice.url(f"inbox/{thread.pk}/reply/"), {"mode": "reply", "body": body, "file": list(files)}
        )
        assert answer.status_code == 200, answer.content.decode()
        return messages_of(alice.organization)

    def test_whatsapp_takes_one_a_message(self, alice: Any, thread: Conversation, twilio: FakeTwilio):
        queued = self.reply(alice, thread, "Both", a_file("a.pdf"), a_file("b.pdf"), a_file("c.pdf"))
        assert [message.body for message in queued] == ["Both", "", ""]
        with every_organization("taken back for ten seconds"):
            Message.objects.update(due_at=timezone.now())
        sending.deliver_due()
        names = [request["MediaUrl"][0].rpartition("/")[2] for request in twilio.store.requests]
        assert names == ["a.pdf", "b.pdf", "c.pdf"]
        assert [request.get("Body", "") for request in twilio.store.requests] == ["Both", "", ""]

    def test_a_text_goes_before_a_sound(self, alice: Any, thread: Conversation, twilio: FakeTwilio):
        queued = self.reply(alice, thread, "Listen", a_file("a.ogg", b"OggS", "audio/ogg"))
        assert [(message.body, message.extra.get("media_count", 0)) for message in queued] == [("Listen", 0), ("", 1)]

    def test_by_api_a_sound_with_a_text_is_refused_with_words(self, alice: Any, thread: Conversation):
        key = upload(alice, thread, a_file("a.ogg", b"OggS", "audio/ogg")).json()["id"]
        answer = alice.api.post(
            f"{API}/conversations/{thread.pk}/messages", {"body": "Listen", "attachments": [key]}, format="json"
        )
        assert (answer.status_code, "Send the text by itself" in str(answer.data)) == (400, True)

    def test_one_that_is_refused_keeps_all_back_and_the_form_as_it_was(self, alice: Any, thread: Conversation):
        answer = alice.htmx.post(
            alice.url(f"inbox/{thread.pk}/reply/"),
            {"body": "Both", "mode": "reply", "file": [a_file(), a_file("x.exe")]},
        )
        text = answer.content.decode()
        assert answer.status_code == 422
        assert "is a program" in text
        assert "Both" in text
        assert "plan.pdf" in text
        assert messages_of(alice.organization) == []


class TestKeeping:
    def test_what_came_with_a_message_that_could_not_be_stored_leaves_the_disk(
        self, whatsapp: Channel, disk: Path, monkeypatch: Any
    ):
        def breaks(*args: Any, **given: Any) -> None:
            raise RuntimeError("after the files were kept")

        monkeypatch.setattr(conversations, "record_inbound", breaks)
        raw = (
            b"From: ada@example.com\r\nTo: desk@harbour.example\r\nSubject: Plan\r\nMessage-ID: <1@example.com>\r\n"
            b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nHello\r\n'
            b'--b\r\nContent-Type: application/pdf; name="plan.pdf"\r\n\r\n%PDF\r\n--b--\r\n'
        )
        store(key="mail:1", provider="smtp", kind="email", arrival_type="message", body=raw, channel=whatsapp)
        processing.process_due()
        assert (all_of(Message), all_of(MediaFile), on_disk(disk)) == ([], [], [])

    @pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "WEBP"])
    def test_pictures_have_a_thumbnail(self, alice: Any, inside: Any, form: str):
        kept = media.upload(
            organization=alice.organization, content=SimpleUploadedFile("x", picture((30, 20), form)), name="x",
            content_type=f"image/{form.lower()}", capabilities=make_channel(alice.organization).capabilities
            if form != "GIF" else _everything(alice), actor=alice.actor,
        )  # fmt: skip
        assert (kept.width, kept.height, bool(kept.thumbnail)) == (30, 20, True)

    @pytest.mark.parametrize(
        ("given", "kept"),
        [
            ("../../etc/passwd", "passwd"),
            ("C:\\plans\\a.pdf", "a.pdf"),
            ("\u202egnp.exe", "_gnp.exe"),
            ("a\x00b\r\n.pdf", "a_b__.pdf"),
            ("...", "file"),
            ("", "file"),
            ("x" * 300 + ".pdf", "x" * 100 + ".pdf"),
        ],
    )
    def test_names_are_safe(self, given: str, kept: str):
        assert media.safe_name(given) == kept


def _everything(alice: Any) -> Any:
    with organization_scope(alice.organization):
        return Channel.objects.get(kind="email").capabilities
