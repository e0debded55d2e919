from django.apps import AppConfig


class WorkflowsConfig(AppConfig):
    """What happens by itself: rules, sequences, notifications, the automation hub."""

    name = "workflows"
    verbose_name = "Workflows"
