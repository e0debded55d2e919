"""What a message is billed as: its market, category and units, from its text, template and recipient."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from core import phones
from messaging.channels.base import Kind
from messaging.costs import segments
from messaging.models import Category, Message, Template

# The categories that a kind of channel has; the first is that of a plain text.
CATEGORIES: Final[Mapping[str, tuple[Category, ...]]] = {
    Kind.WHATSAPP: (Category.SERVICE, Category.UTILITY, Category.MARKETING, Category.AUTHENTICATION),
    Kind.SMS: (Category.SMS, Category.MMS),
    Kind.EMAIL: (Category.EMAIL,),
}
# The largest number that the column holds; a message of so many segments no channel takes.
MAX_UNITS: Final = 32_767
# A WhatsApp user without a phone number: the country, a dot, and an id.
_USER_ID: Final = re.compile(r"([A-Z]{2})\.")


@dataclass(frozen=True, slots=True)
class Billed:
    """What a provider counts. `market` and `category` are empty where nobody knows them."""

    kind: str
    market: str
    category: str
    units: int = 1


def billed(
    *, kind: str, address: str, body: str = "", template: Template | None = None, has_files: bool = False
) -> Billed:
    """What a message to this address would be billed as; `template` where it goes out by the provider's id."""
    if kind == Kind.SMS:
        category = Category.MMS if has_files else Category.SMS
        units = 1 if has_files else min(segments.count(body), MAX_UNITS)
        return Billed(kind, market_of(address), category, units)
    if template is not None and template.is_content:
        return Billed(kind, market_of(address), category_of(template))
    plain = CATEGORIES.get(kind, ())
    return Billed(kind, market_of(address), plain[0] if plain else "")


def billed_of(message: Message) -> Billed:
    """What a message of ours is billed as. Reads its channel, and the template of one that is sent by an id."""
    kind = message.channel.kind
    if message.provider_template_id:
        category = category_of(message.template) if message.template is not None else ""
        return Billed(kind, market_of(message.address), category)
    if message.origin == Message.Origin.ELSEWHERE and kind == Kind.WHATSAPP:
        # It may have been a template: the provider knows, and says it with its price.
        return Billed(kind, market_of(message.address), "")
    has_files = bool(message.extra.get("media_count"))
    return billed(kind=kind, address=message.address, body=message.body, has_files=has_files)


def category_of(template: Template) -> str:
    """As WhatsApp approved the template; empty where the provider does not say."""
    category = str((template.content or {}).get("category") or "").lower()
    return category if category in CATEGORIES[Kind.WHATSAPP] else ""


def market_of(address: str) -> str:
    """The country of a phone number or a WhatsApp user id, in two letters; empty for none."""
    match = None if "@" in address else _USER_ID.match(address)
    if match is not None:
        return match[1] if match[1] in phones.countries() else ""
    return phones.country_of(address)
