"""What is due, organization by organization, so that each has its turn; on PostgreSQL built while others write."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models

DUE = models.Q(("due_at__isnull", False))
OLD = models.Index(fields=["due_at"], condition=DUE, name="arrival_due")
NEW = models.Index(fields=["organization", "due_at"], condition=DUE, name="arrival_due_in_turn")


def forwards(apps: Any, schema_editor: Any) -> None:
    _exchange(apps.get_model("messaging", "Arrival"), schema_editor, OLD, NEW)


def backwards(apps: Any, schema_editor: Any) -> None:
    _exchange(apps.get_model("messaging", "Arrival"), schema_editor, NEW, OLD)


def _exchange(model: Any, schema_editor: Any, old: models.Index, new: models.Index) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.add_index(model, new, concurrently=True)
        schema_editor.remove_index(model, old, concurrently=True)
    else:
        schema_editor.add_index(model, new)
        schema_editor.remove_index(model, old)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("messaging", "0009_beginnings_of_claims")]

    operations = [
        migrations.RunPython(forwards, backwards),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveIndex(model_name="arrival", name="arrival_due"),
                migrations.AddIndex(model_name="arrival", index=NEW),
            ]
        ),
    ]
