"""Secrets at rest: JSON, encrypted with the newest of ENCRYPTION_KEYS and readable with each of them.

To rotate, put a new key in front, run `manage.py rotate_encryption`, then drop the old one.
"""

from __future__ import annotations

import json
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.models.query_utils import DeferredAttribute


class DecryptionFailed(Exception):
    """A stored secret can't be read with any of ENCRYPTION_KEYS."""


@lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    if not keys:
        raise ImproperlyConfigured("ENCRYPTION_KEYS is empty: secrets can't be stored.")
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError as error:
        raise ImproperlyConfigured(f"ENCRYPTION_KEYS holds a value that is no Fernet key: {error}") from error


@lru_cache(maxsize=128)
def _opened(keys: tuple[str, ...], token: str) -> bytes:
    """Each webhook needs its channel's token. Whoever can read this memory can read the keys in it as well."""
    return _fernet(keys).decrypt(token.encode())


def encrypt(value: object) -> str:
    """The value as JSON, encrypted; URL-safe text."""
    return _fernet(tuple(settings.ENCRYPTION_KEYS)).encrypt(json.dumps(value).encode()).decode()


def decrypt(token: str) -> object:
    """The value that was encrypted. Raises DecryptionFailed when no key fits."""
    try:
        return json.loads(_opened(tuple(settings.ENCRYPTION_KEYS), token))
    except InvalidToken as error:
        raise DecryptionFailed(
            "A stored secret was encrypted with a key that ENCRYPTION_KEYS no longer holds."
        ) from error


class _Sealed:
    """A value as the database holds it, not decrypted yet."""

    __slots__ = ("token",)

    def __init__(self, token: str) -> None:
        self.token = token

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Sealed) and other.token == self.token

    def __hash__(self) -> int:
        return hash(self.token)


class _DecryptedOnRead(DeferredAttribute):
    """Decrypts on the first look: a row whose secret can't be read is still a row that can be listed and worked on."""

    def __get__(self, instance: models.Model | None, cls: type[models.Model] | None = None) -> object:
        value = super().__get__(instance, cls)
        if isinstance(value, _Sealed):
            value = decrypt(value.token)
            instance.__dict__[self.field.attname] = value
        return value

    def __set__(self, instance: object, value: object) -> None:
        instance.__dict__[self.field.attname] = value


class EncryptedJSONField(models.Field):
    """A JSON value that the database holds encrypted. It can't be searched or ordered by.

    It is decrypted when the attribute is first looked at, and only then raises DecryptionFailed.
    """

    description = "Encrypted JSON"
    descriptor_class = _DecryptedOnRead

    def get_internal_type(self) -> str:
        return "TextField"

    def from_db_value(self, value: str | None, *args: object) -> object:
        return None if value is None or value == "" else _Sealed(value)

    def get_prep_value(self, value: object) -> str | None:
        return None if value is None else encrypt(value)

    def to_python(self, value: object) -> object:
        return value

    def get_lookup(self, lookup_name: str) -> type[models.Lookup] | None:
        if lookup_name != "isnull":
            raise TypeError("An encrypted field can't be searched.")
        return super().get_lookup(lookup_name)

    def value_to_string(self, obj: models.Model) -> str:
        return encrypt(self.value_from_object(obj))
