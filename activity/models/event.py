"""The ledger: one row for everything that happened; audit, timeline, workflows, notifications and hub all read it."""

from __future__ import annotations

from typing import ClassVar, Self

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils import timezone

from activity.actor import ActorKind
from core.claims import Claimable
from core.fields import OneLine
from core.tenancy import TenantManager, TenantModel


class EventQuerySet(models.QuerySet["Event"]):
    def about_customer(self, customer_id: object) -> Self:
        return self.filter(customer_id=customer_id)

    def newest_first(self) -> Self:
        return self.order_by("-occurred_at", "-id")

    def set_aside(self) -> Self:
        """Events that a subscriber failed too often."""
        return self.filter(dispatch_state=Event.DispatchState.SET_ASIDE)


class Event(TenantModel, Claimable):
    """Something that happened. Written once; only its dispatch moves on."""

    class DispatchState(models.TextChoices):
        PENDING = "pending", "to be dispatched"
        DONE = "done", "dispatched"
        SET_ASIDE = "set_aside", "set aside"

    type = models.CharField(max_length=64)
    occurred_at = models.DateTimeField(default=timezone.now)
    actor_kind = models.CharField(max_length=16, choices=[(kind.value, kind.value) for kind in ActorKind])
    actor_id = models.CharField(max_length=64, blank=True)
    actor_label = OneLine(max_length=200, blank=True)
    impersonator_id = models.CharField(max_length=64, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    depth = models.PositiveSmallIntegerField(default=0)
    subject_type = models.CharField(max_length=64)
    subject_id = models.CharField(max_length=64)
    # Not a foreign key: the ledger stands below the customers, and outlives them.
    customer_id = models.UUIDField(null=True, blank=True)
    payload = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    # Null where there is none: the unique key speaks of those that have one.
    source_key = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001
    dispatch_state = models.CharField(max_length=16, choices=DispatchState.choices, default=DispatchState.PENDING)
    last_error = models.TextField(blank=True)
    # Makes a digest of the content say nothing of the content; exchanged when the content is erased.
    salt = models.CharField(max_length=32, blank=True, default="", db_default="", editable=False)
    # That this program wrote the row, until it is in the chain (activity.audit.sealing); empty then.
    proof = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)
    is_sealed = models.BooleanField(default=False, db_default=False, editable=False)

    objects: ClassVar = TenantManager.from_queryset(EventQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "type", "source_key"],
                condition=Q(source_key__isnull=False),
                name="event_source_once",
            )
        ]
        indexes = [
            models.Index(fields=["organization", "-occurred_at", "-id"], name="event_newest"),
            models.Index(fields=["organization", "customer_id", "-occurred_at", "-id"], name="event_of_customer"),
            models.Index(
                fields=["organization", "subject_type", "subject_id", "-occurred_at"], name="event_of_subject"
            ),
            models.Index(
                fields=["organization", "due_at"], condition=Q(due_at__isnull=False), name="event_due_in_turn"
            ),
            # The audit log by what was done and by who did it.
            models.Index(fields=["organization", "type", "-occurred_at", "-id"], name="event_of_type"),
            models.Index(fields=["organization", "actor_id", "-occurred_at", "-id"], name="event_of_actor"),
            # Those of the last seconds: the next of the chain.
            models.Index(fields=["organization", "id"], condition=Q(is_sealed=False), name="event_unsealed"),
            # Few among millions; readiness and the admin count them.
            models.Index(
                fields=["organization", "-occurred_at"], condition=Q(dispatch_state="set_aside"), name="event_set_aside"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.subject_type} {self.subject_id}"


class ReceiptManager(TenantManager["Receipt"]):
    organization_path = "event__organization"


class Receipt(models.Model):
    """A subscriber has handled an event; written in its transaction, so that a second call does nothing."""

    id = models.BigAutoField(primary_key=True)
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="receipts")
    subscriber = models.CharField(max_length=100)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ReceiptManager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event", "subscriber"], name="receipt_once")]

    def __str__(self) -> str:
        return f"{self.subscriber} took {self.event_id}"
