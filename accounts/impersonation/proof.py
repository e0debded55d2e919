"""Who it is, asked anew before somebody acts as another: what was shown at the sign-in or for something else is not
enough."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Final

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.credentials import passkeys, recent, second_factor, sign_in
from accounts.models import User
from core.refused import Refused

# In the session: since when the page asks.
KEY: Final = "impersonation_asked_at"
WITHIN: Final = timedelta(minutes=5)


class Proof(StrEnum):
    """What a page asks for."""

    CODE = "code"
    PASSWORD = "password"  # noqa: S105 - the name of a field
    # A passkey, or the organization's provider: shown beside the form, before it.
    ELSEWHERE = "elsewhere"


class FreshProofRequired(Refused):
    """Who it is has to be shown for this very purpose."""

    status, code, field = 403, "confirmation_required", "password"

    def __init__(self, user: User) -> None:
        if user.has_second_factor:
            self.field = "code"
            super().__init__(_("Show who you are: send a code of your second factor."), field="code")
        else:
            super().__init__(_("Show who you are: send your password."))


class WrongPassword(Refused):
    """Not the user's own."""

    status, field = 401, "password"

    def __init__(self) -> None:
        super().__init__(_("This is not your password."))


def asked_of(request: HttpRequest, user: User) -> Proof:
    """What a page asks this user for."""
    if user.has_second_factor:
        has_code = second_factor.has_app(user) or not passkeys.is_possible(request)
        return Proof.CODE if has_code else Proof.ELSEWHERE
    return Proof.PASSWORD if user.has_usable_password() else Proof.ELSEWHERE


def ask_elsewhere(request: HttpRequest) -> bool:
    """Note that the page asks; whether the user has shown who they are since."""
    now = timezone.now().timestamp()
    asked = request.session.get(KEY)
    if not isinstance(asked, float) or not 0 <= now - asked <= WITHIN.total_seconds():
        request.session[KEY] = now
        return False
    shown = request.session.get(recent.KEY)
    return isinstance(shown, float) and shown >= asked


def forget(request: HttpRequest) -> None:
    """It was used: the next time is asked anew."""
    request.session.pop(KEY, None)


def check(*, request: HttpRequest, user: User, code: str = "", password: str = "") -> None:
    """The user's own code, or where they have no second factor their password.

    Raises FreshProofRequired where it is missing, WrongPassword, and as `sign_in` for a wrong code or too many.
    """
    if user.has_second_factor:
        if not code:
            raise FreshProofRequired(user)
        sign_in.verify_code(request=request, user=user, code=code)
    elif password:
        try:
            sign_in.verify_password(request=request, email=user.email, password=password)
        except sign_in.InvalidCredentials as error:
            raise WrongPassword from error
    else:
        raise FreshProofRequired(user)
