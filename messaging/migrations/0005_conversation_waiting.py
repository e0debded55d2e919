"""Who waits for an answer, longest first, by the index alone; on PostgreSQL it is built while others write."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models

INDEX = models.Index(
    condition=models.Q(("waiting_since__isnull", False)),
    fields=["organization", "waiting_since", "id"],
    name="conversation_waiting",
)


def add(apps: Any, schema_editor: Any) -> None:
    model = apps.get_model("messaging", "Conversation")
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.add_index(model, INDEX, concurrently=True)
    else:
        schema_editor.add_index(model, INDEX)


def remove(apps: Any, schema_editor: Any) -> None:
    schema_editor.remove_index(apps.get_model("messaging", "Conversation"), INDEX)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("messaging", "0004_templates")]

    operations = [
        migrations.RunPython(add, remove),
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.AddIndex(model_name="conversation", index=INDEX)]
        ),
    ]
