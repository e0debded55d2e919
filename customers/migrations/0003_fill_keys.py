"""Customers that were there before get the columns by which they are found, sorted and compared."""

from __future__ import annotations

from typing import Any

from django.db import migrations

from core.tenancy import every_organization
from customers.search import normalize, searchable, window_of

BATCH = 500
COLUMNS = ["search_text", "search_window", "sort_name", "code_number", "company_key", "address_key"]


def fill(apps: Any, schema_editor: Any) -> None:
    rows = apps.get_model("customers", "Customer")._base_manager.using(schema_editor.connection.alias)
    with every_organization("a migration is for all"):
        last = None
        while True:
            batch = list((rows.filter(pk__gt=last) if last else rows.all()).order_by("pk")[:BATCH])
            if not batch:
                return
            for row in batch:
                place = row.address or {}
                row.search_text = searchable([row.name, row.email, row.phone, row.company, row.code])
                row.sort_name = normalize(row.name)[:100]
                row.code_number = int("0" + "".join(c for c in row.code if c.isdigit()))
                row.search_window = window_of(row.organization_id, row.code_number)
                row.company_key = normalize(row.company)[:100]
                row.address_key = normalize(f"{place.get('street', '')} {place.get('postal_code', '')}")[:150]
            rows.bulk_update(batch, COLUMNS)
            last = batch[-1].pk


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("customers", "0002_records")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
