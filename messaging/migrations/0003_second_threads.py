"""A customer may have a second thread on a channel: one that a merge brought along."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models

CONSTRAINT = models.UniqueConstraint(
    fields=("organization", "customer", "channel", "thread_number"), name="conversation_thread_once"
)


def add(apps: Any, schema_editor: Any) -> None:
    model = apps.get_model("messaging", "Conversation")
    if schema_editor.connection.vendor != "postgresql":
        schema_editor.add_constraint(model, CONSTRAINT)
        return
    # The index is built while others write; making it the constraint takes a moment.
    schema_editor.execute(
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS conversation_thread_once ON messaging_conversation "
        "(organization_id, customer_id, channel_id, thread_number)"
    )
    schema_editor.execute(
        "ALTER TABLE messaging_conversation ADD CONSTRAINT conversation_thread_once "
        "UNIQUE USING INDEX conversation_thread_once"
    )


def remove(apps: Any, schema_editor: Any) -> None:
    schema_editor.remove_constraint(apps.get_model("messaging", "Conversation"), CONSTRAINT)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("accounts", "0002_currency_and_retention"),
        ("customers", "0002_records"),
        ("messaging", "0002_conversation_snooze_ends"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="conversation", name="conversation_once"),
        migrations.AddField(
            model_name="conversation",
            name="thread_number",
            field=models.PositiveSmallIntegerField(db_default=1, default=1, editable=False),
        ),
        migrations.RunPython(add, remove),
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.AddConstraint(model_name="conversation", constraint=CONSTRAINT)]
        ),
    ]
