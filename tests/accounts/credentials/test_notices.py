"""Mails about one's own sign-in: each kind has its words."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail

from accounts.credentials import notices
from accounts.models import SecurityNotice

pytestmark = pytest.mark.django_db

DETAILS = {
    "factor": "An app", "provider": "Work", "account": "bob@work.example", "device": "Firefox", "address": "192.0.2.1",
    "by": "Alice Hart", "left": "7", "organization": "Harbour Clinic", "until": "10:30", "reason": "To help",
    "sign_in": "/sign-in/to/harbour-clinic/",
}  # fmt: skip


@pytest.mark.parametrize("kind", SecurityNotice.Kind.values)
def test_every_kind_says_what_happened_when_and_what_to_do(kind: str, bob: Any):
    notices.notify(user=bob.user, kind=SecurityNotice.Kind(kind), **DETAILS)
    assert notices.send_due() == 1
    (sent,) = mail.outbox
    paragraphs = [part for part in sent.body.split("\n\n") if part.strip()]
    assert paragraphs[0].startswith("Hello Bob")
    assert len(paragraphs[1].split(".")[0]) > 20
    assert "(UTC)." in sent.body
    assert paragraphs[-1].strip() == "Parley"
    assert len(paragraphs) >= 4
    assert "{" not in sent.body
    assert "&" not in sent.body
