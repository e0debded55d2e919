from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.claims import Claimable
from core.fields import OneLine
from core.tenancy import TenantModel
from messaging.channels.base import Kind
from messaging.models.channel import Channel
from messaging.models.message import Message

# The market of a rate that counts for every country that has none of its own.
ANY_MARKET = "*"


class Category(models.TextChoices):
    """What a provider bills a message as."""

    SERVICE = "service", "Service"
    UTILITY = "utility", "Utility"
    MARKETING = "marketing", "Marketing"
    AUTHENTICATION = "authentication", "Authentication"
    SMS = "sms", "SMS"
    MMS = "mms", "MMS"
    EMAIL = "email", "E-mail"


class RateCard(TenantModel):
    """What a message of a channel, market and category costs from a day on, until a later row says otherwise."""

    channel_kind = models.CharField(max_length=16, choices=[(kind.value, kind.value) for kind in Kind])
    market = models.CharField(max_length=2, help_text="The recipient's country, ISO 3166; *: every other one.")
    category = models.CharField(
        max_length=16, choices=Category.choices, blank=True, help_text="Empty: every other category."
    )
    price = models.DecimalField(max_digits=12, decimal_places=6, help_text="Of a message, or of a segment of an SMS.")
    currency = models.CharField(max_length=3, help_text="ISO 4217.")
    valid_from = models.DateField()
    free_allowance = models.PositiveIntegerField(
        default=0, help_text="So many units of each sender are free in a calendar month."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["channel_kind", "market", "category", "-valid_from"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "channel_kind", "market", "category", "valid_from"], name="rate_once_a_day"
            ),
            models.CheckConstraint(condition=Q(price__gte=0), name="rate_is_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.channel_kind} {self.market} {self.category} {self.price} {self.currency} {self.valid_from}"


class AllowanceUse(TenantModel):
    """How many units a sender has used of what is free in a month, for a market and a category of the rate cards.

    A later rate of the same market and category goes on with the same count.
    """

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="+", db_index=False)
    market = models.CharField(max_length=2, help_text="As the rate says it.")
    category = models.CharField(max_length=16, choices=Category.choices, blank=True, help_text="As the rate says it.")
    month = models.DateField(help_text="Its first day, in the organization's time zone.")
    units = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "market", "category", "month"], name="allowance_once_a_month"),
        ]

    def __str__(self) -> str:
        return f"{self.channel_id} {self.market} {self.category} {self.month} {self.units}"


class MessageCost(TenantModel, Claimable):
    """What a sent message costs. Due while its provider may still say its own price.

    `amount` is None while the cost is unknown, which is never zero.
    """

    class Source(models.TextChoices):
        PROVIDER = "provider", "The provider"
        RATE_CARD = "rate_card", "The rate card"
        UNKNOWN = "", "Unknown"

    message = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="cost_record")
    category = models.CharField(max_length=16, choices=Category.choices, blank=True)
    market = models.CharField(max_length=2, blank=True, help_text="The recipient's country; empty: not known.")
    units = models.PositiveSmallIntegerField(default=1, help_text="Messages, or segments of an SMS.")
    amount = models.DecimalField(max_digits=14, decimal_places=6, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    source = models.CharField(max_length=16, choices=Source.choices, blank=True)
    # Rates come and go; what was free of them is counted here.
    allowance = models.ForeignKey(
        AllowanceUse, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    free_units = models.PositiveSmallIntegerField(default=0, help_text="Of the units, those within the allowance.")
    last_error = OneLine(max_length=300, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="message_cost_due"),
            models.Index(
                fields=["created_at"], name="message_cost_set_aside", condition=Q(due_at=None) & ~Q(last_error="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} {self.amount} {self.currency}"
