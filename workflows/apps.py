from django.apps import AppConfig

from workflows import actions, events  # noqa: F401 - declared before any app is ready


class WorkflowsConfig(AppConfig):
    """What happens by itself: rules, sequences, notifications, the automation hub."""

    name = "workflows"
    verbose_name = "Workflows"
