"""Addresses that work without signing in, being signed themselves: a file for a provider, an unsubscribing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.urls import reverse

from core.refused import Refused
from messaging.channels import public_address
from messaging.models import MediaFile, Message

_FILE: Final = "messaging.file"
_UNSUBSCRIBE: Final = "messaging.unsubscribe"


class InvalidLink(Refused):
    """Not signed by us, or not valid any more."""

    status = 404


@dataclass(frozen=True, slots=True)
class Subscription:
    """Whom an unsubscribing is of: the customer, as they are written to on a kind of channel."""

    organization: UUID
    customer: UUID
    kind: str
    message: UUID


def file_url(file: MediaFile) -> str:
    """A public address of the file, good for MEDIA_LINK_HOURS: for a provider, and for pictures in a sandboxed mail."""
    return f"{public_address.base()}{file_path(file)}"


def file_path(file: MediaFile) -> str:
    """The same without the host."""
    token = signing.dumps(str(file.pk), salt=_FILE)
    return reverse("public:file", args=[token, quote(file.name.replace("/", "_"), safe="") or "file"])


def file_of(token: str) -> UUID:
    """The file that a token names. Raises InvalidLink."""
    try:
        return UUID(signing.loads(token, salt=_FILE, max_age=settings.MEDIA_LINK_HOURS * 3600))
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise InvalidLink("This address is not valid any more.") from error


def unsubscribe_url(message: Message) -> str:
    """Where the recipient of a message ends such messages with one click. It does not expire."""
    named = [str(message.organization_id), str(message.customer_id), message.channel.kind, str(message.pk)]
    path = reverse("public:unsubscribe", args=[signing.dumps(named, salt=_UNSUBSCRIBE)])
    return f"{settings.PUBLIC_BASE_URL.rstrip('/')}{path}"


def subscription_of(token: str) -> Subscription:
    """Raises InvalidLink."""
    try:
        organization, customer, kind, message = signing.loads(token, salt=_UNSUBSCRIBE)
        return Subscription(UUID(organization), UUID(customer), str(kind), UUID(message))
    except (signing.BadSignature, ValueError, TypeError, AttributeError) as error:
        raise InvalidLink("This address is not complete.") from error
