"""Whether an ID token is the provider's, for us, of now, and of this sign-in (OpenID Connect Core 1.0, 3.1.3.7)."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import jwt
from jwt import PyJWK

# Signatures only that the provider alone can make: none, and a secret that both know, are no proof.
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
# How far clocks may differ.
LEEWAY_SECONDS: Final = 60
MAX_SUBJECT_LENGTH: Final = 255


class WrongToken(Exception):
    """Not to be believed; the text says why, for the log."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is at an issuer. E-mail and name are what the provider calls them, and identify nobody."""

    issuer: str
    subject: str
    email: str = ""
    is_email_verified: bool = False
    name: str = ""
    # `amr` and `acr`: how they have shown it there.
    factors: frozenset[str] = frozenset()
    # When they have shown it (`auth_time`), in seconds of Unix time; 0 where the provider does not say.
    shown_at: float = 0

    @property
    def label(self) -> str:
        return (self.email or self.name or self.subject)[:254]


def check(token: object, *, keys: Mapping[str, object], issuer: str, client_id: str, nonce: str) -> Identity:
    """Whom the token speaks of. `keys` is the provider's JSON Web Key Set. Raises WrongToken."""
    if not isinstance(token, str):
        raise WrongToken("no ID token")
    try:
        header = jwt.get_unverified_header(token)
        algorithm = header.get("alg")
        if algorithm not in ALGORITHMS:
            raise WrongToken(f"signed by {str(algorithm)[:20]}")
        claims = jwt.decode(
            token,
            _key(keys, header, algorithm),
            algorithms=[algorithm],
            audience=client_id,
            issuer=issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": ["iss", "sub", "aud", "exp", "iat"], "enforce_minimum_key_length": True},
        )
    except jwt.PyJWTError as error:
        raise WrongToken(f"{type(error).__name__}: {error}"[:200]) from error
    audience = claims["aud"]
    party = claims.get("azp")
    if (isinstance(audience, list) and len(audience) > 1 and party is None) or party not in (None, client_id):
        raise WrongToken("made for another client")
    given = claims.get("nonce")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), nonce.encode()):
        raise WrongToken("of another sign-in (nonce)")
    return of_claims(claims, issuer)


def of_claims(claims: Mapping[str, object], issuer: str) -> Identity:
    """The same of claims that were checked. Raises WrongToken where they name nobody."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT_LENGTH or not subject.isprintable():
        raise WrongToken("no subject")
    methods = claims.get("amr")
    factors = {value for value in methods if isinstance(value, str)} if isinstance(methods, list) else set()
    if isinstance(level := claims.get("acr"), str):
        factors.add(level)
    return Identity(
        issuer=issuer,
        subject=subject,
        email=_text(claims, "email", 254),
        is_email_verified=claims.get("email_verified") is True,
        name=_text(claims, "name", 150),
        factors=frozenset(factors),
        shown_at=shown_at if isinstance(shown_at := claims.get("auth_time"), int | float) else 0,
    )


def _text(claims: Mapping[str, object], name: str, length: int) -> str:
    value = claims.get(name)
    return " ".join(value.replace("\x00", "").split())[:length] if isinstance(value, str) else ""


def _key(keys: Mapping[str, object], header: Mapping[str, object], algorithm: str) -> PyJWK:
    rows = keys.get("keys")
    usable = [row for row in rows if _is_for(row, algorithm)] if isinstance(rows, Sequence) else []
    if (name := header.get("kid")) is not None:
        usable = [row for row in usable if row.get("kid") == name]
    if len(usable) != 1:
        raise WrongToken(f"{len(usable)} keys of the provider fit")
    return PyJWK(usable[0], algorithm=algorithm)


def _is_for(row: object, algorithm: str) -> bool:
    kinds = {"R": "RSA", "P": "RSA", "E": "EC"}
    kind = "OKP" if algorithm == "EdDSA" else kinds[algorithm[0]]
    return (
        isinstance(row, dict)
        and row.get("kty") == kind
        and row.get("use", "sig") == "sig"
        and row.get("alg", algorithm) == algorithm
    )
