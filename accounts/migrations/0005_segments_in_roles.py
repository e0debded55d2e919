from typing import Any

from django.db import migrations

SEGMENTS = ["segments.create", "segments.delete", "segments.edit"]


def add(apps: Any, schema_editor: Any) -> None:
    """Whoever saw customers could save views; roles of one's own keep that under its own name."""
    for role in apps.get_model("accounts", "Role")._base_manager.filter(is_system=False):
        if "customers.view" in role.stored_permissions:
            role.stored_permissions = sorted({*role.stored_permissions, *SEGMENTS})
            role.save(update_fields=["stored_permissions"])


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_password_resets")]

    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
