"""Files, templates, channels and findings, tried by those whom they are not for."""

from __future__ import annotations

import io
import itertools
import uuid
import zlib
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import Member, Role
from activity.actor import SYSTEM
from activity.models import Event
from core.tenancy import every_organization, organization_scope
from messaging.channels.base import Kind, ReceivedMessage
from messaging.files import links
from messaging.files import services as media
from messaging.files.serving import respond
from messaging.intake import inbound, mailboxes
from messaging.models import Attachment, Channel, Conversation, MediaFile, Message, Reconciliation, Template
from messaging.settings import services as channels
from messaging.texts.templates import services as templates
from tests.messaging.conftest import in_threads, picture

API = "/api/v1"
SECRET = "hush-hush-4711"
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("disk")]


@pytest.fixture
def disk(settings: Any, tmp_path: Path) -> Path:
    """Where files are kept; empty at first."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


def kept(
    person: Any, content: bytes = b"%PDF", name: str = "a.pdf", kind: str = "application/pdf", by: Any = None
) -> MediaFile:
    with organization_scope(person.organization):
        return media.store(
            organization=person.organization, content=ContentFile(content), name=name, content_type=kind,
            size=len(content), actor=(by or person).actor,
        )  # fmt: skip


def text_to(person: Any, conversation: Conversation, **body: Any) -> Any:
    return person.api.post(f"{API}/conversations/{conversation.pk}/messages", {"body": "x", **body}, format="json")


@pytest.fixture
def write_in(alice: Any) -> Any:
    """Somebody writes to Alice's clinic on one of its simulator channels."""
    ids = itertools.count()

    def write(body: str = "Hello", sender: str = "", kind: str = "whatsapp", **fields: Any) -> Message:
        with organization_scope(alice.organization):
            channel = Channel.objects.select_related("organization").get(kind=kind, provider="simulator")
            received = ReceivedMessage(Kind(kind), f"in-{next(ids)}", channel.address, sender, body=body, **fields)
            return inbound.receive(channel=channel, received=received)

    return write


class TestFilesById:
    def test_only_what_one_uploaded_oneself_and_lately_can_be_sent(
        self, alice: Any, bob: Any, charlie: Any, make_conversation: Any
    ):
        conversation = make_conversation(bob, kind="email", email="x@patients.example")
        old = kept(bob)
        with every_organization("the test looks at all"):
            MediaFile.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=2))
            nobodys = kept(alice, by=None)
            MediaFile.objects.filter(pk=nobodys.pk).update(uploaded_by=None)
        for foreign in (kept(alice), kept(charlie), old, nobodys, None):
            pk = str(foreign.pk) if foreign else str(uuid.uuid4())
            answer = text_to(bob, conversation, attachments=[pk])
            assert answer.status_code == 400, answer.json()
            assert answer.json()["errors"][0]["attr"] == "attachments"
            form = bob.client.post(
                bob.url(f"inbox/{conversation.pk}/reply/"), {"mode": "reply", "body": "x", "files": pk}
            )
            assert form.status_code in (404, 422)
        mine = kept(bob)
        assert text_to(bob, conversation, attachments=[str(mine.pk)]).status_code == 201
        assert text_to(bob, conversation, attachments=[str(mine.pk)]).status_code == 400, "it is a message’s by now"

    def test_a_file_that_came_can_be_sent_by_nobody(self, alice: Any, make_conversation: Any):
        conversation = make_conversation(kind="email", email="x@patients.example")
        came = kept(alice)
        with organization_scope(alice.organization):
            message = Message.objects.create(
                organization=alice.organization, conversation=conversation, customer=conversation.customer,
                channel=conversation.channel, direction="inbound", status="received",
            )  # fmt: skip
            Attachment.objects.create(organization=alice.organization, message=message, file=came, state="stored")
        assert text_to(alice, conversation, attachments=[str(came.pk)]).status_code == 400

    def test_who_may_not_write_may_not_upload(self, alice: Any, bob: Any, make_conversation: Any):
        conversation = make_conversation(alice)
        upload = {"file": SimpleUploadedFile("a.pdf", b"%PDF", "application/pdf")}
        assert bob.client.post(bob.url(f"inbox/{conversation.pk}/upload/"), upload).status_code == 404
        with organization_scope(alice.organization):
            role = Role.objects.create(
                organization=alice.organization, key="reader", name="Reader", stored_permissions=["conversations.view"],
                stored_reach="all",
            )  # fmt: skip
            Member.objects.filter(pk=bob.member.pk).update(role=role)
        upload["file"].seek(0)
        assert bob.api.post(f"{API}/media", upload, format="multipart").status_code == 403
        with every_organization("the test looks at all"):
            assert not MediaFile.objects.exists()

    def test_a_key_of_an_idempotent_upload_gives_the_same_file(self, alice: Any, charlie: Any):
        headers = {"Idempotency-Key": "same"}

        def send(person: Any, content: bytes) -> Any:
            body = {"file": SimpleUploadedFile("a.pdf", content, "application/pdf")}
            return person.api.post(f"{API}/media", body, format="multipart", headers=headers)

        first, again, other = send(alice, b"%PDF 1"), send(alice, b"%PDF 1"), send(alice, b"%PDF 2")
        assert (first.status_code, again.status_code, other.status_code) == (201, 201, 422)
        assert first.json()["id"] == again.json()["id"]
        assert send(charlie, b"%PDF 2").json()["id"] != first.json()["id"]

    def test_too_large_is_refused_and_not_kept(self, alice: Any, settings: Any):
        settings.MEDIA_MAX_BYTES = 1000
        body = {"file": SimpleUploadedFile("a.pdf", b"x" * 1001, "application/pdf")}
        assert alice.api.post(f"{API}/media", body, format="multipart").status_code == 400
        with every_organization("the test looks at all"):
            assert not MediaFile.objects.exists()


class TestTemplatesById:
    @pytest.fixture
    def foreign(self, alice: Any, mona: Any, charlie: Any) -> list[Template]:
        made: list[Template] = []
        for person, sharing in ((charlie, "everybody"), (alice, "author")):
            with organization_scope(person.organization):
                template = templates.create(
                    organization=person.organization, actor=person.actor, name=f"Secret {len(made)}",
                    channel="whatsapp", body=SECRET, provider_template_id=f"HX{len(made):032x}", sharing=sharing,
                )  # fmt: skip
            made.append(template)
        return made

    def test_another_members_or_organizations_is_none(
        self, bob: Any, foreign: list[Template], make_conversation: Any, make_customer: Any
    ):
        conversation = make_conversation(bob)
        customer = make_customer(bob)
        for template in foreign:
            pk = str(template.pk)
            assert text_to(bob, conversation, body="", template=pk).status_code == 400
            answer = text_to(bob, conversation, fallback_template=pk)
            assert (answer.status_code, answer.json()["errors"][0]["attr"]) == (400, "fallback_template")
            for path in (f"inbox/{conversation.pk}/templates/{pk}/", f"templates/{pk}/", f"templates/{pk}/delete/"):
                shown = bob.client.get(bob.url(path))
                assert shown.status_code in (403, 404), path
                assert SECRET not in shown.content.decode()
            preview = bob.api.post(f"{API}/templates/{pk}/preview", {"customer": str(customer.pk)}, format="json")
            assert preview.status_code == 404
            sent = bob.api.post(
                f"{API}/inbox/customers/{customer.pk}/send-template", {"template": pk}, format="json"
            )  # fmt: skip
            assert sent.status_code in (400, 404)
        for path in (f"inbox/{conversation.pk}/templates/", f"inbox/{conversation.pk}/fallbacks/"):
            assert SECRET not in bob.client.get(bob.url(path)).content.decode()


class TestLinks:
    def path(self, file: MediaFile) -> str:
        return urlsplit(links.file_url(file)).path

    def test_a_link_names_one_file_for_a_while(self, alice: Any, settings: Any):
        file, other = kept(alice), kept(alice, name="other.pdf")
        path = self.path(file)
        token = path.split("/")[-2] if path.split("/")[-2] != "files" else path.split("/")[-1]
        assert Client().get(path).status_code == 200
        for wrong in (token[:-1] + ("A" if token[-1] != "A" else "B"), token.upper(), str(file.pk), f"{other.pk}:x:y"):
            assert Client().get(path.replace(token, wrong)).status_code == 404
        for name in ("..%2f..%2fetc%2fpasswd", "%0d%0aX-Evil:1", "x.html"):
            answer = Client().get(path.rpartition(token)[0] + f"{token}/{name}")
            assert answer.status_code in (200, 404)
            assert "X-Evil" not in answer.headers
            if answer.status_code == 200:
                assert "passwd" not in answer.headers["Content-Disposition"]
                assert b"".join(answer.streaming_content) == b"%PDF"
        with time_machine.travel(timezone.now() + timedelta(hours=settings.MEDIA_LINK_HOURS, minutes=1), tick=False):
            assert Client().get(path).status_code == 404

    @pytest.mark.parametrize(
        "kind",
        ["text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "text/javascript", "TEXT/HTML; charset=x",
         "application/octet-stream", "text/html\r\nX-Evil: 1", "audio/html", "multipart/x-mixed-replace", "",
         "application/javascript", "application/x-javascript", "text/ecmascript", "text/jscript",
         "APPLICATION/ECMASCRIPT",
         "text/javascript1.5", "text/livescript", "application/wasm", "text/css", "application/json",
         "application/vnd.wap.xhtml+xml", "application/mathml+xml", "application/rss+xml", "text/cache-manifest",
         "application/x-shockwave-flash", "application/manifest+json"],
    )  # fmt: skip
    def test_nothing_that_runs_is_served_as_that(self, alice: Any, kind: str):
        file = kept(alice, b"<script>alert(1)</script>", 'a"\r\nX-Evil: 1\u202egnp.html', kind)
        for is_public in (False, True):
            answer = respond(file, is_public=is_public)
            answer.close()
            assert answer.headers["Content-Type"] not in ("text/html", "image/svg+xml", "text/xml")
            runs = ("script", "xml", "wasm", "css", "json", "flash", "manifest")
            assert not any(word in answer.headers["Content-Type"].lower() for word in runs)
            assert "html" not in answer.headers["Content-Type"] or answer.headers["Content-Type"] == "audio/html"
            assert "sandbox" in answer.headers["Content-Security-Policy"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "X-Evil" not in answer.headers
            assert "\n" not in answer.headers["Content-Disposition"]
            assert "\u202e" not in answer.headers["Content-Disposition"]


@pytest.mark.parametrize(
    "kind",
    ["audio/ogg", "video/mp4", "application/pdf", "text/vcard", "application/msword",
     "application/vnd.openxmlformats-officedocument.wordprocessingml.document"],
)  # fmt: skip
def test_a_provider_learns_what_a_file_is(alice: Any, kind: str):
    answer = respond(kept(alice, b"x", "a.bin", kind), is_public=True)
    answer.close()
    assert answer.headers["Content-Type"] == kind


class TestPictures:
    def bomb(self, width: int, height: int) -> bytes:
        def chunk(kind: bytes, data: bytes) -> bytes:
            return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

        head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x06\x00\x00\x00"
        data = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + data + chunk(b"IEND", b"")

    @pytest.mark.parametrize("size", [(60_000, 60_000), (5_001, 5_000), (1_000_000_000, 1), (0, 0)])
    def test_a_bomb_is_kept_and_never_opened(self, alice: Any, size: tuple[int, int]):
        file = kept(alice, self.bomb(*size), "bomb.png", "image/png")
        assert (file.content_type, bool(file.thumbnail)) == ("application/octet-stream", False)

    def test_a_turned_photograph_keeps_its_shape(self, alice: Any):
        from PIL import Image

        drawn = io.BytesIO()
        exif = Image.Exif()
        exif[0x0112] = 6
        Image.new("RGB", (900, 600)).save(drawn, "JPEG", exif=exif)
        file = kept(alice, drawn.getvalue(), "photo.jpg", "image/jpeg")
        assert (file.width, file.height) == (600, 900)
        with Image.open(file.thumbnail) as shown:
            assert shown.size == (320, 480)


class TestSecrets:
    def test_a_channels_secrets_are_nowhere(self, alice: Any, bob: Any):
        with organization_scope(alice.organization):
            channel = channels.create(
                organization=alice.organization, actor=SYSTEM, kind="email", provider="smtp", name="Desk",
                address="desk@harbour.example",
                credentials={"host": "127.0.0.1", "port": 1, "username": "desk", "password": SECRET,
                             "imap_host": "127.0.0.1", "imap_port": 1, "imap_password": SECRET},
            )  # fmt: skip
            channels.update(channel=channel, actor=alice.actor, changes={"credentials": {"password": f"{SECRET}2"}})
        checked = (alice.api.post(f"{API}/channels/{channel.pk}/check"),
                   alice.client.post(alice.url(f"channels/{channel.pk}/check/")))  # fmt: skip
        shown = list(checked)
        for person in (alice, bob):
            shown += [person.api.get(f"{API}/channels"), person.api.get(f"{API}/channels/{channel.pk}")]
            shown += [person.client.get(person.url(path)) for path in
                      ("channels/", f"channels/{channel.pk}/", f"channels/{channel.pk}/edit/")]  # fmt: skip
        shown.append(alice.client.post(alice.url(f"channels/{channel.pk}/edit/"), {"name": ""}))
        with every_organization("the test looks at all"):
            mailboxes.read_due()
            told = [str(payload) for payload in Event.objects.values_list("payload", flat=True)]
        assert all(SECRET not in answer.content.decode() for answer in shown)
        assert all(SECRET not in text for text in told)
        with connection.cursor() as cursor:
            cursor.execute("SELECT credentials, last_error FROM messaging_channel")
            assert all(SECRET not in str(value) for row in cursor.fetchall() for value in row)

    def test_another_organizations_channel_is_none(self, alice: Any, charlie: Any, whatsapp: Channel):
        for path in ("", "edit/", "check/", "catch-up/", "delete/", "templates/"):
            for method in (charlie.client.get, charlie.client.post):
                for url in (charlie.url, alice.url):
                    assert method(url(f"channels/{whatsapp.pk}/{path}")).status_code in (404, 405), path
        calls = [("get", ""), ("patch", ""), ("delete", ""), ("post", "/check"), ("post", "/reconciliations")]
        for method, path in [*calls, ("get", "/reconciliations")]:
            assert getattr(charlie.api, method)(f"{API}/channels/{whatsapp.pk}{path}").status_code == 404


def test_findings_out_of_ones_reach_are_counted_and_not_shown(
    alice: Any, bob: Any, whatsapp: Channel, make_customer: Any
):
    with organization_scope(alice.organization):
        mine = make_customer(bob)
        channel = Channel.objects.select_related("organization").get(pk=whatsapp.pk)
        inbound.receive(
            channel=channel, received=ReceivedMessage(Kind.WHATSAPP, "SM1", channel.address, mine.phone, body="x")
        )
        now = timezone.now()
        found = [{"kind": "inbound", "id": f"SM{n}", "other": f"+4477009000{n}", "at": now.isoformat(), "status": ""}
                 for n in (1, 2)]  # fmt: skip
        Reconciliation.objects.create(
            organization=alice.organization, channel=whatsapp, since=now - timedelta(1), until=now, state="done",
            found=found, inbound_found=2,
        )  # fmt: skip
    (row,) = bob.api.get(f"{API}/channels/{whatsapp.pk}/reconciliations").json()["results"]
    assert ([one["id"] for one in row["found"]], row["inbound_found"]) == (["SM1"], 2)
    (row,) = alice.api.get(f"{API}/channels/{whatsapp.pk}/reconciliations").json()["results"]
    assert [one["id"] for one in row["found"]] == ["SM1", "SM2"]
    page = bob.client.get(bob.url(f"channels/{whatsapp.pk}/catch-up/")).content.decode()
    assert "+44770090002" not in page


def test_an_answer_quotes_nobody_elses_message(alice: Any, bob: Any, make_customer: Any, write_in: Any):
    """A mail can name any Message-ID: what that says is not shown to whoever sees the mail."""
    ann, ben = make_customer(email="ann@patients.example"), make_customer(bob, email="ben@patients.example")
    secret = write_in(SECRET, sender=ann.email, kind="email")
    answer = write_in("Hi", sender=ben.email, kind="email", reply_to=secret.provider_message_id)
    assert (answer.customer_id, answer.reply_to_id) == (ben.pk, None)
    assert SECRET not in bob.client.get(bob.url(f"inbox/{answer.conversation_id}/")).content.decode()
    own = write_in("More", sender=ann.email, kind="email", reply_to=secret.provider_message_id)
    assert own.reply_to_id == secret.pk


def test_what_others_write_is_text_on_every_page(alice: Any, write_in: Any, make_customer: Any):
    evil = "<img src=x onerror=alert(1)>\"'><script>alert(1)</script>"
    received = write_in(
        evil, sender="+447700900999", sender_name=evil, button={"text": evil, "kind": evil}, subject=evil,
        referral={"headline": evil, "source_type": "ad", "source_url": "javascript:alert(1)"},
        extra={"MessageType": evil},
    )  # fmt: skip
    with organization_scope(alice.organization):
        Attachment.objects.create(
            organization=alice.organization, message=received, filename=evil, content_type="x/y", state="failed",
            reason=evil, source_url="javascript:alert(1)",
        )  # fmt: skip
        Message.objects.filter(pk=received.pk).update(location={
            "latitude": 1.0, "longitude": 2.0, "label": evil, "address": evil
        })  # fmt: skip
        Template.objects.create(
            organization=alice.organization, key="evil", name=evil[:100], channel="whatsapp", body=evil,
            provider_template_id="HX" + "0" * 32, content_status="approved", category=evil[:50],
            content={"body": evil, "variables": {"1": evil}, "actions": [{"text": evil, "url": "javascript:alert(1)"}],
                     "media": ["javascript:alert(1)"], "account": evil, "kind": evil},
        )  # fmt: skip
        template = Template.objects.get(key="evil")
        Channel.objects.filter(pk=received.channel_id).update(last_error=evil)
    pages = [
        "inbox/", f"inbox/{received.conversation_id}/", f"inbox/{received.conversation_id}/templates/", "templates/",
        f"inbox/{received.conversation_id}/templates/{template.pk}/", f"templates/{template.pk}/",
        f"customers/{received.customer_id}/", "channels/", f"channels/{received.channel_id}/", "customers/",
    ]  # fmt: skip
    for path in pages:
        answer = alice.client.get(alice.url(path))
        assert answer.status_code == 200, path
        text = answer.content.decode()
        assert "<img src=x" not in text, path
        assert "<script>alert" not in text, path
        assert 'href="javascript' not in text, path


@pytest.mark.skipif(connection.vendor != "postgresql", reason="two at once need PostgreSQL")
@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_two_who_send_the_same_file_send_it_once(self, alice: Any, make_conversation: Any):
        conversation = make_conversation(kind="email", email="x@patients.example")
        file = kept(alice)
        answers = in_threads(lambda _: text_to(alice, conversation, attachments=[str(file.pk)]).status_code, 4)
        assert answers.count(500) == 0
        with every_organization("the test looks at all"):
            assert Attachment.objects.filter(file=file).count() == answers.count(201)


def test_files_lie_outside_of_what_is_served(alice: Any, disk: Path, settings: Any):
    file = kept(alice, picture(), "../../static/evil.png", "image/png")
    assert file.name == "evil.png"
    assert Path(file.content.path).resolve().is_relative_to(disk.resolve())
    assert "evil" not in file.content.name
    assert Client().get(f"/media/{file.content.name}").status_code == 404
