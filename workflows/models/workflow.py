"""Rules of an organization, as they are and as they were."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone

from core.fields import OneLine
from core.tenancy import TenantManager, TenantModel


class Workflow(TenantModel):
    """A rule: when an event of the trigger happens and the conditions hold, the steps are taken, in order. Or a
    sequence: pairs of a wait and an action, gone through by customers who are put into it."""

    class Kind(models.TextChoices):
        RULE = "rule", "Rule"
        SEQUENCE = "sequence", "Sequence"

    class Hours(models.TextChoices):
        ANY = "any", "At any time"
        OPEN = "open", "Within business hours"
        CLOSED = "closed", "Outside business hours"

    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.RULE, editable=False)
    name = OneLine(max_length=120)
    # What its pack calls it; empty for one that somebody made here.
    key = models.SlugField(max_length=40, blank=True, editable=False)
    trigger_event = models.CharField(max_length=64)
    conditions = models.JSONField(default=dict, blank=True, encoder=DjangoJSONEncoder)
    actions = models.JSONField(default=list, encoder=DjangoJSONEncoder)
    # What ends a run that waits (workflows.rules.steps.CancelOn).
    cancel_on = models.JSONField(default=list, blank=True)
    hours = models.CharField(max_length=8, choices=Hours.choices, default=Hours.ANY)
    is_once = models.BooleanField(default=False, help_text="Once for a customer, not each time.")
    stop_after = models.BooleanField(default=False, help_text="Where it acts, later rules do not.")
    position = models.PositiveIntegerField(default=0)
    is_enabled = models.BooleanField(default=False)
    # Counts the contents that it has had; each is a WorkflowVersion.
    version = models.PositiveIntegerField(default=1, editable=False)
    # In a row; enough of them pause the rule.
    failures = models.PositiveSmallIntegerField(default=0, editable=False)
    paused_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "key"], condition=~models.Q(key=""), name="workflow_key_once"
            ),
            models.CheckConstraint(condition=~models.Q(name=""), name="workflow_has_name"),
        ]
        indexes = [
            models.Index(
                fields=["organization", "trigger_event", "position"],
                condition=models.Q(is_enabled=True),
                name="workflow_of_trigger",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class WorkflowVersionManager(TenantManager["WorkflowVersion"]):
    organization_path = "workflow__organization"


class WorkflowVersion(models.Model):
    """The content of a rule from one change to the next. Written once."""

    id = models.BigAutoField(primary_key=True)
    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    content = models.JSONField(encoder=DjangoJSONEncoder)
    author_label = OneLine(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar = WorkflowVersionManager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workflow", "number"], name="workflow_version_once")]

    def __str__(self) -> str:
        return f"{self.workflow_id} {self.number}"
