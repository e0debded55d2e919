"""Content templates with their approvals, and what a message made of one says."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests.fakes.twilio.answers import Answer, error
from tests.fakes.twilio.store import ACCOUNT_SID, meta

if TYPE_CHECKING:
    from tests.fakes.twilio.server import FakeTwilio

HOST = "https://content.twilio.com"
MAX_VALUE_LENGTH = 1024


@dataclass
class Content:
    """A template. `approval` as the API has it; none: it was never handed to WhatsApp."""

    friendly_name: str = "visit_reminder"
    language: str = "en"
    types: Mapping[str, Any] = field(default_factory=lambda: {"twilio/text": {"body": "Hello {{1}}"}})
    variables: Mapping[str, str] = field(default_factory=lambda: {"1": "Zoë"})
    approval: Mapping[str, Any] | None = field(
        default_factory=lambda: {"name": "visit_reminder", "category": "UTILITY", "status": "approved"}
    )
    sid: str = field(default_factory=lambda: f"HX{uuid.uuid4().hex}")
    account_sid: str = ACCOUNT_SID
    updated_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def resource(self) -> dict[str, Any]:
        """As content.v1.content_and_approvals of the OpenAPI document."""
        moment = self.updated_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        common = {"content_type": next(iter(self.types), ""), "rejection_reason": "", "allow_category_change": True}
        return {
            "account_sid": self.account_sid,
            "approval_requests": {**common, **self.approval} if self.approval else {},
            "date_created": moment,
            "date_updated": moment,
            "friendly_name": self.friendly_name,
            "language": self.language,
            "sid": self.sid,
            "types": dict(self.types),
            "variables": dict(self.variables),
        }


def list_contents(twilio: FakeTwilio, *, account: str, query: Mapping[str, str], path: str, **_: Any) -> Answer:
    mine = [one.resource() for one in list(twilio.contents) if one.account_sid == account]
    try:
        size, number = min(max(int(query.get("PageSize", 50)), 1), 1000), max(int(query.get("Page", 0)), 0)
    except ValueError:
        return error(400, 20001, "A page is a number")
    part = mine[number * size : (number + 1) * size]
    has_next = len(mine) > (number + 1) * size
    return Answer(200, {"contents": part, "meta": meta("contents", HOST + path, size, number, has_next=has_next)})


def refused(twilio: FakeTwilio, form: Mapping[str, Any]) -> Answer | None:
    """What Twilio says of a message made of a template; where no template was laid in, every one is known."""
    sid, stated = form.get("ContentSid"), form.get("ContentVariables", "")
    if not sid:
        return error(400, 21654, "The ContentSid Required parameter does not exist.") if stated else None
    if twilio.contents and sid not in {one.sid for one in twilio.contents}:
        return error(404, 21655, "The ContentSid is Invalid")
    if not stated:
        return None
    try:
        values = json.loads(stated)
    except ValueError:
        values = None
    if not isinstance(values, dict) or not all(isinstance(value, str) and _is_fit(value) for value in values.values()):
        return error(400, 21656, "The ContentVariables Parameter is invalid.")
    return None


def rendered(twilio: FakeTwilio, form: Mapping[str, Any]) -> str:
    """The text of the message: the template's with the values in it, else its own."""
    template = next((one for one in twilio.contents if one.sid == form.get("ContentSid")), None)
    if template is None:
        return str(form.get("Body", ""))
    body = next((str(data["body"]) for data in template.types.values() if data.get("body")), "")
    values = {**template.variables, **json.loads(form.get("ContentVariables") or "{}")}
    return re.sub(r"\{\{(\w+)\}\}", lambda match: str(values.get(match[1], match[0])), body)


def _is_fit(value: str) -> bool:
    return bool(value.strip()) and len(value) <= MAX_VALUE_LENGTH and not re.search(r"[\n\r\t]| {5}", value)
