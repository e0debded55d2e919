"""Setting a provider up, connecting accounts with it, and finding who signs in by it.

Whoever sets a provider up decides who may sign in as whom, so it takes all that anybody in the organization may do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import events, grants
from accounts.credentials import browser_sessions, notices
from accounts.members import services as members
from accounts.members.authority import own_role
from accounts.models import Member, Organization, Passkey, ProviderLink, Role, SecurityNotice, SignInProvider, User
from accounts.openid import discovery, queries
from accounts.openid.discovery import Endpoints
from accounts.openid.id_tokens import Identity
from accounts.permissions import CATALOG, Reach
from activity.actor import SYSTEM, Actor
from activity.ledger import record
from core.refused import Invalid, Refused
from core.tenancy import every_organization, organization_scope

MAX_FACTOR_VALUES: Final = 20
ENDPOINTS_KEPT: Final = timedelta(days=1)
_OWN: Final = ("name", "issuer", "client_id", "client_secret", "is_enabled", "role", "factor_values")
_OF_ORGANIZATION: Final = ("allows_passwords", "password_keeper")


class NotAdministrator(Refused):
    """Less than all permissions: by a provider one could come to be somebody who may do more."""

    status = 403

    def __init__(self) -> None:
        super().__init__(_("Only an administrator sets up how people sign in."))


class NotConnected(Refused):
    """Nobody here has connected this account of the provider."""

    status = 403

    def __init__(self, provider: SignInProvider) -> None:
        super().__init__(
            _(
                "This account at %(provider)s is not connected with anybody here. Sign in with your password, and "
                "connect it in your account, under Security."
            )
            % {"provider": provider.name}
        )


class AccessEnded(Refused):
    """The account is connected with a member who was shut out."""

    status = 403

    def __init__(self) -> None:
        super().__init__(_("Your access to this organization was ended. Ask an administrator there."))


class ConnectedElsewhere(Refused):
    """The provider's account is connected with another member."""

    status = 409

    def __init__(self) -> None:
        super().__init__(_("This account of the provider is connected with another member already."))


class OnlyWay(Refused):
    """The member would be left without any way in."""

    status = 409

    def __init__(self) -> None:
        super().__init__(_("You have no password yet. Set one first: “Forgotten your password?” on the sign-in page."))


@dataclass(frozen=True, slots=True)
class Rules:
    """Who may do what with the provider, as stored in the organization."""

    allows_passwords: bool
    password_keeper: Member | None


def may_configure(by: Member) -> bool:
    """Whether the member may do all that anybody may."""
    return by.permissions >= CATALOG and by.reach is Reach.ALL


@transaction.atomic
def save(
    *,
    organization: Organization,
    by: Member,
    actor: Actor,
    changes: Mapping[str, object],
    endpoints: Endpoints | None = None,
    keep: str | None = None,
) -> SignInProvider:
    """Set the provider up, or change it: `name`, `issuer` (with the `endpoints` that were read there), `client_id`,
    `client_secret`, `is_enabled`, `role` (a Role or None), `factor_values`, and of the organization `allows_passwords`
    and `password_keeper` (a Member or None). What is so already is no change. Sessions that were begun by another
    issuer, or by a provider that is switched off, end; not the one with the key `keep`.

    Raises NotAdministrator, or Invalid with the field.
    """
    locked = grants.lock(organization)
    acting = grants.acting(by, "settings.edit")
    if not may_configure(acting):
        raise NotAdministrator
    provider = SignInProvider.objects.select_for_update(of=("self",)).filter(organization=locked).first()
    provider = provider or SignInProvider(organization=locked)
    is_new = provider._state.adding
    given = {name: changes[name] for name in _OWN if name in changes}
    changed = [name for name, value in given.items() if is_new or getattr(provider, name) != value]
    if isinstance(role := given.get("role"), Role):
        _require_role(locked, role)
    for name in changed:
        setattr(provider, name, given[name])
    if is_new and not (provider.issuer and provider.client_id and provider.client_secret and endpoints):
        raise Invalid("issuer", _("Give issuer, client id and client secret."))
    if endpoints is not None:
        provider.endpoints, provider.endpoints_read_at = endpoints.as_json(), timezone.now()
    elif "issuer" in changed:
        raise Invalid("issuer", _("The issuer was not asked for its addresses."))
    provider.full_clean(exclude=["organization", "endpoints", "client_secret"])
    provider.save()
    if not is_new and ({"issuer", "client_id"} & set(changed) or not provider.is_enabled):
        _end_sessions(provider, keep)
    changed += _set_rules(locked, provider, acting, changes)
    if changed:
        payload = {"provider": provider.name, "fields": changed}
        record(events.PROVIDER_SAVED, subject=provider, actor=actor, payload=payload)
    return provider


@transaction.atomic
def delete(*, provider: SignInProvider, by: Member, actor: Actor, keep: str | None = None) -> None:
    """Sign nobody in by it any more: sessions by it end, connections are gone, and passwords are good again.

    Raises NotAdministrator.
    """
    locked = grants.lock(provider.organization)
    if not may_configure(grants.acting(by, "settings.edit")):
        raise NotAdministrator
    _end_sessions(provider, keep)
    locked.allows_passwords, locked.password_keeper = True, None
    locked.save(update_fields=["allows_passwords", "password_keeper"])
    record(events.PROVIDER_DELETED, subject=provider, actor=actor, payload={"provider": provider.name})
    provider.delete()


@transaction.atomic
def connect(*, member: Member, provider: SignInProvider, identity: Identity) -> ProviderLink:
    """Let this account of the provider sign the member in, in place of one of before; they are told by mail.

    For who has shown just now that they are the member, and that they have the account. Raises ConnectedElsewhere.
    """
    with organization_scope(provider.organization):
        grants.lock(provider.organization)
        taken = ProviderLink.objects.filter(provider=provider, issuer=identity.issuer, subject=identity.subject)
        if taken.exclude(member=member).exists():
            raise ConnectedElsewhere
        return _connect(member, provider, identity)


@transaction.atomic
def bind(*, member: Member, provider: SignInProvider, subject: str, actor: Actor) -> ProviderLink:
    """Let the account with this subject sign in a member who has no other way in yet, on the organization's word.

    For its directory, which makes the member in the same transaction: the provider opens this organization only, and
    whoever configures the directory may configure the provider as well. Raises ConnectedElsewhere.
    """
    grants.lock(provider.organization)
    if ProviderLink.objects.filter(provider=provider, issuer=provider.issuer, subject=subject).exists():
        raise ConnectedElsewhere
    link = ProviderLink.objects.create(
        organization=provider.organization,
        provider=provider,
        member=member,
        issuer=provider.issuer,
        subject=subject,
        label=member.user.email,
    )
    record(events.PROVIDER_CONNECTED, subject=member, actor=actor, payload={"provider": provider.name})
    return link


@transaction.atomic
def disconnect(*, member: Member, actor: Actor, keep: str | None = None) -> bool:
    """Undo it; sessions that the account began end. Whether there was one. Raises OnlyWay."""
    grants.lock(member.organization)
    link = ProviderLink.objects.select_related("provider").filter(member=member).first()
    if link is None:
        return False
    if not member.user.has_usable_password() and not Passkey.objects.filter(user=member.user).exists():
        raise OnlyWay
    link.delete()
    browser_sessions.end_by_provider(link.provider, user=member.user, keep=keep)
    payload = {"provider": link.provider.name}
    record(events.PROVIDER_DISCONNECTED, subject=member, actor=actor, payload=payload)
    notices.notify(user=member.user, kind=SecurityNotice.Kind.DISCONNECTED, provider=link.provider.name)
    return True


@transaction.atomic
def member_for(*, provider: SignInProvider, identity: Identity) -> Member:
    """Whom the identity signs in, found by issuer and subject alone; or a new member, where the provider makes some.

    Raises AccessEnded or NotConnected, also for a new person whose address is not verified, or has an account here:
    that account is its owner's.
    """
    with organization_scope(provider.organization):
        link = _link(provider, identity)
        if link is None:
            return _newcomer(provider, identity)
        member = link.member
        if not member.is_active or not member.user.is_active or not member.organization.is_active:
            raise AccessEnded
        ProviderLink.objects.filter(pk=link.pk).update(last_used_at=timezone.now())
        return member


def renew_endpoints(provider: SignInProvider) -> None:
    """Ask the provider for its addresses again where that was long ago; the old ones are good until it answers."""
    if provider.endpoints_read_at > timezone.now() - ENDPOINTS_KEPT:
        return
    try:
        endpoints = discovery.read(provider.issuer)
    except discovery.ProviderUnusable:
        return
    provider.endpoints, provider.endpoints_read_at = endpoints.as_json(), timezone.now()
    with organization_scope(provider.organization):
        SignInProvider.objects.filter(pk=provider.pk, issuer=provider.issuer).update(
            endpoints=provider.endpoints, endpoints_read_at=provider.endpoints_read_at
        )


def _link(provider: SignInProvider, identity: Identity) -> ProviderLink | None:
    links = ProviderLink.objects.select_related("member__user", "member__role", "member__organization")
    return links.filter(provider=provider, issuer=identity.issuer, subject=identity.subject).first()


def _connect(member: Member, provider: SignInProvider, identity: Identity) -> ProviderLink:
    link, _is_new = ProviderLink.objects.update_or_create(
        member=member,
        defaults={
            "organization": provider.organization,
            "provider": provider,
            "issuer": identity.issuer,
            "subject": identity.subject,
            "label": identity.label,
            "last_used_at": timezone.now(),
        },
    )
    payload = {"provider": provider.name}
    record(events.PROVIDER_CONNECTED, subject=member, actor=Actor.for_user(member.user), payload=payload)
    notices.notify(user=member.user, kind=SecurityNotice.Kind.CONNECTED, provider=provider.name, account=identity.label)
    return link


def _newcomer(provider: SignInProvider, identity: Identity) -> Member:
    """Somebody new, as the provider's role says. The address is only where mails go: it opens no account of before."""
    organization, role, email = grants.lock(provider.organization), provider.role, identity.email.lower()
    if (link := _link(provider, identity)) is not None:
        return link.member  # the same person's other tab was quicker
    if role is None or not identity.is_email_verified or not _is_address(email):
        raise NotConnected(provider)
    if User.objects.filter(email__iexact=email).exists():
        raise NotConnected(provider)
    try:
        with transaction.atomic():
            user = User.objects.create_user(email, None, name=identity.name)
    except IntegrityError as error:
        raise NotConnected(provider) from error
    members.add(organization=organization, user=user, role=role, actor=SYSTEM)
    member = Member.objects.with_access().get(organization=organization, user=user)
    _connect(member, provider, identity)
    return member


def _is_address(email: str) -> bool:
    try:
        validate_email(email)
    except ValidationError:
        return False
    return len(email) <= 254


def _require_role(organization: Organization, role: Role) -> None:
    if own_role(organization, role).is_administrator:
        raise Invalid("role", _("Nobody becomes an administrator by signing in. Choose another role."))


def _set_rules(
    organization: Organization, provider: SignInProvider, by: Member, changes: Mapping[str, object]
) -> Sequence[str]:
    allows = bool(changes.get("allows_passwords", organization.allows_passwords))
    keeper = changes.get("password_keeper", organization.password_keeper)
    if not provider.is_enabled and not allows:
        raise Invalid("allows_passwords", _("While the provider is switched off, passwords have to be allowed."))
    if allows:
        keeper = None
    elif keeper not in queries.keepers(organization):
        raise Invalid(
            "password_keeper", _("Choose an administrator who has a password, for the day the provider fails.")
        )
    if not allows and organization.allows_passwords and not queries.links(provider).filter(member=by).exists():
        raise Invalid(
            "allows_passwords",
            _("Connect your own account first (Your account → Security): so you know that it works."),
        )
    after = Rules(allows, keeper if isinstance(keeper, Member) else None)
    changed = [name for name in _OF_ORGANIZATION if getattr(organization, name) != getattr(after, name)]
    if changed:
        organization.allows_passwords, organization.password_keeper = after.allows_passwords, after.password_keeper
        organization.save(update_fields=changed)
    return changed


def _end_sessions(provider: SignInProvider, keep: str | None) -> None:
    with every_organization("a session is a user's"):
        browser_sessions.end_by_provider(provider, keep=keep)
