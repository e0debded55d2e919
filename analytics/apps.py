from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    """What the numbers say: metrics, dashboards, alerts, reports, exports."""

    name = "analytics"
    verbose_name = "Analytics"
