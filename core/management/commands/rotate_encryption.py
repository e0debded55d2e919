from __future__ import annotations

from django.apps import apps
from django.core.management.base import BaseCommand
from django.db import transaction
from django.db.models import Model

from core.encryption import EncryptedJSONField
from core.tenancy import every_organization


class Command(BaseCommand):
    help = "Encrypt every stored secret anew with the newest of ENCRYPTION_KEYS, so that the older keys can be dropped."

    def handle(self, *args: object, **options: object) -> None:
        with every_organization("a new key is for every organization's secrets"):
            for model in apps.get_models():
                names = [field.attname for field in model._meta.fields if isinstance(field, EncryptedJSONField)]
                if names:
                    self.stdout.write(f"{model._meta.label}: {self._rotate(model, names)} rows")

    def _rotate(self, model: type[Model], names: list[str]) -> int:
        count = 0
        for key in model._base_manager.values_list("pk", flat=True).iterator():
            # Row by row and locked: a change made in this moment is not lost.
            with transaction.atomic():
                row = model._base_manager.select_for_update().filter(pk=key).first()
                if row is not None:
                    row.save(update_fields=names)
                    count += 1
        return count
