"""The files of messages: what came with them, and a store elsewhere that an answer can send the asker to."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tests.fakes.twilio.answers import Answer, error
from tests.fakes.twilio.store import API_VERSION, Message, paged, rfc2822

if TYPE_CHECKING:
    from tests.fakes.twilio.server import FakeTwilio

STORE = "/store"  # the path under which a redirect finds the file: mms.twiliocdn.com, seen through the settings


@dataclass
class File:
    """One file. `steps` are the HTTP statuses of the first answers, before it is given out."""

    content: bytes = b"\x89PNG\r\n"
    content_type: str = "image/png"
    filename: str = ""
    steps: list[int] = field(default_factory=list)
    location: str = ""  # where an answer of 307 points; empty: the store of the network for messages
    headers: Sequence[tuple[str, str]] = ()
    retry_after: str = ""
    is_cut: bool = False  # the connection closes in the middle
    sid: str = field(default_factory=lambda: f"ME{uuid.uuid4().hex}")
    asked_with_credentials: list[bool] = field(default_factory=list)  # for each request, in the store too
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def resource(self, message: Message) -> dict[str, Any]:
        """As api.v2010.account.message.media of the OpenAPI document."""
        return {
            "account_sid": message.account_sid,
            "content_type": self.content_type,
            "date_created": rfc2822(self.created_at),
            "date_updated": rfc2822(self.created_at),
            "parent_sid": message.sid,
            "sid": self.sid,
            "uri": f"/{API_VERSION}/Accounts/{message.account_sid}/Messages/{message.sid}/Media/{self.sid}.json",
        }

    def url(self, message: Message) -> str:
        """As a webhook names it."""
        path = f"/{API_VERSION}/Accounts/{message.account_sid}/Messages/{message.sid}/Media/{self.sid}"
        return f"https://api.twilio.com{path}"


def list_media(twilio: FakeTwilio, *, account: str, sid: str, query: Mapping[str, str], path: str, **_: Any) -> Answer:
    message = twilio.store.get(sid)
    if message is None or message.account_sid != account:
        return error(404, 20404, "The requested resource was not found")
    return Answer(200, paged("media_list", [one.resource(message) for one in message.files], path, query))


def fetch_media(twilio: FakeTwilio, *, account: str, sid: str, media: str, **_: Any) -> Answer:
    """The file itself, after its steps; `media` may end in .json for the resource."""
    message = twilio.store.get(sid)
    files = message.files if message and message.account_sid == account else []
    file = next((one for one in files if one.sid == media.removesuffix(".json")), None)
    if message is None or file is None:
        return error(404, 20404, "The requested resource was not found")
    if media.endswith(".json"):
        return Answer(200, file.resource(message))
    file.asked_with_credentials.append(True)
    status = file.steps.pop(0) if file.steps else 200
    if status == 200:
        return _content(file)
    if 300 <= status < 400:
        where = file.location or f"https://mms.twiliocdn.com{STORE}/{file.sid}?Signature=x%2By"
        return Answer(status, b"", [("Location", where)])
    headers = [("Retry-After", file.retry_after)] if file.retry_after else []
    return error(status, 20000 + status, "Not now", headers)


def fetch_stored(twilio: FakeTwilio, path: str, authorization: str) -> Answer:
    """What the store gives to whoever has the signed address; it wants no credentials."""
    sid = path.removeprefix(f"{STORE}/")
    file = next((file for message in twilio.store.all() for file in message.files if file.sid == sid), None)
    if file is None:
        return Answer(403, b"<Error><Code>AccessDenied</Code></Error>", [("Content-Type", "application/xml")])
    file.asked_with_credentials.append(bool(authorization))
    if file.steps and 300 <= file.steps[0] < 400:
        return Answer(file.steps.pop(0), b"", [("Location", file.location or f"{STORE}/{sid}")])
    return _content(file)


def _content(file: File) -> Answer:
    name = [("Content-Disposition", f"inline; filename*=UTF-8''{quote(file.filename)}")] if file.filename else []
    headers = [("Content-Type", file.content_type), *name, *file.headers]
    return Answer(200, file.content, headers, is_cut=file.is_cut)
