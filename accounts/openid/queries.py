"""Which provider an organization has, and whose accounts are connected with it."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from accounts.models import Member, Organization, ProviderLink, SignInProvider, User
from core.tenancy import every_organization


def provider_of(organization: Organization) -> SignInProvider | None:
    """The organization's provider, on or off."""
    return SignInProvider.objects.select_related("organization", "role").filter(organization=organization).first()


def open_provider(slug: str) -> SignInProvider | None:
    """The provider by which members of the organization with this address sign in; before anybody is."""
    if not slug:
        return None
    with every_organization("before a sign-in no organization is open"):
        rows = SignInProvider.objects.select_related("organization", "role")
        return rows.filter(organization__slug=slug, organization__is_active=True, is_enabled=True).first()


def find_provider(pk: UUID) -> SignInProvider | None:
    """The same by its own id."""
    with every_organization("before a sign-in no organization is open"):
        rows = SignInProvider.objects.select_related("organization", "role")
        return rows.filter(pk=pk, organization__is_active=True, is_enabled=True).first()


def link_of(user: User, provider: SignInProvider) -> ProviderLink | None:
    """The user's account at the provider, as long as it is the issuer that it was connected at."""
    with every_organization("asked before the organization is open"):
        return ProviderLink.objects.filter(
            provider=provider, issuer=provider.issuer, member__user=user, member__is_active=True
        ).first()


def connected_provider(user: User) -> SignInProvider | None:
    """A provider at which the user can show who they are, where they have nothing of their own to show."""
    with every_organization("the user's accounts may be connected in several"):
        rows = ProviderLink.objects.select_related("provider__organization")
        rows = rows.filter(member__user=user, member__is_active=True, provider__is_enabled=True)
        links = [link for link in rows if link.issuer == link.provider.issuer]
    return links[0].provider if links else None


def membership_of(user: User, provider: SignInProvider) -> Member | None:
    """The user as an active member of the provider's organization."""
    with every_organization("asked before the organization is open"):
        rows = Member.objects.active().with_access()
        return rows.filter(organization=provider.organization_id, user=user).first()


def connected(provider: SignInProvider) -> int:
    """How many active members have connected their account."""
    return links(provider).count()


def links(provider: SignInProvider) -> QuerySet[ProviderLink]:
    return ProviderLink.objects.filter(provider=provider, issuer=provider.issuer, member__is_active=True)


def keepers(organization: Organization) -> list[Member]:
    """The administrators who have a password, one of whom keeps it."""
    rows = Member.objects.active().with_access().filter(organization=organization, role__is_system=True)
    return [
        one for one in rows.order_by("user__name", "id") if one.role.is_administrator and one.user.has_usable_password()
    ]
