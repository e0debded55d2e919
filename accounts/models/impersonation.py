"""Somebody acts as another member: who, as whom, why, and until when."""

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models.member import Member
from core.fields import OneLine
from core.tenancy import TenantManager, TenantModel


class ImpersonationQuerySet(models.QuerySet["Impersonation"]):
    def with_both(self) -> Self:
        """Joined with all that is asked of both members on every request."""
        sides = ("impersonator", "member")
        return self.select_related(
            "organization", *(f"{side}__{name}" for side in sides for name in ("user", "role", "organization"))
        )

    def unended(self) -> Self:
        """Those that nobody has written the end of; their time may be over."""
        return self.filter(ended_at=None)


class Impersonation(TenantModel):
    """One time that a member acted as another. The row stays: the person it was done to can read of it."""

    class How(models.TextChoices):
        """What ended it."""

        BUTTON = "button"
        SIGN_OUT = "sign_out"
        TIME = "time"
        # Something that it rests on: a role, a permission, a password, either's place in the organization.
        CHANGED = "changed"
        # The person themselves, who found it in their list.
        PERSON = "person"

    impersonator = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="+")
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="impersonations")
    reason = OneLine(max_length=200)
    # Of the impersonator's password and second factor: another one is the end.
    credentials_digest = models.CharField(max_length=64, editable=False)
    # By a call's token, not in a browser.
    is_by_token = models.BooleanField(default=False)
    began_at = models.DateTimeField(default=timezone.now, editable=False)
    ends_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_how = models.CharField(max_length=16, choices=How.choices, blank=True)

    objects: ClassVar = TenantManager.from_queryset(ImpersonationQuerySet)()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(impersonator=F("member")), name="impersonation_of_another"),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_how="") | (Q(ended_at__isnull=False) & ~Q(ended_how="")),
                name="impersonation_ended_somehow",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "member", "-began_at"], name="impersonation_of_member"),
            # Few: whose end nobody has written yet.
            models.Index(fields=["ends_at"], condition=Q(ended_at__isnull=True), name="impersonation_unended"),
        ]

    def __str__(self) -> str:
        return f"{self.impersonator_id} as {self.member_id}"

    @property
    def is_open(self) -> bool:
        """Whether neither its end nor its time has come."""
        return self.ended_at is None and self.ends_at > timezone.now()
