"""What somebody has to do before anything of an organization is open to them: asked by every page and call."""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts.models import Member, User
from core.refused import Refused


class NotReady(Refused):
    """The person has something to do first, on a page of their own account."""

    status = 403


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


def require_own_password(user: User) -> None:
    """Raises PasswordChangeRequired."""
    if user.must_change_password:
        raise PasswordChangeRequired


def require_ready(member: Member) -> None:
    """Raises PasswordChangeRequired or SecondFactorRequired. No query."""
    require_own_password(member.user)
    if member.organization.requires_second_factor and not member.user.has_second_factor:
        raise SecondFactorRequired


def is_ready(member: Member) -> bool:
    """Whether nothing is left to do first."""
    try:
        require_ready(member)
    except NotReady:
        return False
    return True
