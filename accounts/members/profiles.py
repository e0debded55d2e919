"""What colleagues see of a person, and what is sent in their name: name, phone, signature, photo.

The name and the photo are the user's, the same in every organization; phone and signature are of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Final

from django.core.files.base import ContentFile
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import events, grants
from accounts.members.authority import Authority, authority_of
from accounts.members.services import OtherOrganizations, Removed
from accounts.models import Member, User
from activity.actor import Actor
from activity.ledger import record
from core import phones, pictures
from core.refused import Invalid
from core.tenancy import every_organization

MAX_NAME_LENGTH: Final = 150
MAX_SIGNATURE_LENGTH: Final = 2_000
# To each side, twice what the largest place shows.
PHOTO_SIZE: Final = 256


@transaction.atomic
def change(*, member: Member, actor: Actor, changes: Mapping[str, str]) -> Member:
    """Set `name`, `phone` (as people write it; kept as E.164) or `signature`; what is so already is no change.

    Raises Invalid and InvalidPhone, which name the field; for somebody else's Above, NotPermitted (`users.edit`),
    Removed, and OtherOrganizations for the name of who belongs to others as well.
    """
    locked = _locked(member, actor)
    user = locked.user
    given = _cleaned(changes, locked)
    changed = []
    if given.get("name", user.name) != user.name:
        _require_whole_person(locked, actor)
        user.name = given["name"]
        user.save(update_fields=["name"])
        changed.append("name")
    own = [name for name in ("phone", "signature") if given.get(name, getattr(locked, name)) != getattr(locked, name)]
    if own:
        for name in own:
            setattr(locked, name, given[name])
        locked.save(update_fields=own)
        changed += own
    if changed:
        record(events.PROFILE_CHANGED, subject=locked, actor=actor, payload={"fields": changed})
    return locked


@transaction.atomic
def set_photo(*, member: Member, actor: Actor, content: IO[bytes], size: int) -> None:
    """Show this picture of the person: made anew as a square of ours, so that nothing else of the file is kept.

    Raises Invalid for what is no picture, or a too large one, and as `change` for a name.
    """
    locked = _locked(member, actor)
    _require_whole_person(locked, actor)
    picture = pictures.squared(content, size, side=PHOTO_SIZE, field="photo")
    user, old = locked.user, str(locked.user.photo or "")
    user.photo.save("", ContentFile(picture), save=False)
    user.save(update_fields=["photo"])
    _delete_after_commit(user, old)
    record(events.PROFILE_CHANGED, subject=locked, actor=actor, payload={"fields": ["photo"]})


@transaction.atomic
def remove_photo(*, member: Member, actor: Actor) -> None:
    """Show initials again. Raises as `change` for a name."""
    locked = _locked(member, actor)
    user, old = locked.user, str(locked.user.photo or "")
    if not old:
        return
    _require_whole_person(locked, actor)
    user.photo = ""
    user.save(update_fields=["photo"])
    _delete_after_commit(user, old)
    record(events.PROFILE_CHANGED, subject=locked, actor=actor, payload={"fields": ["photo"]})


def _locked(member: Member, actor: Actor) -> Member:
    """The member as they are by now, who is the actor or whom the actor may change."""
    grants.lock(member.organization)
    authority = authority_of(actor, member.organization)
    locked = Member.objects.with_access().get(pk=member.pk)
    if not _is_oneself(locked, authority):
        authority.require("users.edit")
        authority.require_not_above(locked)
    if locked.removed_at is not None:
        raise Removed
    return locked


def _require_whole_person(member: Member, actor: Actor) -> None:
    """Raises OtherOrganizations: what is the user's everywhere is not for one organization to change."""
    authority = authority_of(actor, member.organization)
    if _is_oneself(member, authority) or authority.is_installation:
        return
    with every_organization("the name is the user's, whichever organizations they are in"):
        others = Member.objects.active().filter(user=member.user).exclude(organization=member.organization)
        if others.exists():
            raise OtherOrganizations


def _is_oneself(member: Member, authority: Authority) -> bool:
    return member.user_id == authority.user_id


def _cleaned(changes: Mapping[str, str], member: Member) -> dict[str, str]:
    given = dict(changes)
    if "name" in given:
        given["name"] = " ".join(given["name"].split())
        if not given["name"]:
            raise Invalid("name", _("Give a name."))
        if len(given["name"]) > MAX_NAME_LENGTH:
            raise Invalid("name", _("This name is too long."))
    if given.get("phone"):
        given["phone"] = phones.parse(given["phone"], country=member.organization.default_country)
    if "signature" in given:
        given["signature"] = given["signature"].replace("\r\n", "\n").strip()
        if len(given["signature"]) > MAX_SIGNATURE_LENGTH:
            raise Invalid("signature", _("At most %(most)s characters.") % {"most": MAX_SIGNATURE_LENGTH})
    return given


def _delete_after_commit(user: User, name: str) -> None:
    if name:
        storage = user.photo.storage
        transaction.on_commit(lambda: storage.delete(name))
