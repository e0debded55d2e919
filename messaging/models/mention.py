from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Member, Team
from core.tenancy import TenantModel
from messaging.models.conversation import Conversation
from messaging.models.message import Message


class Mention(TenantModel):
    """A colleague, or a team, that a private note names."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="mentions")
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="mentions")
    member = models.ForeignKey(Member, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(member__isnull=True) ^ Q(team__isnull=True), name="mention_of_a_member_or_a_team"
            ),
            models.UniqueConstraint(fields=["message", "member"], name="mention_of_a_member_once"),
            models.UniqueConstraint(fields=["message", "team"], name="mention_of_a_team_once"),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} @{self.member_id or self.team_id}"
