"""What members are told: lines, how each wants to be told, and the mails for those who are away."""

from __future__ import annotations

from typing import ClassVar, Self

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Member
from core.claims import Claimable
from core.tenancy import TenantManager, TenantModel
from customers.models import Customer


class NotificationQuerySet(models.QuerySet["Notification"]):
    def unread(self) -> Self:
        return self.filter(read_at__isnull=True)

    def newest_first(self) -> Self:
        return self.order_by("-raised_at", "-id")


class Notification(TenantModel):
    """One line for one member about one thing. What happens again raises it again; it is never made twice."""

    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="+")
    # A name in workflows.notifications.kinds.
    kind = models.SlugField(max_length=40)
    # What it is about: a conversation, a task, a rule. Whether it is there and may be seen is asked when it is read.
    subject_id = models.UUIDField()
    # What tells lines about the same subject apart, where a kind has several: a rule and its step. Mostly empty.
    group = models.SlugField(max_length=100, blank=True, default="", db_default="")
    # Whom it is about; without reach to them there is no line.
    customer = models.ForeignKey(Customer, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    # What its sentence needs and no record says: a task's title as it was, a rule's text.
    data = models.JSONField(default=dict, blank=True, encoder=DjangoJSONEncoder)
    # How often it happened since the line was read last.
    count = models.PositiveIntegerField(default=1, db_default=1)
    # The event that raised it last: the same once more changes nothing.
    event_id = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    raised_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True, blank=True)
    # In a mail to the member; that it was raised again after it was read makes it news again.
    mailed_at = models.DateTimeField(null=True, blank=True)
    # Raised, read or mailed: by which open pages learn that there is something new.
    changed_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar = TenantManager.from_queryset(NotificationQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["member", "kind", "subject_id", "group"], name="notification_once"),
            models.CheckConstraint(condition=Q(count__gte=1), name="notification_counts_from_one"),
        ]
        indexes = [
            models.Index(fields=["organization", "member", "-raised_at", "-id"], name="notification_newest"),
            models.Index(
                fields=["organization", "member", "-raised_at", "-id"],
                condition=Q(read_at__isnull=True),
                name="notification_unread",
            ),
            # What became of a subject is noted on everybody's lines about it.
            models.Index(fields=["organization", "subject_id"], name="notification_of_subject"),
            models.Index(fields=["organization", "changed_at"], name="notification_changed"),
            # The beat forgets the old ones of all organizations at once.
            models.Index(fields=["read_at"], condition=Q(read_at__isnull=False), name="notification_read_age"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.member_id}"

    @property
    def is_read(self) -> bool:
        return self.read_at is not None


class NotificationSettings(TenantModel):
    """How somebody wants to be told: a member, or with none the organization, for all who say nothing else."""

    class Quiet(models.TextChoices):
        INHERITED = "", _("As the organization says")
        NEVER = "never", _("No quiet hours")
        CLOSED = "closed", _("Outside business hours")
        TIMES = "times", _("Between two times of the day")

    member = models.OneToOneField(Member, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    # By a kind's name the ways that were chosen; a kind that is not there is told as the next above says.
    ways = models.JSONField(default=dict, blank=True)
    quiet = models.CharField(max_length=8, choices=Quiet.choices, blank=True, default=Quiet.INHERITED)
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(null=True, blank=True)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name_plural = "notification settings"
        constraints = [
            models.UniqueConstraint(
                fields=["organization"], condition=Q(member__isnull=True), name="notification_defaults_once"
            ),
            models.CheckConstraint(
                condition=~Q(quiet="times") | Q(quiet_from__isnull=False, quiet_until__isnull=False),
                name="notification_quiet_has_times",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.member_id or self.organization_id}"


class NotificationDigest(TenantModel, Claimable):
    """When somebody's unread lines are looked at next, to be mailed if they are away. One for a member."""

    member = models.OneToOneField(Member, on_delete=models.CASCADE, related_name="+")
    last_error = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="notification_digest_due")]

    def __str__(self) -> str:
        return f"{self.member_id}"
