"""The token in an invitation's link: made again whenever the mail is written, compared by its hash."""

from __future__ import annotations

import base64
import hashlib

from django.conf import settings
from django.urls import reverse
from django.utils.crypto import salted_hmac

from accounts.models import Invitation


def token_of(invitation: Invitation) -> str:
    """43 letters that nobody can guess without the installation's secret key."""
    made = salted_hmac("accounts.Invitation", f"{invitation.pk}:{invitation.nonce}", algorithm="sha256").digest()
    return base64.urlsafe_b64encode(made).decode().rstrip("=")


def hash_of(token: str) -> str:
    """What of a token is kept. It is long and random: a plain hash of it can't be guessed back."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def address_of(invitation: Invitation) -> str:
    """The whole link, at the address that the settings know."""
    return settings.PUBLIC_BASE_URL.rstrip("/") + reverse("accounts:invitation", args=[token_of(invitation)])
