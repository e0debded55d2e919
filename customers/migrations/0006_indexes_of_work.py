"""Indexes and unique keys for the board, deals and tasks; on PostgreSQL they are built while others write."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models

INDEXES = (
    (
        "customer",
        models.Index(
            condition=models.Q(("deleted_at__isnull", True)),
            fields=["organization", "stage", "last_activity_at", "id", "assigned_to", "stage_since", "open_value"],
            name="customer_board",
        ),
    ),
    ("deal", models.Index(fields=["organization", "stage", "-updated_at", "-id"], name="deal_board")),
    (
        "deal",
        models.Index(
            condition=models.Q(("status", "open")),
            fields=["organization", "expected_close_on", "id"],
            name="deal_open_by_close",
        ),
    ),
    (
        "task",
        models.Index(
            condition=models.Q(("status__in", ["open", "in_progress"])),
            fields=["organization", "due_at", "id"],
            name="task_open_by_due",
        ),
    ),
    ("task", models.Index(fields=["organization", "created_by", "-created_at"], name="task_of_maker")),
)
CONSTRAINTS = (
    (
        "task",
        models.UniqueConstraint(
            condition=models.Q(("series__isnull", False)),
            fields=("series", "occurrence"),
            name="task_occurrence_once",
        ),
    ),
    (
        "task",
        models.UniqueConstraint(
            condition=models.Q(("origin", ""), _negated=True),
            fields=("organization", "origin"),
            name="task_origin_once",
        ),
    ),
)


def add(apps: Any, schema_editor: Any) -> None:
    is_postgres = schema_editor.connection.vendor == "postgresql"
    for name, index in INDEXES:
        model = apps.get_model("customers", name)
        if is_postgres:
            schema_editor.add_index(model, index, concurrently=True)
        else:
            schema_editor.add_index(model, index)
    for name, constraint in CONSTRAINTS:
        model = apps.get_model("customers", name)
        if is_postgres:
            made = str(constraint.create_sql(model, schema_editor))
            schema_editor.execute(made.replace("CREATE UNIQUE INDEX", "CREATE UNIQUE INDEX CONCURRENTLY", 1))
        else:
            schema_editor.add_constraint(model, constraint)


def remove(apps: Any, schema_editor: Any) -> None:
    for name, constraint in CONSTRAINTS:
        schema_editor.remove_constraint(apps.get_model("customers", name), constraint)
    for name, index in INDEXES:
        schema_editor.remove_index(apps.get_model("customers", name), index)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("customers", "0005_work")]

    operations = [
        migrations.RunPython(add, remove),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                *(migrations.AddIndex(model_name=name, index=index) for name, index in INDEXES),
                *(migrations.AddConstraint(model_name=name, constraint=one) for name, one in CONSTRAINTS),
            ]
        ),
    ]
