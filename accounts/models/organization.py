from __future__ import annotations

import zoneinfo
from functools import lru_cache

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.timezone import now

from core.fields import OneLine
from core.ids import uuid7


@lru_cache(maxsize=1)
def _timezones() -> frozenset[str]:
    """Every zone's name; found by reading hundreds of files, so once in a process."""
    return frozenset(zoneinfo.available_timezones())


def is_timezone(name: str) -> bool:
    """Whether there is a time zone of this name."""
    return name in _timezones()


def validate_timezone(name: str) -> None:
    if not is_timezone(name):
        raise ValidationError(f"“{name}” is not a time zone. Use a name such as Europe/London.")


def place_of_logo(organization: Organization, filename: str) -> str:
    """By an id only: nothing typed becomes a path."""
    return f"logos/{uuid7()}"


class Organization(models.Model):
    """The tenant: every record belongs to one."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = OneLine(max_length=150)
    slug = models.SlugField(max_length=60, unique=True, help_text="Stands in the address of every page.")
    pack = models.CharField(max_length=30, default="general")
    timezone = models.CharField(max_length=64, default="Europe/London", validators=[validate_timezone])
    undo_seconds = models.PositiveSmallIntegerField(
        default=10, help_text="So long a sent reply waits before it leaves, and can be taken back."
    )
    default_country = models.CharField(
        max_length=2,
        blank=True,
        help_text="Two letters; phones written without + are read there. Empty: the installation's.",
    )
    keyword_tags = models.JSONField(
        default=dict, blank=True, help_text="Word → tag, for what customers write. Whole words, any case."
    )
    currency = models.CharField(
        max_length=3, default="GBP", db_default="GBP", help_text="ISO 4217; deals are in it unless they say so."
    )
    retention_months = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        help_text="Customers with whom nothing happened for so long are erased by themselves. Empty: never.",
    )
    requires_second_factor = models.BooleanField(
        default=False, db_default=False, help_text="Members without a second factor set one up before anything else."
    )
    logo = models.FileField(upload_to=place_of_logo, max_length=200, blank=True, default="", db_default="")
    # Without, members sign in by the organization's provider; one administrator keeps the password.
    allows_passwords = models.BooleanField(default=True, db_default=True, editable=False)
    password_keeper = models.ForeignKey(
        "accounts.Member", on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    allows_impersonation = models.BooleanField(
        default=True, db_default=True, help_text="Whether who may impersonate can act as another member."
    )
    # False while it is suspended or deleted: nobody enters, what comes in is kept, nothing leaves.
    is_active = models.BooleanField(default=True, editable=False)
    suspended_at = models.DateTimeField(null=True, blank=True, editable=False)
    suspension_reason = OneLine(max_length=300, blank=True, default="", db_default="", editable=False)
    # Hidden from then on, and everything of it is destroyed once the time to restore it is over.
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=now, editable=False)

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        """Days of this organization are days here."""
        return zoneinfo.ZoneInfo(self.timezone)

    @property
    def logo_version(self) -> str:
        """Another one for another picture; for its address."""
        return str(self.logo or "").rpartition("/")[2][-12:]
