"""Passkeys (WebAuthn level 3): added, used as a second factor, and alone where the device has asked who it is.

A passkey belongs to the host name by which the browser came, which ALLOWED_HOSTS limits; no other is given it.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.http.request import split_domain_port
from django.utils import timezone
from django.utils.translation import gettext as _
from fido2.server import Fido2Server
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from accounts.credentials import second_factor, throttle
from accounts.credentials.devices import device_of
from accounts.models import Passkey, User
from core.refused import Invalid, Refused

# In the session: the challenge that the next answer has to be to.
STATE: Final = "passkey_challenge"
MAX_PASSKEYS: Final = 20
MAX_ANSWER_LENGTH: Final = 20_000
MAX_ID_LENGTH: Final = 1_400


class WrongPasskey(Refused):
    """Not the answer of a passkey that is known here, to the question that was asked."""

    status, field = 401, "credential"

    def __init__(self) -> None:
        super().__init__(_("This passkey could not be used. Try again, or use another way."))


def is_possible(request: HttpRequest) -> bool:
    """Whether browsers have passkeys for this address: a host name, reached safely (WebAuthn, section 5.1)."""
    host, _port = split_domain_port(request.get_host())
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return request.is_secure() or host == "localhost" or host.endswith(".localhost")
    return False


def of(user: User) -> list[Passkey]:
    """The user's, the oldest first."""
    return list(Passkey.objects.filter(user=user).order_by("created_at", "id"))


def begin_adding(request: HttpRequest, user: User) -> str:
    """What the browser asks its devices for, as JSON; the challenge waits in the session."""
    entity = PublicKeyCredentialUserEntity(id=user.pk.bytes, name=user.email, display_name=user.get_full_name())
    options, state = _server(request).register_begin(
        entity,
        [_stored(row) for row in of(user)],
        resident_key_requirement=ResidentKeyRequirement.PREFERRED,
        user_verification=UserVerificationRequirement.PREFERRED,
    )
    return _ask(request, dict(options), state)


@transaction.atomic
def add(*, request: HttpRequest, user: User, name: str, answer: str) -> list[str]:
    """Keep the passkey that the browser made. Recovery codes come with the first factor, and are returned.

    Raises WrongPasskey, or Invalid for a name or one too many.
    """
    state, response = _answered(request, answer)
    name = " ".join(name.split())[:80]
    if not name:
        raise Invalid("name", _("Give it a name, so that you know which it is."))
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if Passkey.objects.filter(user=user).count() >= MAX_PASSKEYS:
        raise Invalid("name", _("You have as many passkeys as can be. Remove one first."))
    try:
        data = _server(request).register_complete(state, response)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WrongPasskey from error
    credential = data.credential_data
    if credential is None or len(websafe_encode(credential.credential_id)) > MAX_ID_LENGTH:
        raise WrongPasskey
    try:
        with transaction.atomic():
            Passkey.objects.create(
                user=user,
                name=name,
                credential_id=websafe_encode(credential.credential_id),
                credential=websafe_encode(bytes(credential)),
                sign_count=data.counter,
            )
    except IntegrityError as error:
        raise WrongPasskey from error
    return second_factor.added(user=user, factor=second_factor.PASSKEY)


@transaction.atomic
def remove(*, user: User, pk: UUID) -> bool:
    """Forget one of the user's passkeys; False where there is none such. Raises FactorNeeded."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    row = Passkey.objects.filter(user=user, pk=pk).first()
    if row is None:
        return False
    if Passkey.objects.filter(user=user).count() == 1 and not second_factor.has_app(user):
        second_factor.require_none_needed(user)
    row.delete()
    second_factor.removed(user=user, factor=second_factor.PASSKEY)
    return True


def begin_asking(request: HttpRequest, user: User | None = None) -> str:
    """What the browser asks its devices: for one of the user's, or, for nobody yet, for any that belongs here."""
    known = [_stored(row) for row in of(user)] if user is not None else None
    is_alone = user is None
    need = UserVerificationRequirement.REQUIRED if is_alone else UserVerificationRequirement.PREFERRED
    options, state = _server(request).authenticate_begin(known, user_verification=need)
    return _ask(request, dict(options), state)


def check(*, request: HttpRequest, answer: str, user: User | None = None, is_known: bool = False) -> User:
    """Use a passkey: one of this user's, or of whoever it belongs to. Each question has one answer.

    Without a user the device must have asked for a finger, a face or a PIN: it is both factors then. Raises
    WrongPasskey, or TooManyAttempts as for codes.
    """
    address = device_of(request).address
    if user is None:
        throttle.require_address_allowed(address)
    else:
        throttle.require_allowed(email=user.email, address=address, is_known=is_known)
    try:
        return _check(request, answer, user)
    except WrongPasskey:
        if user is None:
            throttle.count_address_failure(address)
        else:
            throttle.count_failure(email=user.email, address=address, is_known=is_known)
        raise


def _check(request: HttpRequest, answer: str, user: User | None) -> User:
    state, response = _answered(request, answer)
    try:
        parsed = AuthenticationResponse.from_dict(response)
        rows = Passkey.objects.select_related("user").filter(
            credential_id=websafe_encode(parsed.raw_id), user__is_active=True
        )
        row = (rows if user is None else rows.filter(user=user)).first()
        if row is None:
            raise WrongPasskey
        if user is None:
            # Whichever question the session was last asked: another one may have been content with a touch.
            state = {**state, "user_verification": UserVerificationRequirement.REQUIRED}
        _server(request).authenticate_complete(state, [_stored(row)], parsed)
        handle = parsed.response.user_handle
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WrongPasskey from error
    if handle is not None and handle != row.user.pk.bytes:
        raise WrongPasskey
    _use(row, parsed.response.authenticator_data.counter)
    return row.user


def _use(row: Passkey, count: int) -> None:
    """Note the use. Raises WrongPasskey where the device counts and has not counted on: there may be a copy of it
    (WebAuthn, section 6.1.1)."""
    rows = Passkey.objects.filter(pk=row.pk)
    if count or row.sign_count:
        rows = rows.filter(sign_count__lt=count)
    if rows.update(sign_count=count, last_used_at=timezone.now()) != 1:
        raise WrongPasskey


def _server(request: HttpRequest) -> Fido2Server:
    host, _port = split_domain_port(request.get_host())
    origin = f"{request.scheme}://{request.get_host()}"
    return Fido2Server(PublicKeyCredentialRpEntity(id=host, name="Parley"), verify_origin=lambda given: given == origin)


def _stored(row: Passkey) -> AttestedCredentialData:
    return AttestedCredentialData(websafe_decode(row.credential))


def _ask(request: HttpRequest, options: Mapping[str, object], state: object) -> str:
    request.session[STATE] = state
    return json.dumps(options["publicKey"])


def _answered(request: HttpRequest, answer: str) -> tuple[Mapping[str, object], Mapping[str, object]]:
    """The challenge, which is good for this answer and no other, and the answer."""
    state = request.session.pop(STATE, None)
    if not isinstance(state, dict) or len(answer) > MAX_ANSWER_LENGTH:
        raise WrongPasskey
    try:
        response = json.loads(answer)
    except ValueError as error:
        raise WrongPasskey from error
    if not isinstance(response, dict):
        raise WrongPasskey
    return state, response
