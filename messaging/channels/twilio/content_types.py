"""What a content template shows, from its type: https://www.twilio.com/docs/content/content-types-overview"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from messaging.channels.base import Kind
from messaging.channels.text import clean

MAX_BODY_LENGTH: Final = 5000
MAX_LINE_LENGTH: Final = 2048
MAX_ITEMS: Final = 100

_PLACEHOLDER = re.compile(r"\{\{ ?([A-Za-z0-9_]{1,50}) ?\}\}")
_PLAIN: Final = ("twilio/text", "twilio/media")

Data = Mapping[str, object]
Actions = list[Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Shape:
    """The parts of a template that people see."""

    body: str = ""
    media: Sequence[str] = ()
    actions: Sequence[Mapping[str, str]] = ()


def chosen(types: Mapping[str, object], kind: Kind) -> str:
    """The type that this kind of channel would show; empty when there is none.

    WhatsApp shows its own type before Twilio's, and a rich one before a plain one; SMS shows the plain one.
    """

    def rank(name: str) -> tuple[bool, bool, str]:
        is_plain = name in _PLAIN
        if kind is Kind.WHATSAPP:
            return not name.startswith("whatsapp/"), is_plain, name
        return not is_plain, name != "twilio/text", name

    return min((name for name in types if isinstance(name, str)), key=rank, default="")


def short_name(name: str) -> str:
    """`card` for `whatsapp/card`; a type that we don't know keeps its whole name."""
    return name.rpartition("/")[2] if name in _READERS else _line(name, 100)


def shape(name: str, data: object) -> Shape:
    """What a template of this type shows; nothing but an empty shape for one that can't be read."""
    if not isinstance(data, Mapping):
        return Shape()
    read = _READERS.get(name, _unknown)
    return read(data)


def placeholders(shape: Shape) -> list[str]:
    """The names in `{{…}}` wherever they stand, each once."""
    values = [shape.body, *shape.media, *(value for action in shape.actions for value in action.values())]
    return list(dict.fromkeys(name for value in values for name in _PLACEHOLDER.findall(value)))


def _text(data: Data) -> Shape:
    return Shape(_block(data.get("body")), _media(data.get("media")), _buttons(data.get("actions")))


def _list_picker(data: Data) -> Shape:
    items = [
        {"kind": "list_item", "text": _line(item.get("item")), "value": _line(item.get("id"))}
        for item in _objects(data.get("items"))
    ]
    button = [{"kind": "list", "text": _line(data.get("button")), "value": ""}] if data.get("button") else []
    return Shape(_block(data.get("body")), (), [*button, *items])


def _card(data: Data) -> Shape:
    """Twilio's card has a title and a subtitle, WhatsApp's a header, a body and a footer."""
    parts = ("header_text", "title", "body", "subtitle", "footer")
    return Shape(_joined(data.get(part) for part in parts), _media(data.get("media")), _buttons(data.get("actions")))


def _carousel(data: Data) -> Shape:
    cards = _objects(data.get("cards"))
    body = _joined([data.get("body"), *(card.get(part) for card in cards for part in ("title", "body"))])
    media = [url for card in cards for url in _media(card.get("media"))]
    actions = [action for card in cards for action in _buttons(card.get("actions"))]
    return Shape(body, media[:MAX_ITEMS], actions[:MAX_ITEMS])


def _flow(data: Data) -> Shape:
    button = {"kind": "flow", "text": _line(data.get("button_text")), "value": _line(data.get("flow_id"))}
    return Shape(_joined([data.get("body"), data.get("subtitle")]), _media(data.get("media_url")), [button])


def _authentication(data: Data) -> Shape:
    """WhatsApp has one text for all of them, in the template's language; this is the English one."""
    lines = ["{{1}} is your verification code."]
    if data.get("add_security_recommendation"):
        lines.append("For your security, do not share this code.")
    if isinstance(minutes := data.get("code_expiration_minutes"), int | float):
        lines.append(f"This code expires in {minutes:g} minutes.")
    actions: Actions = [
        {"kind": "copy_code", "text": _line(action.get("copy_code_text")), "value": ""}
        for action in _objects(data.get("actions"))
    ]
    return Shape(" ".join(lines), (), actions)


def _location(data: Data) -> Shape:
    return Shape(_joined([data.get("label"), data.get("address")]))


def _catalog(data: Data) -> Shape:
    items = _objects(data.get("items"))
    actions: Actions = [
        {"kind": "product", "text": _line(item.get("name")), "value": _line(item.get("id"))} for item in items
    ]
    media = [url for item in items for url in _media(item.get("media_url"))]
    return Shape(_joined(data.get(part) for part in ("title", "body", "subtitle")), media, actions)


def _schedule(data: Data) -> Shape:
    return Shape(_block(data.get("title")))


def _unknown(data: Data) -> Shape:
    """A type that came later: most have their text in `body`."""
    return _text(data)


_READERS: Final[Mapping[str, Callable[[Data], Shape]]] = {
    "twilio/text": _text,
    "twilio/media": _text,
    "twilio/quick-reply": _text,
    "twilio/call-to-action": _text,
    "twilio/list-picker": _list_picker,
    "twilio/card": _card,
    "whatsapp/card": _card,
    "twilio/carousel": _carousel,
    "whatsapp/authentication": _authentication,
    "twilio/flows": _flow,
    "whatsapp/flows": _flow,
    "twilio/location": _location,
    "twilio/catalog": _catalog,
    "twilio/schedule": _schedule,
}


def _buttons(value: object) -> Actions:
    return [
        {
            "kind": _line(action.get("type"), 50).lower() or "quick_reply",
            "text": _line(action.get("title")),
            "value": next((_line(action[key]) for key in ("url", "phone", "code", "id") if action.get(key)), ""),
        }
        for action in _objects(value)
    ]


def _media(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [url for url in (_line(one) for one in values[:MAX_ITEMS]) if url]


def _objects(value: object) -> list[Data]:
    return [one for one in value if isinstance(one, Mapping)][:MAX_ITEMS] if isinstance(value, list) else []


def _joined(values: Iterable[object]) -> str:
    return "\n".join(part for part in (_block(value) for value in values) if part)[:MAX_BODY_LENGTH]


def _block(value: object) -> str:
    return clean(value[:MAX_BODY_LENGTH]).strip() if isinstance(value, str) else ""


def _line(value: object, longest: int = MAX_LINE_LENGTH) -> str:
    return " ".join(clean(value[:longest]).split()) if isinstance(value, str) else ""
