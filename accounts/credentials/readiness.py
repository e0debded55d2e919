"""What somebody has to do before anything of an organization is open to them: asked by every page and call."""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts.credentials.ways import OWN, Ways
from accounts.models import Member, Organization, User
from core.refused import Refused


class NotReady(Refused):
    """The person has something to do first, on a page of their own account."""

    status = 403


class OrganizationSuspended(NotReady):
    """Whoever runs the installation has suspended the organization: nobody gets in."""

    code = "organization_suspended"

    def __init__(self, organization: Organization) -> None:
        super().__init__(
            _("%(organization)s is suspended. Ask whoever runs this installation.") % {"organization": organization}
        )


class PasswordChangeRequired(NotReady):
    """Somebody else chose the password."""

    code = "password_change_required"

    def __init__(self) -> None:
        super().__init__(_("Choose a password of your own first: sign in on the page and set it there."))


class SecondFactorRequired(NotReady):
    """The organization requires a second factor, and the user has none."""

    code = "second_factor_required"

    def __init__(self) -> None:
        super().__init__(_("This organization requires a second factor: sign in on the page and set it up there."))


class ProviderSignInRequired(NotReady):
    """The organization takes sign-ins by its own provider only."""

    code = "provider_sign_in_required"

    def __init__(self) -> None:
        super().__init__(_("Members of this organization sign in by its own provider: do so on the page."))


class OwnSignInRequired(NotReady):
    """The session was begun by another organization's provider, which says nothing here."""

    code = "own_sign_in_required"

    def __init__(self) -> None:
        super().__init__(_("You are signed in by another organization’s provider. Sign in with your own password."))


def require_open(organization: Organization) -> None:
    """Raises OrganizationSuspended. No query."""
    if not organization.is_active:
        raise OrganizationSuspended(organization)


def require_own_password(user: User) -> None:
    """Raises PasswordChangeRequired."""
    if user.must_change_password:
        raise PasswordChangeRequired


def keeps_password(member: Member) -> bool:
    """Whether the member signs in with a password though the organization allows none: the administrator who was named
    for the day when the provider fails, or where that one is gone, each administrator."""
    return member.role.is_administrator and member.organization.password_keeper_id in (None, member.pk)


def require_ready(member: Member, ways: Ways = OWN) -> None:
    """Raises OwnSignInRequired, ProviderSignInRequired, PasswordChangeRequired or SecondFactorRequired. No query."""
    organization = member.organization
    if not ways.opens(member):
        raise OwnSignInRequired
    if not ways.by_provider(organization.pk):
        require_own_password(member.user)
        if not organization.allows_passwords and not keeps_password(member):
            raise ProviderSignInRequired
    has_factor = member.user.has_second_factor or ways.has_factor(organization.pk)
    if organization.requires_second_factor and not has_factor:
        raise SecondFactorRequired


def is_ready(member: Member, ways: Ways = OWN) -> bool:
    """Whether nothing is left to do first."""
    try:
        require_ready(member, ways)
    except NotReady:
        return False
    return True
