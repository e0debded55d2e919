"""Signing in by an organization's own provider (OpenID Connect): the provider, and which of its accounts is whose."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts.models.member import Member, Role
from core.encryption import EncryptedJSONField
from core.fields import OneLine
from core.tenancy import TenantModel


class SignInProvider(TenantModel):
    """Where an organization's members show who they are. Its sign-ins open this organization, and no other."""

    # On the button.
    name = OneLine(max_length=60)
    # As the provider writes it itself: what it says is compared letter by letter (OpenID Connect Core, 3.1.3.7).
    issuer = OneLine(max_length=300)
    client_id = OneLine(max_length=255)
    client_secret: object = EncryptedJSONField()
    is_enabled = models.BooleanField(default=True)
    # What new people become; none: nobody is made a member by signing in.
    role = models.ForeignKey(Role, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    # Values of `amr` and `acr` that say that a second factor was shown; none: ours is asked.
    factor_values = models.JSONField(default=list, blank=True)
    # What its discovery document says (accounts.openid.discovery.Endpoints), and when it was read.
    endpoints = models.JSONField(default=dict)
    endpoints_read_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization"], name="sign_in_provider_once")]

    def __str__(self) -> str:
        return self.name

    @property
    def callback_address(self) -> str:
        """Where the provider sends people back to. Each has its own: none answers for another (RFC 9700, 4.4)."""
        return f"{settings.PUBLIC_BASE_URL}/sign-in/provider/{self.pk}/callback/"


class ProviderLink(TenantModel):
    """A member's account at the provider, by issuer and subject: an e-mail address proves nothing."""

    provider = models.ForeignKey(SignInProvider, on_delete=models.CASCADE, related_name="links")
    member = models.OneToOneField(Member, on_delete=models.CASCADE, related_name="provider_link")
    issuer = OneLine(max_length=300)
    subject = OneLine(max_length=255)
    # What the provider called the account when it was connected, so that its owner recognizes it.
    label = OneLine(max_length=254, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "issuer", "subject"], name="provider_link_once"),
        ]

    def __str__(self) -> str:
        return f"{self.label or self.subject} at {self.issuer}"
