"""What a sign-in through the API leaves behind: a family of refresh tokens."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from accounts.models.member import Member
from core.fields import OneLine
from core.tenancy import TenantModel


class TokenFamily(TenantModel):
    """One sign-in and all refresh tokens that came of it; only the newest is good for one more refresh."""

    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="token_families")
    current_token_id = models.CharField(max_length=64)
    # By which program and from where it was begun, and when a pair was last made of it.
    user_agent = OneLine(max_length=300, blank=True, default="", db_default="")
    address = OneLine(max_length=45, blank=True, default="", db_default="")
    last_used_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_reason = OneLine(max_length=40, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name_plural = "token families"
        indexes = [models.Index(fields=["organization", "member"], name="token_family_of_member")]

    def __str__(self) -> str:
        return f"sign-in of {self.member_id} at {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def is_usable(self) -> bool:
        return self.revoked_at is None and self.expires_at > timezone.now()
