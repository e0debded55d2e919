"""SCIM (RFC 7643, 7644): an organization's directory, and what it says of its members and teams."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.models.member import Member, Role, Team
from core.fields import OneLine
from core.tenancy import TenantModel

PATH: Final = "/scim/v2"


class ScimConnection(TenantModel):
    """A directory (Entra ID, Okta, …) that may create, change and shut out this organization's members by SCIM.

    Only hashes of its token are kept; the token itself is shown once.
    """

    # What the ledger and the pages call it.
    name = OneLine(max_length=60)
    is_enabled = models.BooleanField(default=True)
    # None where it is off.
    token_hash = models.CharField(max_length=64, unique=True, null=True, blank=True, editable=False)
    token_prefix = models.CharField(max_length=12, blank=True, editable=False)
    # The token of before a rotation, good until then.
    previous_hash = models.CharField(max_length=64, unique=True, null=True, blank=True, editable=False)
    previous_until = models.DateTimeField(null=True, blank=True, editable=False)
    # What new people become. None where the role was deleted meanwhile: then nobody is created.
    role = models.ForeignKey(Role, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    # On whose word roles are given; asked again each time. None where they are gone.
    configured_by = models.ForeignKey(
        Member, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )
    # Whether its groups are this organization's teams.
    maps_groups = models.BooleanField(default=True)
    # Whether a person's `externalId` is the subject that the sign-in provider gives them.
    binds_sign_in = models.BooleanField(default=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "SCIM connection"
        constraints = [models.UniqueConstraint(fields=["organization"], name="scim_connection_once")]

    def __str__(self) -> str:
        return self.name

    @property
    def address(self) -> str:
        """What is entered in the directory as the tenant's or base URL."""
        return settings.PUBLIC_BASE_URL.rstrip("/") + PATH

    @property
    def actor_label(self) -> str:
        """What the ledger calls it."""
        return f"SCIM: {self.name}"


class ScimUser(TenantModel):
    """What the directory says of a member. The resource's `id` is the member's."""

    connection = models.ForeignKey(ScimConnection, on_delete=models.CASCADE, related_name="users")
    member = models.OneToOneField(Member, on_delete=models.CASCADE, related_name="scim_user")
    user_name = OneLine(max_length=254)
    external_id = OneLine(max_length=255, blank=True, default="")
    # displayName, name, title, emails, phoneNumbers: as they came.
    profile = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "SCIM user"
        constraints = [models.UniqueConstraint("organization", Lower("user_name"), name="scim_user_name_once")]
        indexes = [models.Index(fields=["organization", "external_id"], name="scim_user_external")]

    def __str__(self) -> str:
        return self.user_name


class ScimGroup(TenantModel):
    """What the directory says of a team. The resource's `id` is the team's."""

    connection = models.ForeignKey(ScimConnection, on_delete=models.CASCADE, related_name="groups")
    team = models.OneToOneField(Team, on_delete=models.CASCADE, related_name="scim_group")
    external_id = OneLine(max_length=255, blank=True, default="")
    # What whoever is in it becomes; None: being in it says nothing of the role.
    role = models.ForeignKey(Role, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "SCIM group"
        indexes = [models.Index(fields=["organization", "external_id"], name="scim_group_external")]

    def __str__(self) -> str:
        return f"{self.team} of {self.connection}"


class ScimFailure(TenantModel):
    """A request that was refused; the newest are kept, so that an administrator sees what the directory does wrong."""

    connection = models.ForeignKey(ScimConnection, on_delete=models.CASCADE, related_name="failures")
    at = models.DateTimeField(default=timezone.now)
    method = OneLine(max_length=10)
    path = OneLine(max_length=200)
    status = models.PositiveSmallIntegerField()
    detail = OneLine(max_length=500)

    class Meta:
        verbose_name = "SCIM failure"
        indexes = [models.Index(fields=["organization", "-at"], name="scim_failure_newest")]

    def __str__(self) -> str:
        return f"{self.method} {self.path}: {self.status}"
