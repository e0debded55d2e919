"""Reading a JSON object from outside, field by field, with errors that name the field."""

from __future__ import annotations

import base64
import binascii
import builtins
import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parseaddr
from typing import Any, Final

from core.moments import FIRST_YEAR, LAST_YEAR, is_showable
from messaging.channels.base import InvalidPayload, Media, ReceivedFile
from messaging.channels.text import clean

MAX_ID_LENGTH: Final = 255
MAX_BODY_LENGTH: Final = 100_000
MAX_LINE_LENGTH: Final = 998
MAX_ATTACHMENTS: Final = 20
MAX_TEXTS: Final = 100

_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+")


def decoded(body: bytes) -> object:
    """A JSON body. Raises InvalidPayload."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidPayload("The body is not JSON.") from error


def encoded(data: object) -> bytes:
    """A decoded JSON body as bytes, to be stored."""
    return json.dumps(data, ensure_ascii=False).encode("utf-8", "surrogatepass")


class JsonFields:
    """The fields of an object; those that were not read are the rest."""

    def __init__(self, data: object, *, path: str = "") -> None:
        if not isinstance(data, Mapping):
            raise InvalidPayload(f"{path.rstrip('.') or 'body'}: not a JSON object.")
        self._data = {clean(str(key)): value for key, value in data.items()}
        self._path = path
        self._taken: set[str] = set()

    def text(self, key: str, *, longest: int = MAX_LINE_LENGTH) -> str:
        """A text, cleaned; empty when it is missing or null. A number is taken as its digits."""
        value = self._take(key)
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise self.wrong(key, "not a text")
        text = clean(str(value))
        if len(text) > longest:
            raise self.wrong(key, f"longer than {longest} characters")
        return text

    def required(self, key: str, *, longest: int = MAX_ID_LENGTH) -> str:
        text = self.text(key, longest=longest).strip()
        if not text:
            raise self.wrong(key, "missing")
        return text

    def moment(self, key: str) -> datetime:
        """An ISO 8601 time, in UTC; one without a zone is taken as UTC."""
        text = self.required(key)
        try:
            moment = datetime.fromisoformat(text)
            moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            raise self.wrong(key, "not an ISO 8601 time, as 2026-11-21T09:30:00Z") from None
        if not is_showable(moment):
            raise self.wrong(key, f"not between the years {FIRST_YEAR} and {LAST_YEAR}")
        return moment

    def number(self, key: str, *, most: float) -> float:
        """A number from -most to most."""
        value = self._take(key)
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
            or abs(value) > most
        ):
            raise self.wrong(key, f"not a number from -{most:g} to {most:g}")
        return float(value)

    def object(self, key: str) -> JsonFields | None:
        value = self._take(key)
        return None if value is None else JsonFields(value, path=f"{self._path}{key}.")

    def attachments(self, key: str) -> list[Media]:
        """A list of files by address: `url`, `content_type?`, `filename?`, `size?`."""
        value = self._take(key)
        if value is None:
            return []
        if not isinstance(value, list) or len(value) > MAX_ATTACHMENTS:
            raise self.wrong(key, f"not a list of at most {MAX_ATTACHMENTS} files")
        readers = [JsonFields(item, path=f"{self._path}{key}[{number}].") for number, item in enumerate(value)]
        media = [reader._media() for reader in readers]
        if any(reader.rest() for reader in readers):
            self._taken.discard(key)  # a part of a file that has no field here stays with the rest
        return media

    def files(self, key: str) -> list[ReceivedFile]:
        """A list of files with their bytes: `content` in base64, `filename`, `content_type?`."""
        value = self._take(key)
        if value is None:
            return []
        if not isinstance(value, list) or len(value) > MAX_ATTACHMENTS:
            raise self.wrong(key, f"not a list of at most {MAX_ATTACHMENTS} files")
        return [JsonFields(item, path=f"{self._path}{key}[{number}].")._file() for number, item in enumerate(value)]

    def texts(self, key: str) -> list[str]:
        """A list of texts, or one text; empty when it is missing or null."""
        value = self._take(key)
        listed = [value] if isinstance(value, str) else (value or [])
        if not isinstance(listed, list) or len(listed) > MAX_TEXTS or not all(isinstance(one, str) for one in listed):
            raise self.wrong(key, f"not a list of at most {MAX_TEXTS} texts")
        return [clean(one)[:MAX_LINE_LENGTH] for one in listed]

    def bytes(self, key: str) -> builtins.bytes | None:
        """Bytes in base64; None when it is missing or null."""
        value = self._take(key)
        if value is None:
            return None
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError, TypeError) as error:
            raise self.wrong(key, "not in base64") from error

    def rest(self) -> dict[str, Any]:
        """The fields that were not read, with every text cleaned."""
        return {key: cleaned(value) for key, value in self._data.items() if key not in self._taken}

    def wrong(self, key: str, what: str) -> InvalidPayload:
        return InvalidPayload(f"{self._path}{key}: {what}.")

    def _media(self) -> Media:
        url = self.required("url", longest=2048)
        if not url.startswith(("https://", "http://")):
            raise self.wrong("url", "not an http or https address")
        size = self._take("size")
        if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 0):
            raise self.wrong("size", "not a number of bytes")
        content_type = self.text("content_type", longest=MAX_ID_LENGTH) or "application/octet-stream"
        return Media(
            url=url, content_type=content_type, filename=self.text("filename", longest=MAX_ID_LENGTH), size=size
        )

    def _file(self) -> ReceivedFile:
        content = self.bytes("content")
        if content is None:
            raise self.wrong("content", "missing")
        return ReceivedFile(
            filename=self.required("filename"),
            content_type=self.text("content_type", longest=MAX_ID_LENGTH) or "application/octet-stream",
            content=content,
        )

    def _take(self, key: str) -> Any:
        self._taken.add(key)
        return self._data.get(key)


def email_address(fields: JsonFields, key: str, value: str) -> tuple[str, str]:
    """Name and address of `a@b.c` or `Name <a@b.c>`. Raises InvalidPayload."""
    name, address = parseaddr(value)
    if not _ADDRESS.fullmatch(address) or len(address) > 254:
        raise fields.wrong(key, "not an e-mail address")
    return name, address


def cleaned(value: object) -> object:
    """A JSON value with every text in it cleaned; a number that JSON can't write again becomes a text."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, list):
        return [cleaned(item) for item in value]
    if isinstance(value, Mapping):
        return {clean(str(key)): cleaned(item) for key, item in value.items()}
    return value
