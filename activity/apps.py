from django.apps import AppConfig

from activity import events  # noqa: F401 - declared before any app is ready


class ActivityConfig(AppConfig):
    name = "activity"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Activity"

    def ready(self) -> None:
        from activity.audit import checks

        checks.register()
