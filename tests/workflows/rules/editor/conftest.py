"""The rule editor as its forms."""

from __future__ import annotations

from typing import Any

from tests.pages import PageForm, form_of, forms_of
from workflows.models import Workflow

RULES = "settings/rules/"
NEW = f"{RULES}new/"
TAGGED = [{"action": "add_tag", "tag": "price"}]


def page_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def editor(answer: Any) -> PageForm:
    """The editor's form in an answer."""
    return next(form for form in forms_of(answer.content.decode()) if "trigger_event" in form.names())


def press(person: Any, path: str, do: str, data: dict[str, Any]) -> Any:
    answer = person.client.post(f"{person.url(path)}?do={do}", data)
    assert answer.status_code == 200
    return answer


def opened(person: Any, path: str) -> dict[str, Any]:
    return form_of(person.client, person.url(path), having="trigger_event").data()


def edit(rule: Workflow) -> str:
    return f"{RULES}{rule.pk}/edit/"
