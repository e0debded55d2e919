"""What each kind of channel can do, before a provider's own limits."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from messaging.channels.base import Capabilities, Kind

WHATSAPP: Final = Capabilities(
    kind=Kind.WHATSAPP,
    label="WhatsApp",
    icon="message-circle",
    max_length=1600,
    rate_per_second=80,
    reply_window=timedelta(hours=24),
    has_templates=True,
    has_typing=True,
    needs_opt_in=True,
    max_files=1,
    max_file_bytes=16_000_000,
    file_types=(
        "image/jpeg",
        "image/png",
        "image/webp",
        "audio/",
        "video/mp4",
        "video/3gpp",
        "application/pdf",
        "text/vcard",
        "text/plain",
        "application/msword",
        "application/vnd.ms-",
        "application/vnd.openxmlformats-officedocument.",
    ),
    has_read_receipts=True,
    has_delivery_receipts=True,
    bills_delivered=True,
)

SMS: Final = Capabilities(
    kind=Kind.SMS,
    label="SMS",
    icon="smartphone",
    max_length=1600,
    rate_per_second=1,
    needs_opt_in=True,
    has_delivery_receipts=True,
)

EMAIL: Final = Capabilities(
    kind=Kind.EMAIL,
    label="E-mail",
    icon="mail",
    max_length=100_000,
    rate_per_second=5,
    has_subject=True,
    max_files=20,
    max_file_bytes=20_000_000,
)
