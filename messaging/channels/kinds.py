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
    has_media=True,
    has_templates=True,
    has_read_receipts=True,
    has_delivery_receipts=True,
)

SMS: Final = Capabilities(
    kind=Kind.SMS,
    label="SMS",
    icon="smartphone",
    max_length=1600,
    rate_per_second=1,
    has_delivery_receipts=True,
)

EMAIL: Final = Capabilities(
    kind=Kind.EMAIL,
    label="E-mail",
    icon="mail",
    max_length=100_000,
    rate_per_second=5,
    has_subject=True,
    has_media=True,
)
