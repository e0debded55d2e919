"""Members, roles, teams: who may do what, and on whose records."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts.permissions import ADMIN, CATALOG, MEMBERSHIP, SYSTEM_ROLES, Reach
from core.fields import OneLine
from core.tenancy import TenantManager, TenantModel

if TYPE_CHECKING:
    # It refers to members; for the checker only.
    from accounts.models.impersonation import Impersonation


class Role(TenantModel):
    """A name for permissions and a reach. The system's own take theirs from `accounts.permissions`, not the row."""

    key = models.SlugField(max_length=40)
    name = OneLine(max_length=80)
    is_system = models.BooleanField(default=False, editable=False)
    stored_permissions = models.JSONField(default=list, blank=True, db_column="permissions")
    stored_reach = models.CharField(
        max_length=16, choices=[(r.value, r.value) for r in Reach], default=Reach.ASSIGNED, db_column="reach"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "key"], name="role_key_once")]

    def __str__(self) -> str:
        return self.name

    @property
    def permissions(self) -> frozenset[str]:
        if self.is_system:
            return SYSTEM_ROLES[self.key].permissions
        # What the catalog no longer has permits nothing.
        return CATALOG.intersection(self.stored_permissions)

    @property
    def reach(self) -> Reach:
        return SYSTEM_ROLES[self.key].reach if self.is_system else Reach(self.stored_reach)

    @property
    def is_administrator(self) -> bool:
        """Whether it is the one role of which an organization always has an active member."""
        return self.is_system and self.key == ADMIN.key


class Team(TenantModel):
    name = OneLine(max_length=80)
    calendar = models.ForeignKey(
        "BusinessCalendar", on_delete=models.SET_NULL, null=True, blank=True, related_name="teams",
        help_text="When it works; empty: as the organization does.",
    )  # fmt: skip

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="team_name_once")]

    def __str__(self) -> str:
        return self.name


class MemberQuerySet(models.QuerySet["Member"]):
    def active(self) -> Self:
        """Members who may come in now."""
        return self.filter(is_active=True, user__is_active=True, organization__is_active=True)

    def suspended(self) -> Self:
        """Members who could come in, were their organization not suspended; of a deleted one nobody is told."""
        shut = {"organization__is_active": False, "organization__deleted_at": None}
        return self.filter(is_active=True, user__is_active=True, **shut)

    def present(self) -> Self:
        """Members who were not removed, active or not."""
        return self.filter(removed_at=None)

    def people(self) -> Self:
        """Without service members, who are no people."""
        return self.filter(user__is_service=False)

    def with_access(self) -> Self:
        """Joined with all that is asked of a member on every request."""
        return self.select_related("user", "organization", "role")


class Member(TenantModel):
    """A user in an organization."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="members")
    teams = models.ManyToManyField(Team, blank=True, related_name="members")
    # For calls, as E.164.
    phone = OneLine(max_length=20, blank=True, default="", db_default="")
    # Below the e-mails that they write, in place of the channel's.
    signature = models.TextField(blank=True, default="", db_default="")
    is_active = models.BooleanField(default=True)
    # Gone from every list of people. The row stays: the ledger speaks of it, and a new invitation revives it.
    removed_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_seen_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar = TenantManager.from_queryset(MemberQuerySet)()

    # What narrower credentials leave of the role, where a call came with such; None: all of it.
    scopes: frozenset[str] | None = None
    # Who acts as the member in this request or call, and as whom it was begun; None: the member themselves.
    impersonation: Impersonation | None = None
    # Who looks as this person would: what is private to the person, or not within the viewer's reach, stays closed.
    looked_through_by: Member | None = None
    # Where the credentials count what they are used for: every permission that was asked for and given.
    used: set[str] | None = None

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "user"], name="member_once"),
            models.CheckConstraint(
                condition=models.Q(removed_at=None) | models.Q(is_active=False), name="removed_member_is_inactive"
            ),
        ]
        indexes = [models.Index(fields=["user", "is_active"], name="member_of_user")]

    def __str__(self) -> str:
        return f"{self.user} in {self.organization}"

    @property
    def permissions(self) -> frozenset[str]:
        """What the role permits, and of it what the credentials leave."""
        return self.role.permissions if self.scopes is None else self.role.permissions & self.scopes

    def may(self, permission: str) -> bool:
        """Whether it is permitted; on which records is the querysets' `visible_to`."""
        if permission == MEMBERSHIP:
            return True
        is_permitted = permission in self.permissions
        if is_permitted and self.used is not None:
            self.used.add(permission)
        return is_permitted

    @property
    def reach(self) -> Reach:
        return self.role.reach
