"""What goes beside text: files, templates after the window has closed, a mail as it was laid out."""

from __future__ import annotations

import io
import re
from datetime import timedelta

from django.utils import timezone
from PIL import Image
from playwright.sync_api import FilePayload, expect

from core.tenancy import organization_scope
from messaging.channels.base import ReceivedMail
from messaging.models import ContentSync, Conversation, Message
from messaging.texts.contents import services as contents


def picture() -> FilePayload:
    drawn = io.BytesIO()
    Image.new("RGB", (320, 200), (20, 120, 100)).save(drawn, "PNG")
    return {"name": "x-ray.png", "mimeType": "image/png", "buffer": drawn.getvalue()}


def test_a_file_goes_out_and_one_comes_in(clinic, sign_in):
    received = clinic.receive("May I send you a picture?")
    page = sign_in(clinic.alice.user)
    page.goto(clinic.thread_url(received))
    page.locator("#composer-file").set_input_files(picture())
    expect(page.locator("#composer-files .chip")).to_contain_text("x-ray.png")
    expect(page.locator("#composer-files input[name=files]")).to_have_count(1)
    page.locator("#composer-body").fill("Of course. This is what one looks like.")
    page.keyboard.press("Enter")
    sent = page.locator("[data-message]", has_text="This is what one looks like.")
    expect(sent.locator("img")).to_be_visible()
    expect(page.locator("#composer-files .chip")).to_have_count(0)

    phone = page.context.new_page()
    phone.goto(clinic.url("simulator/?person=maya"))
    phone.locator("[data-program=whatsapp] input[type=file]").set_input_files(picture())
    shown = page.locator("[data-message][data-direction=inbound] img")
    expect(shown).to_be_visible(timeout=15_000)
    assert shown.evaluate("image => image.complete && image.naturalWidth > 0")


def test_a_program_is_refused_in_words_and_the_text_stays(clinic, sign_in):
    received = clinic.receive("Hello")
    page = sign_in(clinic.alice.user)
    page.goto(clinic.thread_url(received))
    page.locator("#composer-body").fill("Please install this")
    page.locator("#composer-file").set_input_files(
        {"name": "setup.exe", "mimeType": "application/x-msdownload", "buffer": b"MZ"}
    )
    expect(page.locator("#composer-error")).to_contain_text("setup.exe")
    expect(page.locator("#composer-files .chip")).to_have_count(0)
    expect(page.locator("#composer-body")).to_have_value("Please install this")


def test_after_a_day_an_approved_template_is_filled_in_and_sent(clinic, sign_in):
    received = clinic.receive("What does it cost?", ago=timedelta(hours=30))
    with organization_scope(clinic.organization):
        Conversation.objects.filter(pk=received.conversation_id).update(
            last_inbound_at=timezone.now() - timedelta(hours=30)
        )
        ContentSync.objects.update(due_at=timezone.now(), claim_token=None)
    contents.sync_due()
    page = sign_in(clinic.alice.user)
    page.goto(clinic.thread_url(received))
    expect(page.locator("#composer-refusal")).to_contain_text("24 hours")
    page.get_by_role("button", name="Choose a template").click()
    expect(page.locator("#composer-offers")).to_contain_text("pick_up_again")
    expect(page.locator(".template-offer.is-off")).to_have_count(2)
    page.locator("a.template-offer", has_text="pick_up_again").click()
    dialog = page.locator("#template-dialog")
    dialog.get_by_label("Value 1").fill("Maya")
    dialog.get_by_label("Value 2").fill("an implant")
    expect(dialog.locator("#fill-preview")).to_contain_text("Hello Maya, you asked us about an implant.")
    dialog.get_by_role("button", name="Send").click()
    expect(dialog).to_be_hidden()
    sent = page.locator("[data-message]", has_text="you asked us about an implant")
    expect(sent).to_have_attribute("data-status", re.compile("sent|delivered|read"), timeout=20_000)
    with organization_scope(clinic.organization):
        message = Message.objects.get(conversation=received.conversation_id, direction="outbound")
    assert (message.provider_template_id[:2], dict(message.content_variables)) == (
        "HX",
        {"1": "Maya", "2": "an implant"},
    )


def test_a_mail_is_shown_as_it_was_laid_out_and_runs_nothing(clinic, sign_in):
    html = "<p>Dear team, <b>what do braces cost?</b></p><img src='https://tracker.example/pixel.png'>"
    received = clinic.receive(
        "Dear team, what do braces cost?",
        kind="email",
        phone="tom@example.com",
        name="Tom Albright",
        subject="Braces",
        mail=ReceivedMail(html=html, folded="> our last mail"),
    )
    page = sign_in(clinic.alice.user)
    refused: dict[str, str] = {}
    page.on("requestfailed", lambda request: refused.update({request.url: request.failure or ""}))
    page.goto(clinic.thread_url(received))
    bubble = page.locator("[data-message]")
    expect(bubble).not_to_contain_text("our last mail", use_inner_text=True)
    bubble.locator(".folded summary").click()
    expect(bubble).to_contain_text("our last mail", use_inner_text=True)
    bubble.get_by_text("As it was laid out").click()
    expect(bubble.frame_locator("iframe").get_by_text("what do braces cost?")).to_be_visible()
    # Chromium tells of what a policy kept from leaving as of a request that failed by it.
    assert refused.get("https://tracker.example/pixel.png") == "csp"
    assert "allow-scripts" not in (bubble.locator("iframe").get_attribute("sandbox") or "")
