from __future__ import annotations

from django.db import models


class SignInAttempt(models.Model):
    """Failed sign-ins in the running window, for an account and for an address alike.

    Not an organization's: before the sign-in nobody knows which one is meant. The key is a keyed hash; neither e-mail
    nor address can be read from it.
    """

    id = models.BigAutoField(primary_key=True)
    key = models.CharField(max_length=64, unique=True)
    failures = models.PositiveIntegerField(default=0)
    window_began_at = models.DateTimeField()
    blocked_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.failures} failures"
