"""Deliveries that were replayed without anybody having verified them go back to where nobody works on them."""

from __future__ import annotations

from typing import Any

from django.db import migrations

WHY = "It came without a signature, so nobody can tell who wrote it. It is never processed."


def set_back(apps: Any, schema_editor: Any) -> None:
    arrivals = apps.get_model("messaging", "Arrival")._base_manager.using(schema_editor.connection.alias)
    # Under such a key nothing was verified when it came.
    rows = arrivals.filter(key__startswith="twilio:unroutable:", state__in=["pending", "set_aside", "unroutable"])
    rows.update(state="unverified", organization=None, channel=None, due_at=None, claim_token=None, last_error=WHY)


class Migration(migrations.Migration):
    dependencies = [("messaging", "0013_unverified_arrivals")]

    operations = [migrations.RunPython(set_back, migrations.RunPython.noop)]
