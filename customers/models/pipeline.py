from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q, Value
from django.utils import timezone

from core.fields import OneLine
from core.tenancy import TenantModel


class Stage(TenantModel):
    """A step of the pipeline."""

    class Kind(models.TextChoices):
        OPEN = "open", "Open"
        WON = "won", "Won"
        LOST = "lost", "Lost"

    key = models.SlugField(max_length=40)
    name = OneLine(max_length=80)
    position = models.PositiveSmallIntegerField(default=0)
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.OPEN)
    probability = models.PositiveSmallIntegerField(default=0, help_text="Per cent.")
    color = models.CharField(max_length=20, default="slate")
    sla_hours = models.PositiveIntegerField(
        null=True, blank=True, help_text="Overdue when nothing was said or done for longer."
    )
    entry_task = OneLine(
        max_length=200,
        blank=True,
        default="",
        db_default="",
        help_text="The task that is made when a customer comes here. Empty: none.",
    )
    # Overdue customers are recorded up to this moment; empty after a change of the hours, so that all are checked.
    overdue_told_until = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["position", "key"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "key"], name="stage_key_once"),
            models.CheckConstraint(condition=Q(probability__lte=100), name="stage_probability_is_percent"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_terminal(self) -> bool:
        return self.kind != self.Kind.OPEN


class StageChange(TenantModel):
    """A customer's move from one stage to another."""

    customer = models.ForeignKey("customers.Customer", on_delete=models.CASCADE, related_name="stage_changes")
    from_stage = models.ForeignKey(Stage, null=True, on_delete=models.SET_NULL, related_name="+")
    to_stage = models.ForeignKey(Stage, null=True, on_delete=models.SET_NULL, related_name="+")
    # As they were called then: a stage may be renamed, or go.
    from_name = OneLine(max_length=80, blank=True, default="", db_default="", editable=False)
    to_name = OneLine(max_length=80, blank=True, default="", db_default="", editable=False)
    # Since when they had stood in the stage that they left.
    since = models.DateTimeField(null=True, blank=True, editable=False)
    # Taken back a moment later: no move that counts.
    undone_at = models.DateTimeField(null=True, blank=True, editable=False)
    reason = OneLine(max_length=300, blank=True)
    actor_kind = models.CharField(max_length=16)
    actor_label = OneLine(max_length=200, blank=True)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            models.Index(fields=["organization", "customer", "-changed_at"], name="stage_change_of_customer"),
            models.Index(fields=["organization", "to_stage", "changed_at"], name="stage_change_into"),
        ]

    def __str__(self) -> str:
        return f"{self.from_name} → {self.to_name}"

    @property
    def days(self) -> float | None:
        """Days that the customer had spent in the stage before."""
        return None if self.since is None else (self.changed_at - self.since).total_seconds() / 86400


class CustomerSettings(TenantModel):
    """An organization's settings for customers and the work with them."""

    organization = models.OneToOneField(
        settings.TENANT_MODEL, on_delete=models.CASCADE, related_name="+", editable=False
    )
    follow_up_days = models.PositiveSmallIntegerField(
        default=7, help_text="So many days after an action comes the next follow-up."
    )
    stalled_days = models.PositiveSmallIntegerField(
        default=3, help_text="A lead is stalled when a message of theirs went unanswered for so many days."
    )
    unanswered_minutes = models.PositiveIntegerField(
        default=60,
        db_default=60,
        help_text="A conversation is unanswered when a message has waited for so many minutes.",
    )
    asks_lost_reason = models.BooleanField(default=True, help_text="Moving a customer to a lost stage asks why.")
    won_deal_stage = models.ForeignKey(
        Stage, null=True, blank=True, on_delete=models.SET_NULL, related_name="+",
        help_text="Where a won deal moves its customer. Empty: they stay.",
    )  # fmt: skip
    lost_deal_stage = models.ForeignKey(
        Stage, null=True, blank=True, on_delete=models.SET_NULL, related_name="+",
        help_text="Where a lost deal moves its customer who has no other open one. Empty: they stay.",
    )  # fmt: skip
    relationships = models.JSONField(
        default=list, db_default=Value([], models.JSONField()), blank=True, help_text="Proposed for contacts."
    )

    class Meta:
        verbose_name_plural = "customer settings"

    def __str__(self) -> str:
        return "Customer settings"
