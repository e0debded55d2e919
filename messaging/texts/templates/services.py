"""Creating, changing and deleting templates, and picking one by language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.text import slugify

from accounts.models import Organization, User
from activity.actor import Actor
from activity.ledger import record
from core.refused import Invalid
from customers.models import CustomField
from customers.packs import Pack
from customers.packs.words import LANGUAGE
from customers.people.custom_fields import services as custom_fields
from messaging import events
from messaging.channels import registry
from messaging.channels.abilities import HasContent
from messaging.channels.base import Kind
from messaging.channels.text import clean
from messaging.files.kinds import is_shown_alone
from messaging.models import MediaFile, Template
from messaging.models.template import ANY_LANGUAGE
from messaging.texts import placeholders, rendering

SETTABLE = frozenset(
    {
        "name", "channel", "language", "category", "subject", "body", "provider_template_id",
        "content_variables", "sharing", "team",
    }
)  # fmt: skip
MAX_LENGTH = {"name": 120, "category": 60, "subject": 200, "body": 20_000, "provider_template_id": 64}
MAX_FILES = 10
# Of a template that was read from the provider.
SET_BY_PROVIDER = ("body", "provider_template_id", "channel", "language")
MAX_KEY_LENGTH = 40
MAX_COUNT = 1000


# What the API calls a field, where that is not our own name for it.
API_NAMES = {"provider_template_id": "content_sid"}


class InvalidTemplate(Invalid):
    """A value that a template can’t have."""


@transaction.atomic
def create(
    *, organization: Organization, actor: Actor, key: str = "", files: Sequence[MediaFile] = (), **fields: object
) -> Template:
    """A new template; its key is made of the name where none is given. Raises InvalidTemplate."""
    if Template.objects.filter(organization=organization).count() >= MAX_COUNT:
        raise InvalidTemplate("name", f"At most {MAX_COUNT} templates.")
    template = Template(organization=organization, created_by_id=actor.user_id)
    _set(template, {"language": ANY_LANGUAGE, **fields})
    template.key = key or slugify(template.name).replace("-", "_")[:MAX_KEY_LENGTH] or "template"
    if len(template.key) > MAX_KEY_LENGTH or slugify(template.key).replace("-", "_") != template.key.replace("-", "_"):
        raise InvalidTemplate("key", f"Small letters, digits, _ or -; at most {MAX_KEY_LENGTH}.")
    _require_files(template, files)
    _save(template)
    template.files.set(files)
    record(events.TEMPLATE_CREATED, subject=template, actor=actor, payload={"key": template.key, "name": template.name})
    return template


@transaction.atomic
def update(
    *, template: Template, actor: Actor, changes: Mapping[str, object], files: Sequence[MediaFile] | None = None
) -> Template:
    """Set fields, and its files where some are given; the key is for good, since rules call it by that.

    Raises InvalidTemplate; the text of one that the provider holds is changed there.
    """
    current = Template.objects.select_for_update(of=("self",)).select_related("organization").get(pk=template.pk)
    before = {name: getattr(current, name) for name in SETTABLE}
    if current.content and any(name in changes and changes[name] != before[name] for name in SET_BY_PROVIDER):
        raise InvalidTemplate("body", "This template’s text is held by the provider. Change it there.")
    if changes:
        _set(current, changes)
    changed = {
        name: {"from": before[name], "to": getattr(current, name)}
        for name in sorted(SETTABLE)
        if before[name] != getattr(current, name)
    }
    if changed:
        current.updated_at = timezone.now()
        _save(current)
        changed = {name: {side: _plain(value) for side, value in sides.items()} for name, sides in changed.items()}
        record(events.TEMPLATE_CHANGED, subject=current, actor=actor, payload={"key": current.key, "changes": changed})
    if files is not None:
        _require_files(current, files)
        current.files.set(files)
    return current


@transaction.atomic
def delete(*, template: Template, actor: Actor) -> None:
    """Take a template away; what was sent with it stays."""
    payload = {"key": template.key, "name": template.name}
    record(events.TEMPLATE_DELETED, subject=template, actor=actor, payload=payload)
    template.delete()


@transaction.atomic
def give(*, template: Template, before: User, author: User, actor: Actor) -> bool:
    """Make a template somebody else's; False where it is `before`'s no more."""
    rows = Template.objects.select_for_update(of=("self",)).select_related("organization")
    current = rows.filter(pk=template.pk, created_by=before).first()
    if current is None:
        return False
    current.created_by, current.updated_at = author, timezone.now()
    current.save(update_fields=["created_by", "updated_at"])
    changes = {"created_by": {"from": str(before.pk), "to": str(author.pk)}}
    record(events.TEMPLATE_CHANGED, subject=current, actor=actor, payload={"key": current.key, "changes": changes})
    return True


@transaction.atomic
def release_from_team(*, team_id: str) -> None:
    """Of a team that goes: what only it shared is its author's again, and everybody's where it has none."""
    rows = Template.objects.filter(sharing=Template.Sharing.TEAM, team_id=team_id)
    rows.filter(created_by=None).update(sharing=Template.Sharing.EVERYBODY, team=None)
    rows.update(sharing=Template.Sharing.AUTHOR, team=None)


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
    return for_language(list(Template.objects.filter(key=key, channel=channel).order_by("language", "id")), language)


def for_language(rows: Sequence[Template], language: str) -> Template | None:
    """The same of templates that were read already; None of none."""
    requested = language.lower()
    for one in (requested, requested.split("-")[0], ANY_LANGUAGE):
        for row in rows:
            if one and row.language.lower() == one:
                return row
    return rows[0] if rows else None


def _invalid(name: str, detail: str) -> InvalidTemplate:
    return InvalidTemplate(API_NAMES.get(name, name), detail)


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, str | dict) else str(value)


def _require_files(template: Template, files: Sequence[MediaFile]) -> None:
    if len(files) > MAX_FILES:
        raise InvalidTemplate("files", f"At most {MAX_FILES} files.")
    if files and (template.is_content or template.channel not in (Kind.EMAIL, Kind.WHATSAPP)):
        raise InvalidTemplate("files", "Files go with e-mails and with free WhatsApp texts only.")
    if template.channel == Kind.WHATSAPP and (len(files) > 1 or any(is_shown_alone(file) for file in files)):
        raise InvalidTemplate("files", "A WhatsApp text carries one file, and no sound, sticker or contact card.")
    if any(file.organization_id != template.organization_id for file in files):
        raise InvalidTemplate("files", "There is no such file.")


def _set(template: Template, values: Mapping[str, object]) -> None:
    unknown = set(values) - SETTABLE
    if unknown:
        raise InvalidTemplate(min(unknown), "This can’t be changed.")
    for name, value in values.items():
        setattr(template, name, clean(value).strip() if isinstance(value, str) else value)
    for name in ("name", "subject"):
        if name in values:
            setattr(template, name, " ".join(getattr(template, name).split()))
    for name, longest in MAX_LENGTH.items():
        if len(getattr(template, name)) > longest:
            raise _invalid(name, f"At most {longest} characters.")
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
    if template.provider_template_id and template.channel != Kind.WHATSAPP:
        raise _invalid("provider_template_id", "Only WhatsApp has templates that the provider approves.")
    if template.provider_template_id and (problem := _id_problem(template.provider_template_id)):
        raise _invalid("provider_template_id", problem)
    if template.sharing not in Template.Sharing.values:
        raise InvalidTemplate("sharing", f"Use one of {', '.join(Template.Sharing.values)}.")
    if (template.sharing == Template.Sharing.TEAM) is not (template.team is not None):
        raise InvalidTemplate("team", "Name the team that shares it, and only then.")
    if template.team is not None and template.team.organization_id != template.organization_id:
        raise InvalidTemplate("team", "There is no such team.")


def _id_problem(template_id: str) -> str:
    """Why no provider has a template of this id; empty where one may have it."""
    holders = (one for one in registry.providers().values() if isinstance(one, HasContent))
    problems = [one.template_id_problem(template_id) for one in holders]
    return problems[0] if all(problems) else ""


def _check_placeholders(template: Template) -> None:
    variables = template.content_variables
    if not isinstance(variables, dict) or not all(isinstance(text, str) for text in variables.values()):
        raise InvalidTemplate("content_variables", "An object is needed: the number of each variable and its text.")
    if len(variables) > placeholders.MAX_COUNT or not all(rendering.VARIABLE.fullmatch(str(key)) for key in variables):
        raise InvalidTemplate("content_variables", "Variables are called 1, 2, 3 or by a word, as in the template.")
    known = [field.key for field in custom_fields.definitions(CustomField.Entity.CUSTOMER)]
    texts = [("subject", template.subject), ("body", template.body)]
    for name, text in [*texts, *(("content_variables", text) for text in variables.values())]:
        try:
            names = rendering.variable_names(template) if name == "body" and template.is_content else ()
            placeholders.check(text, fields=known, variables=names)
        except placeholders.InvalidPlaceholder as error:
            raise InvalidTemplate(name, str(error)) from error


def _save(template: Template) -> None:
    try:
        with transaction.atomic():
            template.save()
    except IntegrityError as error:
        where = f"for {template.channel} in “{template.language}”"
        raise InvalidTemplate("name", f"There is a template “{template.key}” {where} already.") from error
