from __future__ import annotations

from django.db import models
from django.utils import timezone

from core.claims import Claimable


class PasswordReset(Claimable):
    """Somebody asked for a new password; the worker writes the mail, and the row goes.

    Not an organization's: a user may belong to several. One is made for every address that is given, known or not, so
    that nobody learns from the answer or its time which addresses have an account.
    """

    id = models.BigAutoField(primary_key=True)
    email = models.EmailField(max_length=254)
    last_error = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["due_at"], name="password_reset_due")]

    def __str__(self) -> str:
        return f"asked for at {self.created_at:%Y-%m-%d %H:%M}"
