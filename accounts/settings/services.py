"""The settings of an organization: written in one transaction, with before and after in the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Final

from django.core.files.base import ContentFile
from django.db import transaction

from accounts import events, grants
from accounts.members.authority import authority_of
from accounts.models import Organization
from accounts.organizations import services as organizations
from accounts.organizations.values import checked
from accounts.settings.parts import PARTS
from activity.actor import Actor
from activity.ledger import record
from core import pictures

# To its longer side, twice what the largest place shows.
LOGO_SIZE: Final = 512
PLAIN: Final = ("name", "country", "timezone", "currency", "undo_seconds", "allows_impersonation")
SWITCHES: Final = ("allows_impersonation",)
# The contract's name of a column that is called otherwise.
COLUMNS: Final = {"country": "default_country"}


@transaction.atomic
def update(*, organization: Organization, actor: Actor, changes: Mapping[str, object]) -> Organization:
    """Set those of PLAIN, `requires_second_factor` and the registered parts that `changes` names.

    Raises InvalidSetting, which names the field, NotPermitted (`settings.edit`), OwnFactorMissing, and what the parts
    raise; ValueError for what is no setting. Nothing is written then.
    """
    known = {*PLAIN, "requires_second_factor", *(part.key for part in PARTS)}
    if unknown := set(changes) - known:
        raise ValueError(f"Not settable: {', '.join(sorted(unknown))}.")
    locked = grants.lock(organization)
    authority_of(actor, locked).require("settings.edit")
    changed: dict[str, dict[str, object]] = {}
    for name in PLAIN:
        if name not in changes:
            continue
        column = COLUMNS.get(name, name)
        value = bool(changes[name]) if name in SWITCHES else checked(name, changes[name])
        before = getattr(locked, column)
        if value != before:
            setattr(locked, column, value)
            changed[name] = {"from": before, "to": value}
    if changed:
        locked.save(update_fields=[COLUMNS.get(name, name) for name in changed])
        _record(locked, actor, changed)
    if "requires_second_factor" in changes:
        is_required = bool(changes["requires_second_factor"])
        organizations.require_second_factor(organization=locked, is_required=is_required, actor=actor)
    for part in PARTS:
        if part.key in changes:
            part.write(organization=locked, value=changes[part.key], actor=actor)
    return Organization.objects.get(pk=locked.pk)


@transaction.atomic
def set_logo(*, organization: Organization, actor: Actor, content: IO[bytes], size: int) -> None:
    """Show this picture for the organization: made anew, so that nothing else of the file is kept.

    Raises Invalid for what is no picture, or a too large one; NotPermitted without `settings.edit`.
    """
    locked = grants.lock(organization)
    authority_of(actor, locked).require("settings.edit")
    picture = pictures.fitted(content, size, side=LOGO_SIZE, field="logo")
    old = str(locked.logo or "")
    locked.logo.save("", ContentFile(picture), save=False)
    locked.save(update_fields=["logo"])
    _delete_after_commit(locked, old)
    _record(locked, actor, {"logo": {"from": bool(old), "to": True}})


@transaction.atomic
def remove_logo(*, organization: Organization, actor: Actor) -> None:
    """Show initials again. Raises NotPermitted without `settings.edit`."""
    locked = grants.lock(organization)
    authority_of(actor, locked).require("settings.edit")
    old = str(locked.logo or "")
    if not old:
        return
    locked.logo = ""
    locked.save(update_fields=["logo"])
    _delete_after_commit(locked, old)
    _record(locked, actor, {"logo": {"from": True, "to": False}})


def _record(organization: Organization, actor: Actor, changes: Mapping[str, object]) -> None:
    payload = {"changes": dict(changes)}
    record(events.ORGANIZATION_CHANGED, subject=organization, organization=organization, actor=actor, payload=payload)


def _delete_after_commit(organization: Organization, name: str) -> None:
    if name:
        storage = organization.logo.storage
        transaction.on_commit(lambda: storage.delete(name))
