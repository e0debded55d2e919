"""Reading settings from the environment: typed, and each wrong value reported in a sentence that names it.

A helper that finds something wrong notes the sentence and returns the default, so that `stop_if_wrong()` can name
everything that has to be put right at once.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()

_TRUE = {"1", "true", "yes", "on"}
_WITHOUT_HOST = {"sqlite", "unix"}
_FALSE = {"0", "false", "no", "off"}

_wrong: list[str] = []
# Each setting that was asked for, in the order of the file, with what the environment says: empty where nothing.
DECLARED: dict[str, str] = {}


def read_file(path: Path) -> None:
    """Take over what a file of NAME=value lines says, where the process's own environment says nothing."""
    if path.is_file():
        environ.Env.read_env(path)


def refuse(sentence: str) -> None:
    """Note why the start has to stop."""
    _wrong.append(sentence)


def stop_if_wrong() -> None:
    """End the process, with the sentences and without a traceback, when something was refused."""
    if _wrong:
        sentences = "\n".join(f"  {sentence}" for sentence in _wrong)
        _wrong.clear()
        raise SystemExit(f"Parley does not start like this (.env.example explains every setting):\n{sentences}")


def text(name: str, default: str = "") -> str:
    """A line of text; what is set and empty counts as not set."""
    value: str = env.str(name, default="")
    DECLARED[name] = value.strip()
    return value.strip() or default


def choice(name: str, default: str, among: tuple[str, ...]) -> str:
    value = text(name, default)
    if value.lower() not in {word.lower() for word in among}:
        refuse(f"{name} is {value!r}, but has to be one of {', '.join(among)}.")
        return default
    return value


def flag(name: str, default: bool) -> bool:
    """True or false. A typing error is neither: it must not switch a check off."""
    value = text(name).lower()
    if not value:
        return default
    if value not in _TRUE | _FALSE:
        refuse(f"{name} is {value!r}, but has to be true or false.")
        return default
    return value in _TRUE


def number(name: str, default: int, *, at_least: int = 0, at_most: int | None = None) -> int:
    value = text(name)
    if not value:
        return default
    try:
        result = int(value)
    except ValueError:
        refuse(f"{name} is {value!r}, but has to be a whole number.")
        return default
    if result < at_least or (at_most is not None and result > at_most):
        limits = f"at least {at_least}" if at_most is None else f"between {at_least} and {at_most}"
        refuse(f"{name} is {result}, but has to be {limits}.")
        return default
    return result


def words(name: str, default: list[str] | None = None) -> list[str]:
    """A list, separated by commas."""
    results = [word.strip() for word in text(name).split(",") if word.strip()]
    return results or list(default or [])


def url(name: str, default: str = "", *, schemes: tuple[str, ...] = ("https", "http")) -> str:
    """An absolute address without a slash at its end."""
    value = text(name, default).rstrip("/")
    if not value:
        return ""
    try:
        parts = urlsplit(value)
        usable = parts.scheme in schemes and bool(parts.hostname or parts.scheme in _WITHOUT_HOST)
        _ = parts.port
    except ValueError:
        usable = False
    if not usable:
        # The value may hold a password: it is not repeated.
        refuse(f"{name} is no address beginning with {' or '.join(f'{scheme}://' for scheme in schemes)}.")
        return default
    return value


def mapping(name: str, default: str = "{}") -> dict[str, Any]:
    """A JSON object."""
    try:
        value = json.loads(text(name, default))
    except json.JSONDecodeError as error:
        refuse(f"{name} is no JSON: {error}.")
        return {}
    if not isinstance(value, dict):
        refuse(f"{name} has to be a JSON object, such as {{}}.")
        return {}
    return value


def fernet_keys(name: str, default: list[str]) -> list[str]:
    """Keys as `Fernet.generate_key()` makes them: 32 bytes in URL-safe base64."""
    keys = words(name, default)
    for position, key in enumerate(keys, start=1):
        try:
            good = len(base64.urlsafe_b64decode(key)) == 32
        except (binascii.Error, ValueError):
            good = False
        if not good:
            refuse(f"{name}: value {position} is no Fernet key (`python scripts/make_keys.py` makes one).")
            return default
    return keys


def database(name: str, default: str) -> dict[str, Any]:
    """Django's DATABASES entry from `sqlite:////path` or `postgres://user:password@host:port/name`."""
    value = url(name, default, schemes=("postgres", "postgresql", "sqlite"))
    return env.db_url_config(value)


def mail(name: str) -> dict[str, Any]:
    """Django's EMAIL_* settings from `smtp+tls://user:password@host:port` and the like; empty when it is not set."""
    value = text(name)
    if not value:
        return {}
    try:
        result = env.email_url_config(value)
    except (ValueError, ImproperlyConfigured):
        refuse(f"{name} is no address such as smtp+tls://user:password@mail.example.com:587.")
        return {}
    return result


def close_folder(folder: Path) -> None:
    """Keep other users of the machine out of a folder of ours: it holds people's messages, files and keys.

    Somebody else's folder, as a mounted volume may be, is left as it is.
    """
    result = folder.stat()
    if result.st_uid == os.geteuid() and result.st_mode & 0o077:
        folder.chmod(result.st_mode & 0o7700)
