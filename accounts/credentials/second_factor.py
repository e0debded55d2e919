"""A second factor: set up, asked for, taken away. What it is made of stands in the modules beside this one.

Whatever changes it holds the user's row, keeps `User.second_factor_at` true, writes an event and has the person told.
"""

from __future__ import annotations

from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import events
from accounts.credentials import authenticator, notices, recovery_codes, throttle, trusted_browsers
from accounts.credentials.devices import Device
from accounts.credentials.recording import record_of_user
from accounts.models import AuthenticatorApp, Member, Passkey, RecoveryCode, SecurityNotice, User
from activity.actor import Actor
from core.refused import Refused
from core.tenancy import every_organization

APP: Final = "app"
PASSKEY: Final = "passkey"
NAMES: Final = {APP: gettext_lazy("authenticator app"), PASSKEY: gettext_lazy("passkey")}
MAX_CODE_LENGTH: Final = 40


class CodeRequired(Refused):
    """The password was right, and a code is asked for beside it."""

    status, code = 401, "otp_required"

    def __init__(self) -> None:
        super().__init__(_("This account asks for a code of its authenticator app, or a recovery code."))


class WrongCode(Refused):
    """No code of the user's, or one that was used before."""

    status, code, field = 401, "otp_invalid", "code"

    def __init__(self) -> None:
        super().__init__(_("This code is not right, or it was used already. Wait for the next one and try again."))


class WrongFirstCode(Refused):
    """The code that is to show that an app was set up."""

    field = "code"

    def __init__(self) -> None:
        super().__init__(_("This is not the app’s code of now. Check the time of your phone, and type the newest one."))


class FactorNeeded(Refused):
    """The last factor of somebody whose organization requires one."""

    status = 409

    def __init__(self, organization: str) -> None:
        super().__init__(
            _("%(organization)s requires a second factor. Add another one before you remove this.")
            % {"organization": organization}
        )


def check(*, user: User, code: str, device: Device, is_known: bool = False) -> None:
    """Use a code of the user's app, or a recovery code.

    Raises WrongCode, or TooManyAttempts as for wrong passwords: guesses at either are counted together.
    """
    throttle.require_allowed(email=user.email, address=device.address, is_known=is_known)
    plain = "".join(code.split())[:MAX_CODE_LENGTH]
    if not (authenticator.use(user, plain) or _use_recovery_code(user, plain)):
        throttle.count_failure(email=user.email, address=device.address, is_known=is_known)
        raise WrongCode
    throttle.forget(email=user.email, address=device.address)


@transaction.atomic
def begin_app(*, user: User) -> str:
    """The secret for a new app, the same until it is confirmed or given up; an app of before stays good meanwhile."""
    app, _created = AuthenticatorApp.objects.select_for_update().get_or_create(user=user)
    if app.pending_secret is None:
        app.pending_secret = authenticator.new_secret()
        app.save(update_fields=["pending_secret"])
    return str(app.pending_secret)


@transaction.atomic
def confirm_app(*, user: User, code: str) -> list[str]:
    """Take the app whose first code this is, in place of one of before. Raises WrongFirstCode.

    Recovery codes are made with the first factor, and returned; else the list is empty.
    """
    locked = _locked(user)
    app = AuthenticatorApp.objects.filter(user=locked).first()
    secret = "" if app is None or app.pending_secret is None else str(app.pending_secret)
    step = authenticator.step_of(secret, "".join(code.split())) if secret else None
    if app is None or step is None:
        raise WrongFirstCode
    app.secret, app.pending_secret, app.confirmed_at, app.last_step = secret, None, timezone.now(), step
    app.save()
    return added(user=user, factor=APP)


@transaction.atomic
def remove_app(*, user: User) -> None:
    """The app makes no codes any more. Raises FactorNeeded."""
    _locked(user)
    if not has_app(user):
        return
    if not Passkey.objects.filter(user=user).exists():
        require_none_needed(user)
    AuthenticatorApp.objects.filter(user=user).delete()
    removed(user=user, factor=APP)


@transaction.atomic
def renew_codes(*, user: User) -> list[str]:
    """New recovery codes; those of before are worthless."""
    _locked(user)
    codes = recovery_codes.renew(user)
    record_of_user(events.RECOVERY_CODES_RENEWED, user=user)
    notices.notify(user=user, kind=SecurityNotice.Kind.CODES_RENEWED)
    return codes


def reset(*, user: User, actor: Actor) -> bool:
    """Take every factor away, for somebody who has lost them; whether there was one. Whoever calls has asked whether
    the actor may, and holds a transaction."""
    locked = _locked(user)
    if not locked.has_second_factor:
        return False
    AuthenticatorApp.objects.filter(user=user).delete()
    Passkey.objects.filter(user=user).delete()
    _note(user)
    record_of_user(events.SECOND_FACTOR_RESET, user=user, actor=actor)
    notices.notify(user=user, kind=SecurityNotice.Kind.FACTOR_RESET, by=actor.label)
    return True


def added(*, user: User, factor: str) -> list[str]:
    """After a factor was added, in its transaction: what `confirm_app` promises."""
    codes = [] if RecoveryCode.objects.filter(user=user).exists() else recovery_codes.renew(user)
    _note(user)
    record_of_user(events.SECOND_FACTOR_ADDED, user=user, payload={"factor": factor})
    notices.notify(user=user, kind=SecurityNotice.Kind.FACTOR_ADDED, factor=str(NAMES[factor]))
    return codes


def removed(*, user: User, factor: str) -> None:
    """After a factor was removed, in its transaction."""
    _note(user)
    record_of_user(events.SECOND_FACTOR_REMOVED, user=user, payload={"factor": factor})
    notices.notify(user=user, kind=SecurityNotice.Kind.FACTOR_REMOVED, factor=str(NAMES[factor]))


def has_app(user: User) -> bool:
    """Whether an app of the user's makes codes."""
    return AuthenticatorApp.objects.filter(user=user, confirmed_at__isnull=False).exists()


def require_none_needed(user: User) -> None:
    """Raises FactorNeeded where an organization of the user's requires a second factor."""
    with every_organization("a factor is the user's, whichever organizations they are in"):
        rows = Member.objects.active().with_access().filter(user=user, organization__requires_second_factor=True)
        member = rows.first()
    if member is not None:
        raise FactorNeeded(member.organization.name)


def _locked(user: User) -> User:
    return User.objects.select_for_update(no_key=True).get(pk=user.pk)


@transaction.atomic
def _use_recovery_code(user: User, code: str) -> bool:
    if not recovery_codes.use(user, code):
        return False
    left = recovery_codes.left(user)
    record_of_user(events.RECOVERY_CODE_USED, user=user, payload={"left": left})
    notices.notify(user=user, kind=SecurityNotice.Kind.CODE_USED, left=str(left))
    return True


def _note(user: User) -> None:
    """Keep `second_factor_at` true; without a factor, codes and trusted browsers are worth nothing."""
    if has_app(user) or Passkey.objects.filter(user=user).exists():
        User.objects.filter(pk=user.pk, second_factor_at=None).update(second_factor_at=timezone.now())
    else:
        User.objects.filter(pk=user.pk).update(second_factor_at=None)
        RecoveryCode.objects.filter(user=user).delete()
        trusted_browsers.forget(user)
    user.refresh_from_db(fields=["second_factor_at"])
