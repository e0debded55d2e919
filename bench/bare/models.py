from __future__ import annotations

from django.db import models
from django.utils import timezone


class Row(models.Model):
    """One row; its table is made by the benchmark."""

    key = models.CharField(max_length=200, unique=True)
    body = models.BinaryField()
    received_at = models.DateTimeField(default=timezone.now)

    class Meta:
        app_label = "bare"
        managed = False
        db_table = "bench_row"

    def __str__(self) -> str:
        return self.key
