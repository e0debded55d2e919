"""Who is it: e-mail, password and a second factor, the same for the page and for the API."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth import authenticate
from django.http import HttpRequest
from django.utils import timezone

from accounts import events
from accounts.credentials import known_browsers, notices, second_factor, throttle
from accounts.credentials.devices import Device, device_of
from accounts.credentials.readiness import require_open
from accounts.models import Member, SecurityNotice, User
from activity.actor import Actor
from activity.ledger import record
from core.http import client_address
from core.refused import Refused
from core.tenancy import every_organization, organization_scope

# What colleagues see of when somebody was last here need not be newer.
NOTED_EVERY = timedelta(minutes=10)


class InvalidCredentials(Refused):
    """The e-mail or the password is wrong; nobody is told which."""

    status = 401

    def __init__(self) -> None:
        super().__init__("E-mail or password is not right.")


def verify(*, request: HttpRequest, email: str, password: str, otp: str = "") -> User:
    """The user with this e-mail and password, and this code where they have a second factor: all in one call.

    Raises as `verify_password`, CodeRequired for a right password without a code, and as `verify_code`.
    """
    user = verify_password(request=request, email=email, password=password)
    if user.has_second_factor:
        if not otp:
            raise second_factor.CodeRequired
        verify_code(request=request, user=user, code=otp)
    return user


def verify_code(*, request: HttpRequest, user: User, code: str) -> None:
    """Use a code of a user who has shown the password. Raises WrongCode or TooManyAttempts."""
    is_known = known_browsers.is_known(request, user.email)
    second_factor.check(user=user, code=code, device=device_of(request), is_known=is_known)


def verify_password(*, request: HttpRequest, email: str, password: str) -> User:
    """The user with this e-mail and password: the first step of two where they have a second factor.

    Raises TooManyAttempts (account or address failed too often) or InvalidCredentials. An unknown e-mail takes as
    long as a wrong password: Django's backend hashes in both cases.
    """
    address, is_known = client_address(request), known_browsers.is_known(request, email)
    throttle.require_allowed(email=email, address=address, is_known=is_known)
    user = authenticate(request, username=email.strip(), password=password)
    if not isinstance(user, User) or user.is_service:
        throttle.count_failure(email=email, address=address, is_known=is_known)
        raise InvalidCredentials
    if not user.has_second_factor:
        # Else the password alone is no sign-in: whoever knows it could guess codes without end.
        throttle.forget(email=email, address=address)
    return user


def memberships(user: User) -> list[Member]:
    """The organizations that the user may enter, the one used last first."""
    with every_organization("a user's memberships are in several"):
        # A service member comes in by keys alone, whatever a session says.
        rows = Member.objects.active().people().with_access().filter(user=user)
        return sorted(rows, key=lambda m: (m.last_seen_at is None, -(m.last_seen_at or m.created_at).timestamp()))


def suspended(user: User) -> list[Member]:
    """The user's memberships of suspended organizations; asked only where they did not get in."""
    with every_organization("a user's memberships are in several"):
        rows = Member.objects.suspended().people().with_access().filter(user=user)
        return list(rows.order_by("organization__name"))


def require_none_suspended(user: User) -> None:
    """For a user who can enter no organization. Raises OrganizationSuspended where that is why."""
    for member in suspended(user):
        require_open(member.organization)


def note_seen(member: Member) -> None:
    """The member is here now, and the organization the one that they used last."""
    with organization_scope(member.organization):
        Member.objects.filter(pk=member.pk).update(last_seen_at=timezone.now())


def note_visit(member: Member) -> None:
    """A page of the organization is open in the member's browser; written down once in so long (NOTED_EVERY)."""
    if member.last_seen_at is None or member.last_seen_at < timezone.now() - NOTED_EVERY:
        note_seen(member)


def record_sign_in(member: Member, *, how: str) -> None:
    """The ledger knows who came in, and by which door (`page`, `api`); colleagues see when."""
    note_seen(member)
    with organization_scope(member.organization):
        record(events.SIGNED_IN, subject=member, actor=Actor.for_user(member.user), payload={"how": how})


def notify_of_device(user: User, device: Device) -> None:
    """Have the user told of a sign-in by a device that they had not used before."""
    details = {"device": device.label, "address": device.address}
    notices.notify(user=user, kind=SecurityNotice.Kind.NEW_DEVICE, **details)


def record_sign_out(member: Member, *, how: str) -> None:
    with organization_scope(member.organization):
        record(events.SIGNED_OUT, subject=member, actor=Actor.for_user(member.user), payload={"how": how})
