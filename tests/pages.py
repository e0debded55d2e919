"""A page's forms as a browser has them: every control's value, and what it would send."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time
from html.parser import HTMLParser
from typing import Any

from django.test import Client

_TEXT_TYPES = ("text", "search", "tel", "password", "url", "email")


@dataclass
class PageForm:
    """A form and what it sends when its first button is pressed; a multi-valued control repeats its name."""

    action: str = ""
    method: str = "get"
    pairs: list[tuple[str, str]] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)
    # Of the buttons with a value, those that say what is so already.
    current: list[tuple[str, str]] = field(default_factory=list)
    # Controls without which a browser does not send the form.
    required: set[str] = field(default_factory=set)

    def data(self, **changes: Any) -> dict[str, Any]:
        """For a test client; a change to None leaves the control out, as an unchecked box is."""
        data: dict[str, Any] = {}
        for name, value in self.pairs:
            data.setdefault(name, []).append(value)
        for name, value in changes.items():
            data[name] = value if isinstance(value, list) else [value]
            if value is None:
                del data[name]
        return data

    @property
    def is_complete(self) -> bool:
        """Whether a browser would send it as it stands."""
        filled = {name for name, value in self.pairs if value}
        return self.required <= filled

    def names(self) -> set[str]:
        return {name for name, _ in self.pairs}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[PageForm] = []
        self.open: PageForm | None = None
        self.textarea: tuple[str, str] | None = None
        self.select: dict[str, Any] | None = None
        self.option: dict[str, Any] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.open = PageForm(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self.open)
        if self.open is None:
            return
        name = given.get("name", "")
        if tag == "button" and given.get("type", "submit") == "submit":
            self._button(name, given)
        if tag == "option" and self.select is not None:
            self._option()
            self.option = {"value": given.get("value"), "text": "", "selected": "selected" in given}
        if not name or "disabled" in given:
            return
        if "required" in given:
            self.open.required.add(name)
        if tag == "textarea":
            self.textarea = (name, "")
        elif tag == "select":
            self.select = {"name": name, "multiple": "multiple" in given, "options": []}
        elif tag == "input":
            self._input(name, given)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def _button(self, name: str, given: dict[str, str]) -> None:
        assert self.open is not None
        self.open.buttons.append((name, given.get("value", ""), given.get("formaction", "")))
        if name and given.get("aria-current", given.get("aria-pressed", "false")) != "false":
            self.open.current.append((name, given.get("value", "")))

    def _input(self, name: str, given: dict[str, str]) -> None:
        assert self.open is not None
        kind = given.get("type", "text").lower()
        value = given.get("value", "")
        if kind in ("checkbox", "radio"):
            if "checked" in given:
                self.open.pairs.append((name, value or "on"))
        elif kind == "file":
            self.open.files.append(name)
        elif kind not in ("submit", "button", "image", "reset"):
            self.open.pairs.append((name, sanitized(kind, value)))

    def handle_data(self, data: str) -> None:
        if self.textarea is not None:
            self.textarea = (self.textarea[0], self.textarea[1] + data)
        elif self.option is not None:
            self.option["text"] += data

    def _option(self) -> None:
        if self.option is not None and self.select is not None:
            self.select["options"].append(self.option)
        self.option = None

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.open = None
        elif tag == "textarea" and self.textarea is not None and self.open is not None:
            name, text = self.textarea
            text = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\n")
            self.open.pairs.append((name, text.replace("\n", "\r\n")))
            self.textarea = None
        elif tag == "option":
            self._option()
        elif tag == "select" and self.select is not None and self.open is not None:
            chosen = [one for one in self.select["options"] if one["selected"]]
            if not chosen and not self.select["multiple"]:
                chosen = self.select["options"][:1]
            if not self.select["multiple"]:
                chosen = chosen[-1:]
            for one in chosen:
                value = one["value"] if one["value"] is not None else " ".join(one["text"].split())
                self.open.pairs.append((self.select["name"], value))
            self.select = None


def sanitized(kind: str, value: str) -> str:
    """What a browser makes of an input's value (HTML, "value sanitization algorithm")."""
    readers: dict[str, Any] = {"date": date.fromisoformat, "datetime-local": datetime.fromisoformat}
    if kind in (*readers, "time"):
        try:
            readers.get(kind, time.fromisoformat)(value)
        except ValueError:
            return ""
        return value
    if kind == "number":
        try:
            float(value)
        except ValueError:
            return ""
        return value
    if kind in _TEXT_TYPES:
        value = value.replace("\r", "").replace("\n", "")
    if kind in ("url", "email"):
        value = value.strip()
    return value


def forms_of(html: str) -> list[PageForm]:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.forms


def form_of(client: Client, url: str, *, having: str = "") -> PageForm:
    """The page's first form that posts, with a control of that name."""
    answer = client.get(url)
    assert answer.status_code == 200, (url, answer.status_code)
    found = [one for one in forms_of(answer.content.decode()) if one.method == "post"]
    named = having or "snapshot"
    matching = [one for one in found if named in one.names() or any(named == name for name, _v, _a in one.buttons)]
    assert matching, (url, named, [sorted(one.names()) for one in found])
    return matching[0]


def save(client: Client, url: str, **changes: Any) -> Any:
    """Open an edit page, change these of its controls, and save."""
    return client.post(url, form_of(client, url).data(**changes))


def submit(client: Client, url: str, data: dict[str, Any], *, page: str = "") -> Any:
    """Open an edit page (`page`, where it stands at another address) and post exactly these controls."""
    shown = dict(form_of(client, page or url).pairs)["snapshot"]
    return client.post(url, {**data, "snapshot": shown})
