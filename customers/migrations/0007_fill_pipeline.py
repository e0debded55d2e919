"""What was there before the pipeline had its history: since when customers stand where they stand, what stages were
called, the stage of a deal, and what each customer's open deals come to."""

from __future__ import annotations

from typing import Any

from django.db import migrations
from django.db.models import F, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce

from core.tenancy import every_organization

BATCH = 1000


def fill(apps: Any, schema_editor: Any) -> None:
    using = schema_editor.connection.alias
    customers = apps.get_model("customers", "Customer")._base_manager.using(using)
    changes = apps.get_model("customers", "StageChange")._base_manager.using(using)
    deals = apps.get_model("customers", "Deal")._base_manager.using(using)
    stages = apps.get_model("customers", "Stage")._base_manager.using(using)
    with every_organization("a migration is for all"):
        for stage in stages.all():
            changes.filter(from_stage=stage).update(from_name=stage.name)
            changes.filter(to_stage=stage).update(to_name=stage.name)
        for status in ("won", "lost"):
            own = stages.filter(organization=OuterRef("organization"), kind=status).order_by("position")
            deals.filter(stage__isnull=True, status=status).update(stage=Subquery(own.values("pk")[:1]))
        theirs = customers.filter(pk=OuterRef("customer_id")).values("stage_id")[:1]
        deals.filter(stage__isnull=True).update(stage=Subquery(theirs))
        came = changes.filter(customer=OuterRef("pk")).order_by("-changed_at").values("changed_at")[:1]
        opened = (
            deals.filter(customer=OuterRef("pk"), status="open", currency=OuterRef("organization__currency"))
            .order_by()
            .values("customer")
            .annotate(total=Sum("amount"))
            .values("total")
        )
        last = None
        while True:
            rows = (customers.filter(pk__gt=last) if last else customers.all()).order_by("pk")
            keys = list(rows.values_list("pk", flat=True)[:BATCH])
            if not keys:
                return
            some = customers.filter(pk__in=keys)
            some.update(stage_since=Coalesce(Subquery(came), F("created_at")))
            with_deals = set(deals.filter(customer__in=keys, status="open").values_list("customer_id", flat=True))
            for row in customers.filter(pk__in=with_deals).annotate(total=Subquery(opened)):
                customers.filter(pk=row.pk).update(open_value=row.total or 0)
            last = keys[-1]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("customers", "0006_indexes_of_work")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
