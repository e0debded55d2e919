from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.fields import OneLine
from core.tenancy import TenantManager, TenantModel
from customers.models.customer import Customer
from customers.models.interaction import Interaction
from customers.models.querysets import OfCustomerQuerySet


class ProcessQuerySet(OfCustomerQuerySet["Process"]):
    def open_follow_up(self, customer: Customer) -> Process | None:
        """The customer's open follow-up process; a constraint keeps it the only one."""
        return self.filter(customer=customer, kind=Process.Kind.FOLLOW_UP, status__in=Process.OPEN).first()


class Process(TenantModel):
    """A customer's way through timed steps. The follow-up process is begun by the first action that is logged; others
    are ways through a sequence."""

    class Kind(models.TextChoices):
        FOLLOW_UP = "follow_up", "Follow-up"
        SEQUENCE = "sequence", "Sequence"

    class Status(models.TextChoices):
        PENDING = "pending", "Pending"
        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"
        COMPLETED = "completed", "Completed"
        CANCELLED = "cancelled", "Cancelled"

    OPEN = (Status.PENDING, Status.ACTIVE, Status.PAUSED)

    customer = models.ForeignKey("customers.Customer", on_delete=models.CASCADE, related_name="processes")
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.FOLLOW_UP, editable=False)
    # The sequence (workflows) that it is a way through; what is done in it is decided there. Nobody is in one twice:
    # whoever begins one holds the customer.
    sequence = models.UUIDField(null=True, blank=True, editable=False)
    name = OneLine(max_length=120, default="Follow-up")
    channel = OneLine(max_length=40, blank=True)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.ACTIVE)
    last_action = models.ForeignKey(Interaction, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    # The moment of the last action, also when that was deleted: an older one doesn't move the process back.
    last_action_at = models.DateTimeField(null=True, blank=True, editable=False)
    next_follow_up_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar = TenantManager.from_queryset(ProcessQuerySet)()

    class Meta:
        verbose_name_plural = "processes"
        constraints = [
            models.UniqueConstraint(
                fields=["customer"],
                condition=Q(kind="follow_up", status__in=["pending", "active", "paused"]),
                name="one_open_follow_up_process",
            ),
            models.CheckConstraint(condition=~Q(name=""), name="process_has_name"),
        ]
        indexes = [
            models.Index(fields=["organization", "customer", "-created_at"], name="process_of_customer"),
            models.Index(fields=["organization", "-created_at", "-id"], name="process_newest"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_open(self) -> bool:
        return self.status in self.OPEN
