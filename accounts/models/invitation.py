from __future__ import annotations

import uuid
from typing import ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.member import Member, Role, Team
from core import clock
from core.claims import Claimable
from core.tenancy import TenantManager, TenantModel


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def unanswered(self) -> Self:
        """Neither accepted nor revoked; the time of some may be over."""
        return self.filter(accepted_at=None, revoked_at=None)


class Invitation(TenantModel, Claimable):
    """An e-mail address that may join, once, by the link that the worker mails; `due_at` says when that is to leave.

    The link's token is made of the row, its `nonce` and the installation's secret key. Only the token's hash is kept,
    so that nobody can read a link from the database. A new nonce makes every link of before worthless.
    """

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        EXPIRED = "expired", _("Expired")
        ACCEPTED = "accepted", _("Accepted")
        REVOKED = "revoked", _("Revoked")

    email = models.EmailField(max_length=254)
    # None where the role was deleted meanwhile: then nobody can accept.
    role = models.ForeignKey(Role, on_delete=models.SET_NULL, null=True, related_name="+")
    teams = models.ManyToManyField(Team, blank=True, related_name="+")
    # On whose word it is; None where they are gone.
    invited_by = models.ForeignKey(Member, on_delete=models.SET_NULL, null=True, related_name="+")
    # On the word of who runs the installation, who is no member: the first administrator's.
    is_of_installation = models.BooleanField(default=False, db_default=False, editable=False)
    nonce = models.UUIDField(default=uuid.uuid4, editable=False)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    sent_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_error = models.TextField(blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar = TenantManager.from_queryset(InvitationQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "email"],
                condition=Q(accepted_at=None, revoked_at=None),
                name="invitation_unanswered_once",
            ),
            models.CheckConstraint(
                condition=Q(accepted_at=None) | Q(revoked_at=None), name="invitation_accepted_or_revoked"
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "-created_at"], name="invitation_newest"),
            models.Index(fields=["due_at"], name="invitation_due"),
        ]

    def __str__(self) -> str:
        return f"invitation of {self.email}"

    @property
    def status(self) -> Invitation.Status:
        if self.accepted_at is not None:
            return self.Status.ACCEPTED
        if self.revoked_at is not None:
            return self.Status.REVOKED
        return self.Status.PENDING if self.expires_at > clock.now() else self.Status.EXPIRED
