"""Codes of an app on a phone: TOTP (RFC 6238), six digits, a new one every 30 seconds."""

from __future__ import annotations

from typing import Final

import pyotp
import segno
from django.utils.crypto import constant_time_compare

from accounts.models import AuthenticatorApp, User
from core import clock

STEP_SECONDS: Final = 30
# One step to both sides: clocks differ, and people type slowly (RFC 6238, section 5.2).
TOLERANCE: Final = 1
ISSUER: Final = "Parley"


def new_secret() -> str:
    """160 random bits in base32 (RFC 4226, section 4, R6)."""
    return pyotp.random_base32()


def address_of(user: User, secret: str) -> str:
    """The `otpauth:` address that an app reads from the picture."""
    return pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=ISSUER)


def picture_of(user: User, secret: str) -> str:
    """The address as a QR code: an SVG element without any style of its own."""
    code = segno.make(address_of(user, secret), error="m", micro=False)
    return str(code.svg_inline(border=2, omitsize=True, svgclass="qr", lineclass="qr__dark"))


def step_of(secret: str, code: str) -> int | None:
    """The step that the code is of, among those that count now; None for a wrong code."""
    now = int(clock.now().timestamp()) // STEP_SECONDS
    maker = pyotp.TOTP(secret)
    steps = range(now - TOLERANCE, now + TOLERANCE + 1)
    return next((step for step in steps if constant_time_compare(maker.generate_otp(step), code)), None)


def use(user: User, code: str) -> bool:
    """Whether the code is the app's of now, and none was used that is as new. It is used by this."""
    app = AuthenticatorApp.objects.filter(user=user, confirmed_at__isnull=False).first()
    step = step_of(str(app.secret), code) if app is not None else None
    if app is None or step is None:
        return False
    # The condition decides between two who show the same code in the same moment.
    return AuthenticatorApp.objects.filter(pk=app.pk, last_step__lt=step).update(last_step=step) == 1
