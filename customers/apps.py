from django.apps import AppConfig


class CustomersConfig(AppConfig):
    name = "customers"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Customers"

    def ready(self) -> None:
        from customers import events, subscribers  # noqa: F401 - declare and subscribe

        subscribers.register()
