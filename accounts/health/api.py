"""`/admin/health`: the organization's health, and its figures over time."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api import OrganizationView
from accounts.health.queries import parts
from activity.doctor import checks, queries, samples
from activity.models import HealthStatus
from core import clock
from core.api.errors import invalid
from core.api.parameters import ListParameters, read_parameters
from core.tenancy import current_organization

STATUS_HELP = "good, warning, failed, or unknown where nobody has looked."


class HealthLineSerializer(serializers.Serializer[object]):
    check = serializers.CharField(help_text="The check’s name, as channels.")
    label = serializers.CharField(help_text="What the line is about.")  # type: ignore[assignment]  # a field, as the contract calls it
    status = serializers.ChoiceField(choices=HealthStatus.choices, help_text=STATUS_HELP)
    text = serializers.CharField(help_text="What it means.")
    advice = serializers.CharField(help_text="What to do; empty where nothing is.", allow_blank=True)
    since = serializers.DateTimeField(allow_null=True, help_text="Since when the status is so, where that is known.")
    checked_at = serializers.DateTimeField(allow_null=True)
    url = serializers.CharField(help_text="The page to go to, as a path; empty where there is none.", allow_blank=True)


class HealthPartSerializer(serializers.Serializer[object]):
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # a field, as the contract calls it
    status = serializers.ChoiceField(choices=HealthStatus.choices, help_text=STATUS_HELP)
    text = serializers.CharField()
    since = serializers.DateTimeField(allow_null=True)


class HealthSerializer(serializers.Serializer[object]):
    status = serializers.ChoiceField(choices=HealthStatus.choices, help_text="The worst of all.")
    checked_at = serializers.DateTimeField()
    checks = HealthLineSerializer(many=True, help_text="What concerns this organization.")
    installation = HealthPartSerializer(many=True, help_text="The installation’s parts, in general words.")


class PointSerializer(serializers.Serializer[object]):
    at = serializers.DateTimeField(help_text="The beginning of the step.")
    value = serializers.FloatField(allow_null=True, help_text="null where nobody looked.")


class SeriesSerializer(serializers.Serializer[object]):
    metric_type = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # a field, as the contract calls it
    unit = serializers.CharField(help_text="messages, rows or seconds.")
    is_count = serializers.BooleanField(help_text="Steps add up; else a value is the largest of its step.")
    points = PointSerializer(many=True)


class HealthMetricsSerializer(serializers.Serializer[object]):
    time_range = serializers.ChoiceField(choices=list(samples.RANGES))
    step_seconds = serializers.IntegerField()
    series = SeriesSerializer(many=True)


class HealthMetricsParameters(ListParameters):
    metric_type = serializers.CharField(required=False, max_length=40, help_text="One metric; all where none is named.")
    time_range = serializers.ChoiceField(choices=list(samples.RANGES), required=False, help_text="24h unless said.")


HEALTH = {
    "status": "warning",
    "checked_at": "2026-11-30T20:00:00Z",
    "checks": [
        {
            "check": "mailboxes", "label": "Front desk", "status": "warning", "text": "Not looked at for 9 min. ",
            "advice": "Open the channel and check it: server, user and password. Mail waits at the server.",
            "since": "2026-11-30T19:51:00Z", "checked_at": "2026-11-30T20:00:00Z",
            "url": "/o/harbour/channels/0190a0a0-0000-7000-8000-000000000001/",
        }
    ],
    "installation": [
        {"name": "worker", "label": "Worker", "status": "good", "text": "Works.", "since": "2026-11-28T06:00:00Z"}
    ],
}  # fmt: skip
METRICS = {
    "time_range": "24h",
    "step_seconds": 900,
    "series": [
        {
            "metric_type": "messages_in", "label": "Messages in", "unit": "messages", "is_count": True,
            "points": [{"at": "2026-11-30T20:00:00Z", "value": 12.0}],
        }
    ],
}  # fmt: skip


class HealthViewSet(OrganizationView):
    permissions = {"health": "settings.view", "metrics": "settings.view"}

    @extend_schema(
        operation_id="health_retrieve",
        tags=["administration"],
        responses=HealthSerializer,
        examples=[OpenApiExample("A mailbox is behind", HEALTH, response_only=True)],
    )
    def health(self, request: Request) -> Response:
        """How the organization's channels and mailboxes are, and the installation in general words."""
        read_parameters(request, ListParameters)
        report = queries.organization(current_organization())
        installation = parts()
        found = [
            {
                "check": finding.name,
                "label": line.label or str(finding.label),
                "status": line.status,
                "text": line.message,
                "advice": line.to_do,
                "since": line.since,
                "checked_at": line.checked_at,
                "url": line.url,
            }
            for finding in report.findings
            for line in finding.lines
        ]
        statuses = [report.status, *(part.status for part in installation)]
        body = {
            "status": min(statuses, key=checks.ORDER.index),
            "checked_at": clock.now(),
            "checks": found,
            "installation": installation,
        }
        return Response(HealthSerializer(body).data)

    @extend_schema(
        operation_id="health_metrics_list",
        tags=["administration"],
        parameters=[HealthMetricsParameters],
        responses=HealthMetricsSerializer,
        examples=[OpenApiExample("Messages of a day", METRICS, response_only=True)],
    )
    def metrics(self, request: Request) -> Response:
        """Figures of the organization over 24 hours or 30 days, a point for each step; of its own rows alone."""
        parameters = read_parameters(request, HealthMetricsParameters)
        span = samples.RANGES[parameters.get("time_range", "24h")]
        metrics = samples.of_organizations()
        if name := parameters.get("metric_type"):
            metrics = [metric for metric in metrics if metric.name == name]
            if not metrics:
                known = ", ".join(metric.name for metric in samples.of_organizations())
                raise invalid("metric_type", f"There is no such metric. Use: {known}.", code="invalid_choice")
        series = [
            {
                "metric_type": one.metric.name,
                "label": str(one.metric.label),
                "unit": one.metric.unit,
                "is_count": one.metric.is_count,
                "points": one.points,
            }
            for one in samples.series_of_organization(span, metrics)
        ]
        body = {"time_range": span.name, "step_seconds": int(span.step.total_seconds()), "series": series}
        return Response(HealthMetricsSerializer(body).data)
