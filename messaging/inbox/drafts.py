"""What a member has written and not sent, kept for them: in every browser of theirs, and for nobody else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import JSONObject
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Member
from core.refused import Refused
from core.text_safety import is_storable
from messaging.delivery.drafts import InvalidText
from messaging.models import Conversation, Draft, Template

MAX_LENGTH: Final = 100_000
MAX_LENGTHS: Final = {"body": MAX_LENGTH, "subject": 255, "cc": 2000}
COLUMNS: Final = ("body", "subject", "cc", "template_id", "version", "updated_at")
REPLY_ONLY: Final = ("subject", "cc", "template")


class Outdated(Refused):
    """The draft was saved, sent or thrown away since; `draft` is what it is now."""

    status, code = 409, "stale"

    def __init__(self, draft: Draft) -> None:
        super().__init__(_("This draft was changed in another window."))
        self.draft = draft


def subqueries(member: Member) -> dict[str, Subquery]:
    """For a query of conversations: the member's drafts come along, and `drafts_of` asks for nothing more."""
    columns = JSONObject(**{name: name for name in ("id", *COLUMNS)})
    rows = _own(member).filter(conversation=OuterRef("pk")).order_by()
    return {f"saved_{mode}": Subquery(rows.filter(mode=mode).values(row=columns)[:1]) for mode in Draft.Mode.values}


def drafts_of(conversation: Conversation, member: Member) -> dict[str, Draft]:
    """By mode, both of them; one that was never saved has version 0. One query, or none (see `subqueries`)."""
    if all(hasattr(conversation, f"saved_{mode}") for mode in Draft.Mode.values):
        saved = {mode: _of_json(conversation, member, mode) for mode in Draft.Mode.values}
    else:
        rows = _own(member).filter(conversation=conversation).select_related("template")
        saved = {draft.mode: draft for draft in rows}
    return {mode: saved.get(mode) or _unsaved(conversation, member, mode) for mode in Draft.Mode.values}


def _own(member: Member) -> QuerySet[Draft]:
    """The member's, and nobody's for who only looks as they would."""
    return Draft.objects.none() if member.looked_through_by is not None else Draft.objects.filter(member=member)


def _of_json(conversation: Conversation, member: Member, mode: str) -> Draft | None:
    row: dict[str, object] | None = getattr(conversation, f"saved_{mode}")
    if not row:
        return None
    draft = _unsaved(conversation, member, mode)
    draft._state.adding = False
    fields = {field.attname: field for field in Draft._meta.concrete_fields}
    for name in ("id", *COLUMNS):
        setattr(draft, name, fields[name].to_python(row[name]))
    if timezone.is_naive(draft.updated_at):  # SQLite's JSON has no zone
        draft.updated_at = timezone.make_aware(draft.updated_at, UTC)
    return draft


def draft_of(conversation: Conversation, member: Member, mode: str) -> Draft:
    """The draft of a mode; one that was never saved has version 0."""
    return drafts_of(conversation, member)[mode]


@transaction.atomic
def save(
    *,
    conversation: Conversation,
    member: Member,
    mode: str,
    body: str,
    subject: str = "",
    cc: str = "",
    template: Template | None = None,
    version: int | None = None,
) -> Draft:
    """Save a text. `version` is that of the draft that the text replaces; None replaces any.

    Raises InvalidText, or Outdated where the draft has changed; then nothing is written.
    """
    values: dict[str, object] = {"body": body, "subject": subject, "cc": cc, "template": template}
    _require_good(mode, values)
    draft = locked(conversation, member, mode)
    if version is not None and version != draft.version:
        raise Outdated(draft)
    return _write(draft, values)


@transaction.atomic
def empty(*, conversation: Conversation, member: Member, mode: str) -> Draft:
    """Empty a draft that was sent or discarded. A save of an earlier version is refused as Outdated."""
    return _write(locked(conversation, member, mode), {"body": "", "subject": "", "cc": "", "template": None})


def _unsaved(conversation: Conversation, member: Member, mode: str) -> Draft:
    return Draft(
        organization_id=conversation.organization_id, conversation=conversation, member=member, mode=mode, version=0
    )


def locked(conversation: Conversation, member: Member, mode: str) -> Draft:
    """The draft's row, locked; not yet in the database where there was none and nobody else makes one now."""
    for name in Draft.Mode.values:  # what came along with the conversation is old after this
        vars(conversation).pop(f"saved_{name}", None)
    rows = Draft.objects.select_for_update().filter(conversation=conversation, member=member, mode=mode)
    row = rows.first()
    if row is not None:
        return row
    try:
        with transaction.atomic():
            draft = _unsaved(conversation, member, mode)
            draft.save(force_insert=True)
            return draft
    except IntegrityError:  # another window was first
        return rows.get()


def _write(draft: Draft, values: Mapping[str, object]) -> Draft:
    for name, value in values.items():
        setattr(draft, name, value)
    draft.version += 1
    draft.updated_at = timezone.now()
    draft.save()
    return draft


def _require_good(mode: str, values: Mapping[str, Any]) -> None:
    for name, longest in MAX_LENGTHS.items():
        if len(values[name]) > longest:
            raise InvalidText(_("At most %(count)d characters.") % {"count": longest}, field=name)
        if not is_storable(values[name]):
            raise InvalidText(_("This text has characters that can’t be stored."), field=name)
    if mode == Draft.Mode.NOTE:
        for name in REPLY_ONLY:
            if values[name]:
                raise InvalidText(_("A private note has only a body."), field=name)
