from django.apps import AppConfig

from customers import events  # noqa: F401 - declared before any app is ready


class CustomersConfig(AppConfig):
    name = "customers"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Customers"

    def ready(self) -> None:
        from customers import subscribers

        subscribers.register()
