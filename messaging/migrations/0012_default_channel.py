"""Which channel of a kind first messages leave by, where an organization has several."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("messaging", "0011_drafts")]

    operations = [
        migrations.AddField(
            model_name="channel",
            name="is_default",
            field=models.BooleanField(
                default=False, db_default=False, help_text="First messages of its kind leave by it."
            ),
        ),
        migrations.AddConstraint(
            model_name="channel",
            constraint=models.UniqueConstraint(
                fields=["organization", "kind"],
                condition=models.Q(("is_default", True)),
                name="channel_default_once",
            ),
        ),
    ]
