"""An approved template while it is filled in: a field for each variable, and what it will look like."""

from __future__ import annotations

from collections.abc import Mapping

from accounts.models import User
from messaging.models import Conversation, Template
from messaging.texts import placeholders, rendering


def of(
    template: Template, conversation: Conversation, author: User, entered: Mapping[str, str], *, is_submitted: bool
) -> dict[str, object]:
    """The fields with what is known already, and the preview or what keeps it from being sent."""
    known = rendering.values_for(conversation.customer, author)
    samples = (template.content or {}).get("variables") or {}
    fields = []
    for name in rendering.variable_names(template):
        value = entered.get(name, "") if is_submitted else _value(template, name, known)
        fields.append({"name": name, "value": value, "sample": samples.get(name, "")})
    values = {field["name"]: field["value"] for field in fields}
    try:
        preview, problem = rendering.fill(template, known, values).body, ""
    except (rendering.InvalidVariable, placeholders.MissingValue) as error:
        preview, problem = _with_gaps(template, values), str(error)
    stored = template.content or {}
    return {
        "fields": fields,
        "preview": preview,
        "problem": problem if is_submitted else "",
        "actions": stored.get("actions") or [],
        "media": stored.get("media") or [],
    }


def _value(template: Template, name: str, known: Mapping[str, str]) -> str:
    try:
        return placeholders.render(template.content_variables.get(name, ""), known)
    except (placeholders.MissingValue, placeholders.InvalidPlaceholder):
        return ""


def _with_gaps(template: Template, values: Mapping[str, str]) -> str:
    """The text with what is known; a gap stays as the provider writes it."""
    text = template.body
    for name, value in values.items():
        if value:
            text = text.replace("{{" + name + "}}", value)
    return text
