from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Now
from django.utils import timezone

from core.fields import OneLine, OneLineTexts
from core.tenancy import TenantManager, TenantModel
from customers.models.pipeline import Stage
from customers.models.querysets import CustomerQuerySet
from customers.models.tag import Tag


class Customer(TenantModel):
    """A person or business we talk to, from the first message (a lead) on."""

    class Type(models.TextChoices):
        INDIVIDUAL = "individual", "Individual"
        BUSINESS = "business", "Business"

    class Status(models.TextChoices):
        LEAD = "lead", "Lead"
        PROSPECT = "prospect", "Prospect"
        ACTIVE = "active", "Active"
        INACTIVE = "inactive", "Inactive"

    code = models.CharField(max_length=20, editable=False)
    name = OneLine(max_length=200)
    # The primary identities, kept here for lists; customers.people.identities.services writes both.
    email = OneLine("e-mail", max_length=254, blank=True)
    phone = OneLine(max_length=20, blank=True, help_text="E.164")
    company = OneLine(max_length=200, blank=True)
    type = models.CharField(max_length=16, choices=Type.choices, default=Type.INDIVIDUAL)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.LEAD)
    stage = models.ForeignKey(Stage, on_delete=models.PROTECT, related_name="customers")
    stage_since = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)
    # The sum of their open deals in the organization's currency; customers.pipeline.deals.services writes it.
    open_value = models.DecimalField(max_digits=16, decimal_places=2, default=0, db_default=0, editable=False)
    source = OneLine(max_length=60, blank=True)
    campaign = OneLine(
        max_length=200, blank=True, default="", db_default="", help_text="The advertisement that brought them."
    )
    language = OneLine(max_length=16, blank=True, help_text="BCP 47, such as en or pt-BR.")
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    tags = models.ManyToManyField(Tag, blank=True, related_name="customers")
    notes = models.TextField(blank=True)
    address = OneLineTexts(default=dict, blank=True, help_text="street, city, state, country, postal_code")
    do_not_contact = models.BooleanField(default=False)
    next_follow_up_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    last_activity_at = models.DateTimeField(default=timezone.now, editable=False)
    custom_fields = models.JSONField(
        default=dict,
        db_default=Value({}, models.JSONField()),
        blank=True,
        help_text="Values of the organization's own fields.",
    )
    # Codes of the customers that were merged into this one; they are found by them for good.
    former_codes = models.JSONField(default=list, db_default=Value([], models.JSONField()), blank=True, editable=False)
    merged_into = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="+", editable=False
    )
    # Hidden since, and restorable for 30 days; a merged customer is hidden too.
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    # The person is gone, the row stays for the counts.
    erased_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Name, e-mail, phone, company and code, lower case and without accents, each word after a blank; written, as the
    # keys below, by customers.people.keys.
    search_text = models.TextField(blank=True, editable=False)
    # The organization and a stretch of its codes in one number: what the search's index begins with.
    search_window = models.BigIntegerField(default=0, db_default=0, editable=False)
    sort_name = OneLine(max_length=100, db_default="", blank=True, editable=False)
    code_number = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    company_key = OneLine(max_length=100, db_default="", blank=True, editable=False)
    address_key = OneLine(max_length=150, db_default="", blank=True, editable=False)
    is_duplicate_check_due = models.BooleanField(default=False, db_default=False, editable=False)

    objects: ClassVar = TenantManager.from_queryset(CustomerQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "code"], name="customer_code_once"),
            models.CheckConstraint(condition=~Q(name=""), name="customer_has_name"),
        ]
        indexes = [
            models.Index(fields=["organization", "-created_at", "-id"], name="customer_newest"),
            models.Index(fields=["organization", "-last_activity_at", "-id"], name="customer_latest_activity"),
            models.Index(fields=["organization", "assigned_to", "-created_at", "-id"], name="customer_of_owner"),
            models.Index(fields=["organization", "stage", "-created_at"], name="customer_in_stage"),
            # A column of the board by latest activity; and, from the index alone, the sums over it.
            models.Index(
                fields=["organization", "stage", "last_activity_at", "id", "assigned_to", "stage_since", "open_value"],
                condition=Q(deleted_at__isnull=True),
                name="customer_board",
            ),
            models.Index(
                fields=["organization", "next_follow_up_at"],
                condition=Q(next_follow_up_at__isnull=False),
                name="customer_follow_up",
            ),
            models.Index(fields=["organization", "sort_name", "id"], name="customer_by_name"),
            models.Index(fields=["organization", "code_number", "id"], name="customer_by_code"),
            models.Index(fields=["organization", "-updated_at", "-id"], name="customer_latest_change"),
            models.Index(
                fields=["organization", "-deleted_at"], condition=Q(deleted_at__isnull=False), name="customer_deleted"
            ),
            models.Index(fields=["organization", "company_key"], condition=~Q(company_key=""), name="customer_company"),
            models.Index(fields=["organization", "address_key"], condition=~Q(address_key=""), name="customer_address"),
            # The worker looks for the duplicates of all organizations' new customers.
            models.Index(
                fields=["is_duplicate_check_due"],
                condition=Q(is_duplicate_check_due=True),
                name="customer_duplicate_check",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"

    @property
    def customer_id(self) -> UUID:
        """Whom a record is about is asked of every record alike; a customer is about themselves."""
        return self.pk

    @property
    def is_deleted(self) -> bool:
        return self.deleted_at is not None

    @property
    def overdue_at(self) -> datetime | None:
        """When the customer becomes overdue: the last activity plus the stage's hours; None where it has none."""
        if self.stage.is_terminal or self.stage.sla_hours is None:
            return None
        return self.last_activity_at + timedelta(hours=self.stage.sla_hours)

    @property
    def is_overdue(self) -> bool:
        return self.overdue_at is not None and self.overdue_at < timezone.now()


class CustomerCounter(TenantModel):
    """The last number given out in an organization's codes."""

    last_number = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization"], name="customer_counter_once")]

    def __str__(self) -> str:
        return str(self.last_number)
