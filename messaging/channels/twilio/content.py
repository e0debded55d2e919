"""The account's content templates, as Twilio's Content API tells of them and of their approval by WhatsApp."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from django.utils.translation import gettext as _

from messaging.channels.abilities import ContentTemplate
from messaging.channels.base import Account, Kind
from messaging.channels.text import clean
from messaging.channels.twilio import content_types
from messaging.channels.twilio.account import client_for
from messaging.channels.twilio.calls import reading, records

PAGE_SIZE: Final = 200
MAX_PAGES: Final = 100
MAX_NAME_LENGTH: Final = 255
MAX_REASON_LENGTH: Final = 2000

_CONTENT_SID = re.compile(r"HX[0-9a-fA-F]{32}")


def templates(account: Account) -> list[ContentTemplate]:
    """Every template with its state of approval, in Twilio's order. Raises SendError.

    One that has several types (a rich one and a plain one to fall back on) is described by the type that this account's
    kind of channel would show.
    """
    client = client_for(account)
    with reading():
        first = client.content.v1.content_and_approvals.page(page_size=PAGE_SIZE)
        by_sid = {record.sid: record for record in records(first, "contents", most=MAX_PAGES)}
        return [_template(record, account.kind) for record in by_sid.values()]


def id_problem(template_id: str) -> str:
    """Why this is no content SID; empty where it is one."""
    if _CONTENT_SID.fullmatch(template_id):
        return ""
    return _("A content SID is HX and 32 characters, as Twilio’s console shows it.")


def _template(record: Any, kind: Kind) -> ContentTemplate:
    name = text(record.friendly_name, MAX_NAME_LENGTH) or text(record.sid, MAX_NAME_LENGTH)
    types = record.types if isinstance(record.types, Mapping) else {}
    chosen = content_types.chosen(types, kind)
    shape = content_types.shape(chosen, types.get(chosen))
    approval = _approval(record.approval_requests)
    return ContentTemplate(
        id=text(record.sid, MAX_NAME_LENGTH),
        name=name,
        language=text(record.language, 35),
        kind=content_types.short_name(chosen),
        body=shape.body or name,
        variables=_variables(record.variables, shape),
        status=text(approval.get("status"), 50).lower() or "unsubmitted",
        category=text(approval.get("category"), 50).lower(),
        reason=text(approval.get("rejection_reason"), MAX_REASON_LENGTH),
        media=shape.media,
        actions=shape.actions,
        updated_at=_moment(record.date_updated) or _moment(record.date_created),
    )


def text(value: object, longest: int) -> str:
    """A text of Twilio's, fit to be stored; empty for what is none."""
    return clean(value[:longest]).strip() if isinstance(value, str) else ""


def _approval(requests: object) -> Mapping[str, object]:
    """WhatsApp's approval: by itself in the list of all templates, under its channel's name elsewhere."""
    if not isinstance(requests, Mapping):
        return {}
    inner = requests.get("whatsapp")
    return inner if isinstance(inner, Mapping) else requests


def _variables(samples: object, shape: content_types.Shape) -> dict[str, str]:
    """Each placeholder with its sample, the numbered ones in their order; empty where Twilio has no sample."""
    known = samples if isinstance(samples, Mapping) else {}
    names = {text(str(name), 50): value for name, value in list(known.items())[: content_types.MAX_ITEMS]}
    for name in content_types.placeholders(shape):
        names.setdefault(name, "")
    ordered = sorted((name for name in names if name), key=lambda name: (not name.isdecimal(), _number(name), name))
    return {name: _sample(names[name]) for name in ordered}


def _number(name: str) -> int:
    return int(name) if name.isascii() and name.isdecimal() else 0


def _sample(value: object) -> str:
    return text(str(value) if isinstance(value, int | float) else value, 1024)


def _moment(value: object) -> datetime | None:
    """The library reads ISO 8601 and leaves anything else a text; the document speaks of RFC 2822."""
    if isinstance(value, datetime):
        return value
    try:
        moment = _parsed(str(value or ""))
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None


def _parsed(value: str) -> datetime:
    try:
        return datetime.fromisoformat(value[:40])
    except ValueError:
        return parsedate_to_datetime(value[:60])
