"""Signed heads: once a day the end of each chain is signed with the installation's key (Ed25519, RFC 8032).

A head is a text of a few lines. Whoever kept one can have it compared with the chain, years later: rows before it can't
be changed, taken out or put in without another hash at its position.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, Self
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.db import transaction

from activity.models import AuditChain, AuditHead, Installation
from core import clock
from core.optional import not_none
from core.refused import Refused
from core.tenancy import every_organization

TITLE: Final = "Parley audit head 1"
EVERY: Final = timedelta(days=1)
_NAMES: Final = ("organization", "position", "hash", "signed-at", "public-key", "signature")


class UnreadableHead(Refused):
    """A text that is no head."""

    field = "against"


@dataclass(frozen=True, slots=True)
class Head:
    """A head as it is kept outside of the database; `parse` reads what `text` writes."""

    organization: str
    position: int
    hash: str
    signed_at: str
    public_key: str
    signature: str = ""

    @classmethod
    def of(cls, row: AuditHead) -> Self:
        return cls(
            str(row.organization_id), row.position, row.hash, _moment(row.signed_at), row.public_key, row.signature
        )

    @classmethod
    def parse(cls, text: str) -> Self:
        """The head in a text, a whole mail for instance. Raises UnreadableHead."""
        values: dict[str, str] = {}
        lines = [line.strip().lstrip("> ") for line in text.splitlines()]
        if TITLE not in lines:
            raise UnreadableHead(f"There is no line “{TITLE}” in it: use the file or the mail as it came.")
        for line in lines[lines.index(TITLE) + 1 :]:
            name, _, value = line.partition(": ")
            if name in _NAMES and name not in values:
                values[name] = value.strip()
        missing = [name for name in _NAMES if not values.get(name)]
        if missing or not values["position"].isdecimal():
            raise UnreadableHead(f"It is not whole: {', '.join(missing) or 'position'} can’t be read.")
        return cls(
            values["organization"], int(values["position"]), values["hash"], values["signed-at"],
            values["public-key"], values["signature"],
        )  # fmt: skip

    @property
    def signed_text(self) -> str:
        values = (self.organization, self.position, self.hash, self.signed_at, self.public_key)
        return "\n".join([TITLE, *(f"{name}: {value}" for name, value in zip(_NAMES, values, strict=False))]) + "\n"

    @property
    def text(self) -> str:
        return f"{self.signed_text}signature: {self.signature}\n"


def public_key() -> str:
    """The installation's public key, base64 of its 32 bytes; empty until a head was signed."""
    key = _stored_key()
    return "" if key is None else _public(key)


def is_signed(head: Head) -> bool:
    """Whether the signature is one of this installation's key."""
    return head.public_key == public_key() and has_valid_signature(head)


def has_valid_signature(head: Head) -> bool:
    """Whether the signature fits the key that the head names, whosever that is."""
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(head.public_key, validate=True))
        key.verify(base64.b64decode(head.signature, validate=True), head.signed_text.encode())
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True


def sign_due() -> int:
    """Sign the heads of all chains that were not signed within a day and went on since; how many."""
    count = 0
    with every_organization("the heads of all organizations are signed"):
        for chain_id in list(AuditChain.objects.filter(position__gt=0).values_list("pk", flat=True)):
            count += _sign_if_due(chain_id)
    return count


@transaction.atomic
def _sign_if_due(chain_id: UUID) -> int:
    chain = AuditChain.objects.select_for_update(no_key=True).get(pk=chain_id)
    last = AuditHead.objects.filter(organization_id=chain.organization_id).order_by("-signed_at").first()
    if last is not None and (last.signed_at > clock.now() - EVERY or last.position == chain.position):
        return 0
    sign(chain)
    return 1


def sign(chain: AuditChain) -> AuditHead:
    """The chain's end as it is now, signed; mailed soon to who wants it."""
    key, now = _private_key(), clock.now()
    head = Head(str(chain.organization_id), chain.position, chain.hash, _moment(now), _public(key))
    return AuditHead.objects.create(
        organization_id=chain.organization_id,
        position=chain.position,
        hash=chain.hash,
        signed_at=now,
        public_key=head.public_key,
        signature=base64.b64encode(key.sign(head.signed_text.encode())).decode(),
        due_at=now if chain.mail_to else None,
    )


def _private_key() -> Ed25519PrivateKey:
    key = _stored_key()
    if key is None:
        _make_key()
        key = _stored_key()
    return not_none(key)


def _stored_key() -> Ed25519PrivateKey | None:
    stored = Installation.objects.filter(pk=1).only("audit_key").first()
    return None if stored is None or stored.audit_key is None else _opened(str(stored.audit_key))


@transaction.atomic
def _make_key() -> None:
    now = clock.now()
    Installation.objects.get_or_create(pk=1, defaults={"advanced_at": now, "name": settings.INSTALLATION_NAME})
    row = Installation.objects.select_for_update(no_key=True).get(pk=1)
    if row.audit_key is None:
        row.audit_key = Ed25519PrivateKey.generate().private_bytes_raw().hex()
        row.save(update_fields=["audit_key"])


@lru_cache(maxsize=4)
def _opened(digits: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(digits))


def _public(key: Ed25519PrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
