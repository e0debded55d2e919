"""A template filled in for a customer: the one renderer of preview, composer, API and rules."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from accounts.models import User
from core.refused import Refused
from customers.models import Customer, CustomField
from customers.people.custom_fields import services as custom_fields
from messaging.models import Template
from messaging.texts import placeholders

VARIABLE: Final = re.compile(r"[A-Za-z0-9_]{1,40}")
MAX_VALUE_LENGTH: Final = 1024
_ANY = re.compile(r"\{\{\s*([A-Za-z0-9_]{1,40})\s*\}\}")
_BREAKS = re.compile(r"[\n\r\t\x0b\x0c\u2028\u2029]")


class InvalidVariable(Refused):
    """A value that the provider would refuse, or that the template has no place for; `name` is the variable's."""

    field = "variables"

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(detail)
        self.name = name


@dataclass(frozen=True, slots=True)
class Rendered:
    """What would be sent: of an approved template its id and values go out, and the body is what people here read."""

    subject: str
    body: str
    provider_template_id: str = ""
    content_variables: Mapping[str, str] | None = None


def render(
    *, template: Template, customer: Customer, agent: User | None, variables: Mapping[str, str] | None = None
) -> Rendered:
    """The template for a customer. `variables` stand for what would be filled in by itself.

    Raises MissingValue where a value is empty and has no default, and InvalidVariable; never changes anything.
    """
    return fill(template, values_for(customer, agent), variables)


def fill(template: Template, values: Mapping[str, str], variables: Mapping[str, str] | None = None) -> Rendered:
    """The same with these values, for many templates of one customer."""
    entered = variables or {}
    names = variable_names(template)
    if unknown := sorted(set(entered) - set(names)):
        known = ", ".join(names) or "none"
        raise InvalidVariable(unknown[0], f"“{unknown[0]}” is no variable of this template; it has {known}.")
    if not template.is_content:
        filled = {**values, **entered}
        return Rendered(placeholders.render(template.subject, filled), placeholders.render(template.body, filled))
    content = {name: _checked(name, _variable(template, name, values, entered)) for name in names}
    if template.content:
        # The provider's own text: what is no variable of it is no placeholder of ours.
        body = _ANY.sub(lambda match: content.get(match[1], match[0]), template.body)
    else:
        body = placeholders.render(template.body, {**values, **content})
    return Rendered("", body, template.provider_template_id, content)


def variable_names(template: Template) -> list[str]:
    """The variables that a person or a system may give, in the order of the text."""
    if not template.is_content:
        texts = f"{template.subject} {template.body}"
        return list(dict.fromkeys(one.name for one in placeholders.parse(texts)))
    variables = (template.content or {}).get("variables") or {}
    in_body = _ANY.findall(template.body)
    named = [*variables, *template.content_variables]
    known = [name for name in in_body if name in named or name.isdigit()]
    return list(dict.fromkeys([*known, *sorted(named, key=lambda name: (len(name), name))]))


def values_for(
    customer: Customer, agent: User | None, fields: Sequence[CustomField] | None = None
) -> dict[str, str]:  # fmt: skip
    """What stands for each placeholder; one query where the organization's own fields are not given."""
    if fields is None:
        fields = custom_fields.definitions(CustomField.Entity.CUSTOMER)
    own = {
        f"{placeholders.CUSTOM}{field.key}": custom_fields.show(field, customer.custom_fields.get(field.key))
        for field in fields
    }
    return own | {
        "customer.name": customer.name,
        "customer_name": customer.name,
        "customer.first_name": customer.name.split()[0] if customer.name.split() else "",
        "company": customer.company,
        "agent.name": agent.get_full_name() if agent is not None else "",
        "organization": customer.organization.name,
    }


def _variable(template: Template, name: str, values: Mapping[str, str], entered: Mapping[str, str]) -> str:
    if name in entered:
        return entered[name]
    text = template.content_variables.get(name, "")
    filled = placeholders.render(text, values) if text else ""
    if not filled.strip():
        raise InvalidVariable(name, f"Variable {name} has no value. Give it one.")
    return filled


def _checked(name: str, text: str) -> str:
    """WhatsApp refuses values that are empty, have line breaks or tabs, or more than four spaces in a row."""
    if not text.strip():
        raise InvalidVariable(name, f"“{name}” is empty. Give it a value.")
    if _BREAKS.search(text) or "     " in text:
        raise InvalidVariable(
            name, f"“{name}” has a line break, a tab or more than four spaces in a row. Write it on one line."
        )
    if len(text) > MAX_VALUE_LENGTH:
        raise InvalidVariable(name, f"“{name}” is longer than {MAX_VALUE_LENGTH} characters. Shorten it.")
    return text.strip()
