"""What a user shows besides the password: an app that makes codes, codes on paper, browsers that were asked already.

All of them are the user's, whichever organizations they belong to. `User.second_factor_at` says that there is one.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from core.encryption import EncryptedJSONField
from core.fields import OneLine
from core.ids import uuid7


class AuthenticatorApp(models.Model):
    """The secret that a user's app makes codes from (TOTP, RFC 6238); good once it has shown a right code."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="authenticator_app")
    # Base32, as the app is given it. The pending one takes its place when a right code of it was typed in.
    secret: object = EncryptedJSONField(null=True)
    pending_secret: object = EncryptedJSONField(null=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    # The 30 seconds of the newest code that was used, counted from 1970: neither it nor an earlier one is good again.
    last_step = models.BigIntegerField(default=-1)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"app of {self.user_id}"


class RecoveryCode(models.Model):
    """A code for the day when the phone is gone, good once. Only its hash is kept."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="recovery_codes")
    code_hash = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "code_hash"], name="recovery_code_once")]

    def __str__(self) -> str:
        return f"code of {self.user_id}"


class TrustedBrowser(models.Model):
    """A browser that is not asked for the second factor until `expires_at`; its cookie holds the token."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="trusted_browsers")
    token_hash = models.CharField(max_length=64, unique=True)
    user_agent = OneLine(max_length=300, blank=True)
    address = OneLine(max_length=45, blank=True)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"browser of {self.user_id} until {self.expires_at:%Y-%m-%d}"


class Passkey(models.Model):
    """A key in a device or a password manager (WebAuthn), by its public half."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="passkeys")
    name = OneLine(max_length=80)
    # Base64url without padding, as browsers send it.
    credential_id = models.CharField(max_length=1400, unique=True)
    # Attested credential data (WebAuthn, section 6.5.1), base64url.
    credential = models.TextField()
    sign_count = models.BigIntegerField(default=0)
    last_used_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name
