"""E-mails of the simulator as files, one a message, for a mail program or an editor to open."""

from __future__ import annotations

import os
import re
import tempfile
from email.message import EmailMessage
from pathlib import Path

from django.conf import settings


def folder() -> Path:
    return Path(settings.DATA_DIR) / "mail"


def write(message_id: str, mail: EmailMessage) -> Path:
    """Write a mail as `<our message id>.eml`, whole or not at all; written again it is the same file. Raises OSError.

    Ids are time-ordered, so that the names sort by age.
    """
    target = folder() / name_of(message_id)
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(mail.as_bytes())
        Path(draft).replace(target)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    return target


def name_of(message_id: str) -> str:
    """The name of a message's mail in the folder."""
    return f"{re.sub(r'[^0-9A-Za-z_-]', '_', message_id)}.eml"
