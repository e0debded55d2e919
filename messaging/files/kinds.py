"""What a file's kind means for the message it goes with."""

from __future__ import annotations

from messaging.models import MediaFile


def is_shown_alone(file: MediaFile) -> bool:
    """Whether WhatsApp shows no text beside a file of this kind."""
    return file.content_type.startswith("audio/") or file.content_type in ("text/vcard", "image/webp")
