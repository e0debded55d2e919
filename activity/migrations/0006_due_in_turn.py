"""What is due by organization, so that each has its turn, and what was set aside; built while others write."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models

DUE = models.Q(("due_at__isnull", False))
OLD = models.Index(fields=["due_at"], condition=DUE, name="event_due")
NEW = models.Index(fields=["organization", "due_at"], condition=DUE, name="event_due_in_turn")
SET_ASIDE = models.Index(
    fields=["organization", "-occurred_at"],
    condition=models.Q(("dispatch_state", "set_aside")),
    name="event_set_aside",
)


def forwards(apps: Any, schema_editor: Any) -> None:
    model = apps.get_model("activity", "Event")
    _exchange(model, schema_editor, OLD, NEW)
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.add_index(model, SET_ASIDE, concurrently=True)
    else:
        schema_editor.add_index(model, SET_ASIDE)


def backwards(apps: Any, schema_editor: Any) -> None:
    model = apps.get_model("activity", "Event")
    schema_editor.remove_index(model, SET_ASIDE)
    _exchange(model, schema_editor, NEW, OLD)


def _exchange(model: Any, schema_editor: Any, old: models.Index, new: models.Index) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.add_index(model, new, concurrently=True)
        schema_editor.remove_index(model, old, concurrently=True)
    else:
        schema_editor.add_index(model, new)
        schema_editor.remove_index(model, old)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("activity", "0005_beginnings_of_claims")]

    operations = [
        migrations.RunPython(forwards, backwards),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveIndex(model_name="event", name="event_due"),
                migrations.AddIndex(model_name="event", index=NEW),
                migrations.AddIndex(model_name="event", index=SET_ASIDE),
            ]
        ),
    ]
