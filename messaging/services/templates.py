"""Templates: made, changed, chosen for a customer's language, filled in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.text import slugify

from accounts.models import Organization, User
from activity.actor import Actor
from activity.ledger import record
from customers.models import Customer, CustomField
from customers.packs import Pack
from customers.packs.words import LANGUAGE
from customers.services import custom_fields
from messaging import events, placeholders
from messaging.channels.base import Kind
from messaging.channels.text import clean
from messaging.models import Template
from messaging.models.template import ANY_LANGUAGE

SETTABLE = frozenset({"name", "channel", "language", "category", "subject", "body", "content_sid", "content_variables"})
LONGEST = {"name": 120, "category": 60, "subject": 200, "body": 20_000, "content_sid": 64}
LONGEST_KEY = 40
MOST = 1000


class InvalidTemplate(ValueError):
    """`field` names what is wrong."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field


@transaction.atomic
def create(*, organization: Organization, actor: Actor, key: str = "", **fields: Any) -> Template:
    """A new template; its key is made of the name where none is given. Raises InvalidTemplate."""
    if Template.objects.filter(organization=organization).count() >= MOST:
        raise InvalidTemplate("name", f"At most {MOST} templates.")
    template = Template(organization=organization, created_by_id=actor.user_id)
    _set(template, {"language": ANY_LANGUAGE, **fields})
    template.key = key or slugify(template.name).replace("-", "_")[:LONGEST_KEY] or "template"
    if len(template.key) > LONGEST_KEY or slugify(template.key).replace("-", "_") != template.key.replace("-", "_"):
        raise InvalidTemplate("key", f"Small letters, digits, _ or -; at most {LONGEST_KEY}.")
    _save(template)
    record(events.TEMPLATE_CREATED, subject=template, actor=actor, payload={"key": template.key, "name": template.name})
    return template


@transaction.atomic
def update(*, template: Template, actor: Actor, changes: Mapping[str, Any]) -> Template:
    """Set fields; the key is for good, since rules call it by that. Raises InvalidTemplate."""
    current: Template = (
        Template.objects.select_for_update(of=("self",)).select_related("organization").get(pk=template.pk)
    )
    before = {name: getattr(current, name) for name in SETTABLE}
    _set(current, {**before, **changes})
    told = {
        name: {"from": before[name], "to": getattr(current, name)}
        for name in sorted(SETTABLE)
        if before[name] != getattr(current, name)
    }
    if told:
        current.updated_at = timezone.now()
        _save(current)
        record(events.TEMPLATE_CHANGED, subject=current, actor=actor, payload={"key": current.key, "changes": told})
    return current


@transaction.atomic
def delete(*, template: Template, actor: Actor) -> None:
    """Take a template away; what was sent with it stays."""
    payload = {"key": template.key, "name": template.name}
    record(events.TEMPLATE_DELETED, subject=template, actor=actor, payload=payload)
    template.delete()


def install(*, organization: Organization, pack: Pack, actor: Actor) -> int:
    """Give an organization those templates of its pack that it does not have yet; how many were new."""
    present = set(Template.objects.filter(organization=organization).values_list("key", "channel", "language"))
    new = [
        Template(organization=organization, **fields)
        for fields in pack.templates
        if (fields["key"], fields["channel"], fields["language"]) not in present
    ]
    Template.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)


def pick(*, key: str, channel: str, language: str = "") -> Template | None:
    """Of a key's templates the one for this language (`de` serves `de-AT`), else that for everybody, else the first."""
    rows = list(Template.objects.filter(key=key, channel=channel).order_by("language", "id"))
    wanted = language.lower()
    for one in (wanted, wanted.split("-")[0], ANY_LANGUAGE):
        for row in rows:
            if one and row.language.lower() == one:
                return row
    return rows[0] if rows else None


def render(*, template: Template, customer: Customer, agent: User | None) -> tuple[str, str]:
    """Subject and body, filled in for a customer. Raises MissingValue; never changes anything."""
    return fill(template, values_for(customer, agent))


def fill(template: Template, values: Mapping[str, str]) -> tuple[str, str]:
    """Subject and body with these values, for many templates of one customer. Raises MissingValue."""
    return placeholders.render(template.subject, values), placeholders.render(template.body, values)


def values_for(customer: Customer, agent: User | None) -> dict[str, str]:
    """What stands for each placeholder; one query."""
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


def _set(template: Template, values: Mapping[str, Any]) -> None:
    unknown = set(values) - SETTABLE
    if unknown:
        raise InvalidTemplate(min(unknown), "This can’t be changed.")
    for name, value in values.items():
        setattr(template, name, clean(value).strip() if isinstance(value, str) else value)
    template.name = " ".join(template.name.split())
    template.subject = " ".join(template.subject.split())
    for name, longest in LONGEST.items():
        if len(getattr(template, name)) > longest:
            raise InvalidTemplate(name, f"At most {longest} characters.")
    for name in ("name", "body"):
        if not getattr(template, name):
            raise InvalidTemplate(name, "This is needed.")
    _check_channel(template)
    _check_placeholders(template)


def _check_channel(template: Template) -> None:
    if template.channel not in list(Kind):
        raise InvalidTemplate("channel", f"Use one of {', '.join(Kind)}.")
    if not LANGUAGE.fullmatch(template.language):
        raise InvalidTemplate("language", "A language such as en or pt-BR is needed, or und: for everybody.")
    if template.subject and template.channel != Kind.EMAIL:
        raise InvalidTemplate("subject", "Only an e-mail has a subject.")
    if template.content_sid and template.channel != Kind.WHATSAPP:
        raise InvalidTemplate("content_sid", "Only WhatsApp has templates that the provider approves.")


def _check_placeholders(template: Template) -> None:
    variables = template.content_variables
    if not isinstance(variables, dict) or not all(isinstance(text, str) for text in variables.values()):
        raise InvalidTemplate("content_variables", "An object is needed: the number of each variable and its text.")
    known = [field.key for field in custom_fields.definitions(CustomField.Entity.CUSTOMER)]
    texts = [("subject", template.subject), ("body", template.body)]
    for name, text in [*texts, *(("content_variables", text) for text in variables.values())]:
        try:
            placeholders.check(text, fields=known)
        except placeholders.InvalidPlaceholder as error:
            raise InvalidTemplate(name, str(error)) from error


def _save(template: Template) -> None:
    try:
        with transaction.atomic():
            template.save()
    except IntegrityError as error:
        where = f"for {template.channel} in “{template.language}”"
        raise InvalidTemplate("name", f"There is a template “{template.key}” {where} already.") from error
