from __future__ import annotations

from django.db import models
from django.utils import timezone

from accounts.models import Member, Team
from core.tenancy import TenantModel


class TeamTurn(TenantModel):
    """Whose turn it was last in a team, when customers were given to its members by the machine."""

    team = models.OneToOneField(Team, on_delete=models.CASCADE, related_name="+")
    # Empty: nobody's yet, or of somebody who is no member any more.
    last = models.ForeignKey(Member, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return f"{self.team_id}: {self.last_id}"
