from django.apps import AppConfig


class MessagingConfig(AppConfig):
    name = "messaging"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Messaging"

    def ready(self) -> None:
        from messaging import events, subscribers  # noqa: F401 - declare and subscribe

        subscribers.register()
