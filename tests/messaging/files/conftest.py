"""Files that came in."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from core.tenancy import organization_scope
from messaging.channels.base import Kind, ReceivedFile, ReceivedMessage
from messaging.intake.inbound import receive
from messaging.models import Attachment, Channel

PDF = b"%PDF-1.7 a plan"


def a_file(name: str = "plan.pdf", content: bytes = PDF, content_type: str = "application/pdf") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type)


@pytest.fixture
def received(alice: Any, bob: Any, whatsapp: Channel, make_customer: Any) -> Any:
    """A file that came with a message of Bob's customer."""

    def store(name: str, content: bytes, content_type: str, owner: Any = bob) -> Attachment:
        customer = make_customer(owner)
        with organization_scope(alice.organization):
            message = receive(
                channel=Channel.objects.select_related("organization").get(pk=whatsapp.pk),
                received=ReceivedMessage(
                    Kind.WHATSAPP, f"SM{name}", whatsapp.address, customer.phone,
                    files=[ReceivedFile(name, content_type, content)],
                ),
            )  # fmt: skip
            return Attachment.objects.select_related("file").get(message=message)

    return store
