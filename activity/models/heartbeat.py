from __future__ import annotations

from datetime import timedelta

from django.db import models

from core import clock


class HeartbeatManager(models.Manager["Heartbeat"]):
    def beat(self, name: str, **detail: object) -> None:
        """Note that this part of the machinery is alive now."""
        self.update_or_create(name=name, defaults={"beat_at": clock.now(), "detail": detail})

    def age(self, name: str) -> timedelta | None:
        """The time since this part's last heartbeat; None where there was none."""
        beat_at = self.filter(name=name).values_list("beat_at", flat=True).first()
        return None if beat_at is None else clock.now() - beat_at


class Heartbeat(models.Model):
    """When a part of the machinery was last alive. The installation's, not an organization's."""

    class Name(models.TextChoices):
        BEAT = "beat", "The beat ticks"
        CANARY = "canary", "A task went from the beat through the broker and a worker"

    name = models.CharField(max_length=80, unique=True)
    beat_at = models.DateTimeField()
    detail = models.JSONField(default=dict, blank=True)

    objects = HeartbeatManager()

    def __str__(self) -> str:
        return f"{self.name} at {self.beat_at:%Y-%m-%d %H:%M:%S}"
