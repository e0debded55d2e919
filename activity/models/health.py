"""What the doctor keeps: the result of each check with since when it is so, samples of figures, processes' figures."""

from __future__ import annotations

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from core.fields import OneLine
from core.tenancy import TenantModel


class HealthStatus(models.TextChoices):
    GOOD = "good", "Good"
    WARNING = "warning", "Warning"
    FAILED = "failed", "Failed"
    UNKNOWN = "unknown", "Unknown"


class CheckResult(models.Model):
    """A line of a check as it was found last. `since` moves only when the status changes."""

    name = OneLine(max_length=40)
    # Which of the check's lines it is; empty where it has one.
    key = models.CharField(max_length=120, blank=True)
    label = models.TextField(blank=True)
    status = models.CharField(max_length=8, choices=HealthStatus.choices)
    # Untranslated, with the values that stand in them: a page is read in the reader's language.
    text = models.TextField()
    advice = models.TextField(blank=True)
    values = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    url = models.TextField(blank=True)
    since = models.DateTimeField()
    checked_at = models.DateTimeField()

    class Meta:
        abstract = True


class InstallationCheck(CheckResult):
    """A line about the installation."""

    next_at = models.DateTimeField()
    # When the installation's administrators were last notified by mail.
    reported_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "key"], name="installation_check_once")]

    def __str__(self) -> str:
        return f"{self.name} {self.key}: {self.status}"


class OrganizationCheck(CheckResult, TenantModel):
    """A line about an organization that can't be found out while a page is waited for."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "name", "key"], name="organization_check_once"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.key}: {self.status}"


class Sample(models.Model):
    """The value of a metric in the time from `at` on, `seconds` long: a minute, or an hour made of minutes."""

    MINUTE = 60
    HOUR = 3600

    metric = OneLine(max_length=40)
    seconds = models.PositiveSmallIntegerField()
    at = models.DateTimeField()
    value = models.FloatField()

    class Meta:
        abstract = True


class InstallationSample(Sample):
    """A sample of the whole installation. One is written for each time that was looked at, also of nothing."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["seconds", "at", "metric"], name="installation_sample_once")]

    def __str__(self) -> str:
        return f"{self.metric} {self.at:%Y-%m-%d %H:%M}: {self.value}"


class OrganizationSample(Sample, TenantModel):
    """An organization's part of it; nothing is written for nothing."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "seconds", "at", "metric"], name="organization_sample_once"
            ),
        ]
        indexes = [models.Index(fields=["seconds", "at"], name="organization_sample_age")]

    def __str__(self) -> str:
        return f"{self.metric} {self.at:%Y-%m-%d %H:%M}: {self.value}"


class ProcessFigures(models.Model):
    """The figures of one process (`core.metrics`), written by itself; those of ended ones are added up in one row."""

    id = models.CharField(max_length=64, primary_key=True)
    part = OneLine(max_length=16)
    figures = models.JSONField(default=dict)
    updated_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.part} {self.id}"
