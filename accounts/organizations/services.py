"""Organizations: made with their roles, their first administrator, and whatever the upper apps add."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts import events, grants
from accounts.credentials import throttle
from accounts.members import services as members
from accounts.members.authority import authority_of
from accounts.models import Member, Organization, Role, User
from accounts.permissions import ADMIN, SYSTEM_ROLES
from activity.actor import Actor, ActorKind
from activity.ledger import record
from core.refused import Refused
from core.tenancy import organization_scope

# Words that stand in addresses already or would mislead.
RESERVED_SLUGS = frozenset({"admin", "api", "static", "webhooks", "health", "new", "parley"})


class SignUpClosed(Refused):
    """SIGN_UP_ENABLED is off."""

    status = 403

    def __init__(self) -> None:
        super().__init__("Sign-up is switched off here. Ask an administrator for an invitation.")


class EmailTaken(Refused):
    """A user has this e-mail address."""

    field, code = "email", "taken"

    def __init__(self) -> None:
        super().__init__("There is an account with this e-mail address. Sign in, or ask for a new password.")


class OwnFactorMissing(Refused):
    """Whoever requires a second factor of others has one."""

    status = 409

    def __init__(self) -> None:
        super().__init__(_("Set up a second factor of your own first, in your account under Security."))


@transaction.atomic
def create_organization(*, name: str, pack: str, owner: User, timezone: str = "") -> Member:
    """A new organization with the system's roles and its first administrator, who is returned.

    The upper apps add the pack's stages and the first channels in the same transaction, by their inline subscriptions
    to `organization.created`.
    """
    organization = Organization(name=name, slug=free_slug(name), pack=pack)
    if timezone:
        organization.timezone = timezone
    organization.full_clean(exclude=["slug"])
    actor = Actor.for_user(owner)
    admin = establish(organization, actor=actor, founder=owner)
    with organization_scope(organization):
        member = Member.objects.with_access().get(organization=organization, user=owner)
        record(events.MEMBER_ADDED, subject=member, actor=actor, payload={"role": admin.key})
    return member


def establish(organization: Organization, *, actor: Actor, founder: User | None = None) -> Role:
    """Save a new organization, cleaned before, with the system's roles; the administrators' role is returned.

    In the caller's transaction. A founder is its first administrator before the upper apps hear of it.
    """
    organization.save(force_insert=True)
    with organization_scope(organization):
        roles = Role.objects.bulk_create(
            Role(organization=organization, key=role.key, name=role.name, is_system=True)
            for role in SYSTEM_ROLES.values()
        )
        admin = next(role for role in roles if role.key == ADMIN.key)
        if founder is not None:
            Member.objects.create(organization=organization, user=founder, role=admin)
        payload = {"pack": organization.pack, "name": organization.name}
        record(
            events.ORGANIZATION_CREATED, subject=organization, organization=organization, actor=actor, payload=payload
        )
    return admin


def sign_up_from(*, address: str, **fields: str) -> Member:
    """`sign_up` for somebody at this address, who is not told of any number of e-mails whether they have an account.

    Raises TooManyAttempts, SignUpClosed or EmailTaken.
    """
    throttle.require_questions_left(about="sign-up", address=address)
    try:
        return sign_up(**fields)
    except EmailTaken:
        throttle.count_question(about="sign-up", address=address)
        raise


@transaction.atomic
def sign_up(*, email: str, password: str, name: str = "", organization: str = "", pack: str = "general") -> Member:
    """A new user with a new organization. The password has been validated.

    Raises SignUpClosed or EmailTaken.
    """
    if not settings.SIGN_UP_ENABLED:
        raise SignUpClosed
    try:
        with transaction.atomic():
            user = User.objects.create_user(email, password, name=name)
    except IntegrityError as error:
        raise EmailTaken from error
    return create_organization(name=organization or f"{user.get_short_name()}’s organization", pack=pack, owner=user)


@transaction.atomic
def require_second_factor(*, organization: Organization, is_required: bool, actor: Actor) -> Organization:
    """Ask for a second factor of every member, or no longer. Who has none is led to its page by the next request.

    Raises NotPermitted without `settings.edit`, or OwnFactorMissing for a member who has none: they would shut
    themselves out of undoing it.
    """
    locked = grants.lock(organization)
    authority = authority_of(actor, locked)
    authority.require("settings.edit")
    if locked.requires_second_factor == is_required:
        return locked
    if actor.kind is ActorKind.API_KEY:
        # How people sign in is no system's to decide.
        raise grants.NotPermitted("settings.edit")
    if is_required and not authority.is_installation:
        mine = User.objects.filter(second_factor_at__isnull=False)
        if authority.user_id is None or not mine.filter(pk=authority.user_id).exists():
            raise OwnFactorMissing
    locked.requires_second_factor = is_required
    locked.save(update_fields=["requires_second_factor"])
    changes = {"requires_second_factor": {"from": not is_required, "to": is_required}}
    record(events.ORGANIZATION_CHANGED, subject=locked, organization=locked, actor=actor, payload={"changes": changes})
    return locked


@transaction.atomic
def add_member(*, organization: Organization, user: User, role_key: str, actor: Actor) -> Member:
    """Make a user a member with one of the organization's roles. Raises Role.DoesNotExist, and as `members.add`."""
    role = Role.objects.get(organization=organization, key=role_key)
    return members.add(organization=organization, user=user, role=role, actor=actor)


def is_reserved(slug: str) -> bool:
    """Whether the address means something else already."""
    return slug in RESERVED_SLUGS


def free_slug(name: str) -> str:
    base = slugify(name)[:50].strip("-_") or "organization"
    slug = base
    while slug in RESERVED_SLUGS or Organization.objects.filter(slug=slug).exists():
        slug = f"{base}-{secrets.token_hex(3)}"
    return slug
