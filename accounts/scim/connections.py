"""The connection of an organization's directory: who sets it up, its token, and what it may give.

Whoever sets it up decides who comes in and as whom mail is sent, so it takes all that anybody in the organization may
do, as for a sign-in provider. A directory shuts out whomever it likes, but for the last administrator. What it gives (a
role, an access that was ended) it gives on the word of who configured it, who is asked again each time.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import events, grants
from accounts.credentials.readiness import require_open
from accounts.members.authority import own_role
from accounts.models import Member, Organization, Role, ScimConnection, ScimFailure
from accounts.openid.queries import provider_of
from accounts.openid.services import may_configure
from accounts.scim.errors import Forbidden
from activity.actor import Actor, ActorKind
from activity.ledger import record
from core.fields import one_line
from core.refused import Invalid, Refused
from core.tenancy import every_organization

PREFIX: Final = "scim_"
ROTATION_OVERLAP: Final = timedelta(days=1)
NOTED_EVERY: Final = timedelta(minutes=1)
FAILURES_KEPT: Final = 50
MAX_NAME_LENGTH: Final = 60
SETTABLE: Final = ("name", "role", "maps_groups", "binds_sign_in")


class NotAdministrator(Refused):
    """Less than all permissions: by a directory one could let somebody in who may do more."""

    status = 403

    def __init__(self) -> None:
        super().__init__(_("Only an administrator connects a directory."))


class Connected(Refused):
    """An organization has one directory."""

    status = 409

    def __init__(self) -> None:
        super().__init__(_("A directory is connected already."))


def connection_of(organization: Organization) -> ScimConnection | None:
    """The organization's connection, on or off."""
    rows = ScimConnection.objects.select_related("organization", "role", "configured_by__user", "configured_by__role")
    return rows.filter(organization=organization).first()


@transaction.atomic
def create(
    *, organization: Organization, by: Member, actor: Actor, changes: Mapping[str, object]
) -> tuple[ScimConnection, str]:
    """A connection with `name`, `role`, `maps_groups` and `binds_sign_in`; and its token, shown this once.

    Raises NotAdministrator, Connected, or Invalid with the field.
    """
    acting = _acting(organization, by)
    if ScimConnection.objects.filter(organization=organization).exists():
        raise Connected
    connection = ScimConnection(organization=organization, configured_by=acting)
    _set(connection, {"name": "", "role": None, **changes})
    token = _give_token(connection)
    connection.save(force_insert=True)
    payload = {"name": connection.name, "role": connection.role.key if connection.role else ""}
    record(events.SCIM_CREATED, subject=connection, actor=actor, payload=payload)
    return connection, token


@transaction.atomic
def save(*, connection: ScimConnection, by: Member, actor: Actor, changes: Mapping[str, object]) -> ScimConnection:
    """Change what the connection does. From then on it gives on the word of who saved it.

    Raises NotAdministrator, Gone, or Invalid with the field.
    """
    acting = _acting(connection.organization, by)
    locked = _read_again(connection)
    fields = _set(locked, changes)
    if locked.configured_by_id != acting.pk:
        locked.configured_by = acting
        fields.append("configured_by")
    if fields:
        locked.save(update_fields=fields)
        record(events.SCIM_CHANGED, subject=locked, actor=actor, payload={"name": locked.name, "fields": fields})
    return locked


def take_over(*, connection: ScimConnection, by: Member, actor: Actor) -> ScimConnection:
    """Have the connection give on this member's word, in the caller's transaction. Raises NotAdministrator, Gone."""
    return save(connection=connection, by=by, actor=actor, changes={})


@transaction.atomic
def rotate(*, connection: ScimConnection, by: Member, actor: Actor) -> tuple[ScimConnection, str]:
    """A new token; the one of before stays good for a day. One that is off is on again, with this token alone.

    Raises NotAdministrator, Gone.
    """
    _acting(connection.organization, by)
    locked = _read_again(connection)
    locked.previous_hash, locked.previous_until = None, None
    if locked.is_enabled:
        locked.previous_hash, locked.previous_until = locked.token_hash, timezone.now() + ROTATION_OVERLAP
    locked.is_enabled = True
    token = _give_token(locked)
    locked.save(update_fields=["is_enabled", "token_hash", "token_prefix", "previous_hash", "previous_until"])
    payload = {"name": locked.name, "prefix": locked.token_prefix}
    record(events.SCIM_ROTATED, subject=locked, actor=actor, payload=payload)
    return locked, token


@transaction.atomic
def turn_off(*, connection: ScimConnection, by: Member, actor: Actor) -> None:
    """No token is good from the next request on. Members and teams stay as they are. Raises NotAdministrator, Gone."""
    _acting(connection.organization, by)
    locked = _read_again(connection)
    if not locked.is_enabled:
        return
    locked.is_enabled, locked.token_hash, locked.token_prefix = False, None, ""
    locked.previous_hash, locked.previous_until = None, None
    locked.save(update_fields=["is_enabled", "token_hash", "token_prefix", "previous_hash", "previous_until"])
    record(events.SCIM_TURNED_OFF, subject=locked, actor=actor, payload={"name": locked.name})


def find(token: str) -> ScimConnection | None:
    """The connection that the token opens. Raises OrganizationSuspended; of a deleted one nobody is told."""
    now, digest = timezone.now(), _hash(token)
    with every_organization("the token names its organization"):
        rows = ScimConnection.objects.select_related("organization").filter(
            Q(token_hash=digest) | Q(previous_hash=digest, previous_until__gt=now),
            is_enabled=True,
            organization__deleted_at=None,
        )
        connection = rows.first()
        if connection is not None:
            require_open(connection.organization)
        # To the minute is enough to see one that is not used, and spares a write on each request.
        before = now - NOTED_EVERY
        if connection is not None and (connection.last_used_at is None or connection.last_used_at < before):
            rows.filter(pk=connection.pk).update(last_used_at=now)
    return connection


def actor_of(connection: ScimConnection, request_id: str = "") -> Actor:
    """Who acts when a request comes by the connection."""
    return Actor(ActorKind.SCIM, str(connection.pk), connection.actor_label, request_id=request_id)


def may_give(connection: ScimConnection, role: Role | None) -> bool:
    """Whether who configured the connection may give the role by now."""
    if role is None or connection.configured_by_id is None:
        return False
    sponsor = Member.objects.active().with_access().filter(pk=connection.configured_by_id).first()
    return sponsor is not None and sponsor.may("users.create") and grants.covers(sponsor, role)


def require_may_give(connection: ScimConnection, role: Role | None) -> None:
    """Raises Forbidden for a role that who configured the connection may not give any more. Asked under the lock."""
    if not may_give(connection, role):
        raise Forbidden(
            "Whoever configured this connection may no longer let people in with this role. "
            "An administrator has to save its settings in Parley again."
        )


def lock(connection: ScimConnection) -> None:
    """Let no other change of members and teams come between, until the transaction ends."""
    grants.lock(connection.organization)


def note_failure(connection: ScimConnection, *, method: str, path: str, status: int, detail: str) -> None:
    """Keep what was refused, for the page; of all of them the newest 50."""
    ScimFailure.objects.create(
        organization=connection.organization,
        connection=connection,
        method=method[:10],
        path=one_line(path)[:200],
        status=status,
        detail=one_line(detail)[:500],
    )
    rows = ScimFailure.objects.filter(connection=connection).order_by("-at", "-pk").values_list("pk", flat=True)
    if old := list(rows[FAILURES_KEPT : FAILURES_KEPT + 100]):
        ScimFailure.objects.filter(pk__in=old).delete()


def _acting(organization: Organization, by: Member) -> Member:
    grants.lock(organization)
    acting = grants.acting(by, "settings.edit")
    if not may_configure(acting):
        raise NotAdministrator
    return acting


def _read_again(connection: ScimConnection) -> ScimConnection:
    rows = ScimConnection.objects.select_related("organization", "role").select_for_update(of=("self",))
    locked = rows.filter(pk=connection.pk).first()
    if locked is None:
        raise grants.Gone
    return locked


def _set(connection: ScimConnection, changes: Mapping[str, object]) -> list[str]:
    """Set it; the names of what is another value now. Raises Invalid; ValueError for what is not settable."""
    if unknown := set(changes) - set(SETTABLE):
        raise ValueError(f"Not settable: {', '.join(sorted(unknown))}.")
    given = dict(changes)
    if "name" in given:
        given["name"] = _name(str(given["name"]))
    if "role" in given:
        role = given["role"]
        if own_role(connection.organization, role if isinstance(role, Role) else None).is_administrator:
            raise Invalid("role", _("Nobody becomes an administrator by a directory. Choose another role."))
    if given.get("binds_sign_in") and provider_of(connection.organization) is None:
        raise Invalid("binds_sign_in", _("Set up the sign-in provider first."))
    changed = [name for name, value in given.items() if getattr(connection, name) != value]
    for name in changed:
        setattr(connection, name, given[name])
    return changed


def _name(text: str) -> str:
    name = one_line(" ".join(text.split()))
    if not name:
        raise Invalid("name", _("Say what the directory is called, such as Entra ID or Okta."))
    if len(name) > MAX_NAME_LENGTH:
        raise Invalid("name", _("At most %(count)s characters.") % {"count": MAX_NAME_LENGTH})
    return name


def _give_token(connection: ScimConnection) -> str:
    token = PREFIX + secrets.token_urlsafe(32)
    connection.token_hash, connection.token_prefix = _hash(token), token[:10]
    return token


def _hash(token: str) -> str:
    # The token has 256 random bits: a slow hash would add nothing but time to every request.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
