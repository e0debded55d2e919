from django.apps import AppConfig

from workflows import actions, events  # noqa: F401 - declared before any app is ready


class WorkflowsConfig(AppConfig):
    """What happens by itself: rules, sequences, notifications, the automation hub."""

    name = "workflows"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Workflows"

    def ready(self) -> None:
        from workflows import subscribers

        subscribers.register()
