"""Which files are to be fetched, and where a file is used; on PostgreSQL built while others write."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models

INDEXES = (
    models.Index(fields=["due_at"], condition=models.Q(("due_at__isnull", False)), name="attachment_due"),
    models.Index(fields=["file"], condition=models.Q(("file__isnull", False)), name="attachment_of_file"),
)


def add(apps: Any, schema_editor: Any) -> None:
    model = apps.get_model("messaging", "Attachment")
    for index in INDEXES:
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.add_index(model, index, concurrently=True)
        else:
            schema_editor.add_index(model, index)


def remove(apps: Any, schema_editor: Any) -> None:
    for index in INDEXES:
        schema_editor.remove_index(apps.get_model("messaging", "Attachment"), index)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("messaging", "0006_providers")]

    operations = [
        migrations.RunPython(add, remove),
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.AddIndex(model_name="attachment", index=index) for index in INDEXES]
        ),
    ]
