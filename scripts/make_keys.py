"""Prints new random values for SECRET_KEY and ENCRYPTION_KEYS, as lines for `.env`."""

from __future__ import annotations

import base64
import os
import secrets


def lines() -> list[str]:
    return [
        f"SECRET_KEY={secrets.token_urlsafe(50)}",
        f"ENCRYPTION_KEYS={base64.urlsafe_b64encode(os.urandom(32)).decode()}",
    ]


if __name__ == "__main__":
    print("\n".join(lines()))
