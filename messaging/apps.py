from django.apps import AppConfig

from messaging import events  # noqa: F401 - declared before any app is ready


class MessagingConfig(AppConfig):
    name = "messaging"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Messaging"

    def ready(self) -> None:
        from messaging import subscribers

        subscribers.register()
