"""When the certificate of a TLS connection ends."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime


def ends_at(connection: ssl.SSLSocket) -> datetime | None:
    """The end of the other side's certificate, in UTC; None where it was not checked and so is not known."""
    certificate = connection.getpeercert() or {}
    text = certificate.get("notAfter")
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), tz=UTC) if isinstance(text, str) else None
